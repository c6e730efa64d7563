#!/usr/bin/env bash
# bash itself connects to another address, in a network namespace of its own, and reads what comes.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts_and_network

python3 "$peer" hello 192.0.2.1 "$work/port" 1 &
wait_for "$work/port"
bash -c "exec 3<>/dev/tcp/192.0.2.1/$(<"$work/port"); cat <&3" | says hello || fail "no answer"
wait
