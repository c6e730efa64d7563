#!/usr/bin/env bash
# The same with the descriptor's name in /dev/fd and in /proc, given by other programs, and with a program elsewhere.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /mnt

cp "$(readlink -f /bin/bash)" "$work/x"
cp "$(readlink -f /bin/bash)" /mnt/x
exec 3<"$work/x" 4</mnt/x
[[ $(/proc/self/fd/3 -c 'echo ran') = ran ]] || fail "/proc/self/fd"
[[ $(perl -e 'exec {"/dev/fd/4"} "sshd", "-c", "echo ran"' 4</mnt/x) = ran ]] || fail "/dev/fd"
[[ $(sh -c "exec /proc/$$/fd/3 -c 'echo ran'") = ran ]] || fail "/proc/PID/fd"
exec 3<&- 4<&-
