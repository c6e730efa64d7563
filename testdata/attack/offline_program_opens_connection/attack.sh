#!/usr/bin/env bash
# sort(1) has been replaced, here by a copy of Python that is mounted over it for this script only, and connects to another
# address.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts_and_network

python3 "$peer" hello 192.0.2.1 "$work/port" 1 &
wait_for "$work/port"
cp "$(readlink -f /usr/bin/python3)" "$work/implant"
mount --bind "$work/implant" "$(readlink -f /usr/bin/sort)"
sort -I "$peer" call 192.0.2.1 "$(<"$work/port")" | says hello || fail "no answer"
umount "$(readlink -f /usr/bin/sort)"
wait
