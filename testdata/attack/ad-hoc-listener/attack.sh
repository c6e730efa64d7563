#!/usr/bin/env bash
# A Python one-liner opens a port to everybody, in a network namespace of its own, and serves one caller.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts_and_network

python3 -c 'import socket; s = socket.create_server(("0.0.0.0", 4444)); open("ready", "w").write("1"); s.accept()[0].sendall(b"in")' &
wait_for "$work/ready"
python3 "$peer" call 192.0.2.1 4444 | says in || fail "nobody was served"
wait
