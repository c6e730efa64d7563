#!/usr/bin/env bash
# netcat between pipes, shells that start netcat, a relay that starts a program that is no shell, shells with such options.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /usr/local/bin

python3 "$peer" hello 127.0.0.1 "$work/port" 3 &
wait_for "$work/port"
port=$(<"$work/port")
sh -c "busybox nc 127.0.0.1 $port </dev/null | cat" | says hello
bash -c "busybox nc 127.0.0.1 $port </dev/null" | sh -c 'cat' | says hello
cp "$(readlink -f /usr/bin/python3)" /usr/local/bin/socat
/usr/local/bin/socat -I "$here/relay.py" "TCP:127.0.0.1:$port" EXEC:/bin/true
sh -ec 'sh -c true 127.0.0.1 80'
wait
