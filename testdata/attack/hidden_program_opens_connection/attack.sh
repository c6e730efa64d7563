#!/usr/bin/env bash
# A program in /dev/shm connects to another address, in a network namespace of its own.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts_and_network
own_folder /dev/shm

python3 "$peer" hello 192.0.2.1 "$work/port" 1 &
wait_for "$work/port"
cp "$(readlink -f /usr/bin/python3)" /dev/shm/kworker
/dev/shm/kworker -I "$peer" call 192.0.2.1 "$(<"$work/port")" | says hello || fail "no answer"
wait
