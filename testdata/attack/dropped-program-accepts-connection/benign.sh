#!/usr/bin/env bash
# A program built in /tmp serves itself, an installed interpreter serves others with a script from /tmp, a program in
# /tmp calls out.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts_and_network

cp "$(readlink -f /usr/bin/python3)" "$work/http.test"
"$work/http.test" -I "$here/server.py" 127.0.0.1 &
wait_for "$work/port"
"$work/http.test" -I "$peer" call 127.0.0.1 "$(<"$work/port")" | says ready
wait

rm "$work/port"
cp "$here/server.py" "$work/server.py"
python3 "$work/server.py" &
wait_for "$work/port"
"$work/http.test" -I "$peer" call 192.0.2.1 "$(<"$work/port")" | says ready
wait
