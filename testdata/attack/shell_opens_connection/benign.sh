# Programs that a shell starts connect; the shell itself only asks its own host, as health checks do.
. "$(dirname "$0")/../common.sh"
own_namespaces --net

python3 "$peer" hello 192.0.2.1 "$work/port" 2 &
wait_for "$work/port"
port=$(<"$work/port")
bash -c "python3 '$peer' call 192.0.2.1 $port" | grep -q hello
sh -c "busybox nc 192.0.2.1 $port </dev/null" | grep -q hello
python3 "$peer" hello 127.0.0.1 "$work/local-port" 1 &
wait_for "$work/local-port"
bash -c "exec 3<>/dev/tcp/127.0.0.1/$(<"$work/local-port"); read -r line <&3; test \"\$line\" = hello"
wait
