#!/usr/bin/env bash
# The same in sleep(1) under another name, through a link with the name of a program that does use the network, and to a
# port that refuses.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts_and_network

python3 "$peer" hello 192.0.2.1 "$work/port" 2 &
wait_for "$work/port"
port=$(<"$work/port")
cp "$(readlink -f /usr/bin/python3)" "$work/implant"
mount --bind "$work/implant" "$(readlink -f /bin/sleep)"
mount --bind "$work/implant" "$(readlink -f /usr/bin/stat)"
(exec -a '[kworker/0:1]' /bin/sleep -I "$peer" call 192.0.2.1 "$port") | says hello || fail "no answer"
ln -s "$(readlink -f /usr/bin/stat)" "$work/curl"
PYTHONHOME=/usr "$work/curl" -I "$peer" call 192.0.2.1 "$port" | says hello || fail "no answer"
if /usr/bin/stat -I "$peer" call 192.0.2.1 9 2>/dev/null; then
    fail "something listens"
fi
umount "$(readlink -f /bin/sleep)" "$(readlink -f /usr/bin/stat)"
wait
