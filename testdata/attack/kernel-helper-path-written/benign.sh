#!/usr/bin/env bash
# Settings of the kernel are read, other settings are written, a file of that name in a source tree is read.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
for setting in pid_max core_uses_pid; do
    cat "/proc/sys/kernel/$setting" >"$work/$setting"
    mount --bind "$work/$setting" "/proc/sys/kernel/$setting"
done

cat /proc/sys/kernel/core_pattern >/dev/null
cat /proc/sys/kernel/modprobe >/dev/null 2>&1 || true
echo 1 >/proc/sys/kernel/core_uses_pid
python3 -c 'open("/proc/sys/kernel/pid_max", "w").write("32768")'
if command -v sysctl >/dev/null; then
    sysctl -n kernel.core_pattern kernel.ostype >/dev/null
    sysctl -a >/dev/null 2>&1 || true
fi
cat /sys/fs/cgroup/*/release_agent >/dev/null 2>&1 || true
