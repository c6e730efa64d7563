#!/usr/bin/env bash
# A program from a temporary folder connects to a port of mining pools, in an empty network namespace. The pool is a Python
# program that says hello.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts_and_network
cp "$(readlink -f /usr/bin/python3)" "$work/worker"
cat >"$work/pool.py" <<'PYTHON'
import socket
with socket.create_server(("192.0.2.1", 3333)) as server:
    open("ready", "w").write("1")
    server.accept()[0].sendall(b"hello\n")
PYTHON
python3 "$work/pool.py" &
wait_for "$work/ready"

"$work/worker" -I "$peer" call 192.0.2.1 3333 | says hello || fail "no answer"
wait
