#!/usr/bin/env bash
# From what looks like a container of Docker a program is named in core_pattern: in an ordinary file that is mounted over it
# in this script only.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
echo core >"$work/pattern"
mount --bind "$work/pattern" /proc/sys/kernel/core_pattern

in_container 1f9b0d6a2c8e4475b3a1f0e9d8c7b6a5948372615041302f1e0dcbba99887766 \
    bash -c 'echo "|/bin/false %P" >/proc/sys/kernel/core_pattern'
grep -q false "$work/pattern" || fail "written elsewhere"
