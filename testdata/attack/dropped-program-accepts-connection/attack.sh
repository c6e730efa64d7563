#!/usr/bin/env bash
# A program dropped into /tmp serves a caller from another address.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts_and_network

cp "$(readlink -f /usr/bin/python3)" "$work/updater"
"$work/updater" -I "$here/server.py" &
wait_for "$work/port"
python3 "$peer" call 192.0.2.1 "$(<"$work/port")" | says ready || fail "nobody was served"
wait
