#!/usr/bin/env bash
# Programs that a shell starts connect; the shell itself only asks its own host, as health checks do.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts_and_network

python3 "$peer" hello 192.0.2.1 "$work/port" 2 &
wait_for "$work/port"
port=$(<"$work/port")
bash -c "python3 '$peer' call 192.0.2.1 $port" | says hello
sh -c "busybox nc 192.0.2.1 $port </dev/null" | says hello
python3 "$peer" hello 127.0.0.1 "$work/local-port" 1 &
wait_for "$work/local-port"
bash -c "exec 3<>/dev/tcp/127.0.0.1/$(<"$work/local-port"); read -r line <&3; test \"\$line\" = hello"
wait
