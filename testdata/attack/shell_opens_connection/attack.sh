# bash itself connects to another address, in a network namespace of its own, and reads what comes.
. "$(dirname "$0")/../common.sh"
own_namespaces --net

python3 "$peer" hello 192.0.2.1 "$work/port" 1 &
wait_for "$work/port"
bash -c "exec 3<>/dev/tcp/192.0.2.1/$(<"$work/port"); cat <&3" | grep -q hello || fail "no answer"
wait
