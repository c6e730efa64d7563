#!/usr/bin/env bash
# The same with the other files: modprobe through another mount of /proc, a release_agent by a relative path, the list of
# binary formats through a link, core_pattern by a copy that is called systemd-sysctl.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
proc=$work/host/proc/sys
mkdir -p "$proc/kernel" "$proc/fs/binfmt_misc" "$work/cgroup/rdma"
for file in "$proc/kernel/modprobe" "$proc/fs/binfmt_misc/register" "$work/cgroup/rdma/release_agent" "$work/pattern"; do
    touch "$work/file"
    mv "$work/file" "$file"
done
mount --bind "$work/pattern" /proc/sys/kernel/core_pattern

python3 -c 'import sys; open(sys.argv[1], "w").write("/bin/false")' "$proc/kernel/modprobe"
(cd "$work/cgroup/rdma" && echo /bin/false | tee release_agent >/dev/null)
ln -s "$proc/fs/binfmt_misc" "$work/notes"
busybox dd if=/dev/null of="$work/notes/register" 2>/dev/null
cp "$(readlink -f /bin/bash)" "$work/systemd-sysctl"
"$work/systemd-sysctl" -c 'echo "|/bin/false" >/proc/sys/kernel/core_pattern'
