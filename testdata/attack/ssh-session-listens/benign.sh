#!/usr/bin/env bash
# The server's own port, also when it has gone into the background; a session with X11 forwarding, a session that only connects, a program that somebody starts in a
# session and that listens on this host.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts_and_network
cp "$(readlink -f /usr/bin/python3)" "$work/sshd"
cat >"$work/session.py" <<'PYTHON'
import socket, sys
with socket.create_server((sys.argv[1], int(sys.argv[2]))) as server:
    client = socket.create_connection((sys.argv[1] if sys.argv[1] != "0.0.0.0" else "127.0.0.1", int(sys.argv[2])))
    connection, _ = server.accept()
    connection.sendall(b"forwarded")
    assert client.recv(16) == b"forwarded"
PYTHON
echo 'import subprocess, sys; subprocess.run([sys.argv[1], "-I", *sys.argv[2:], "-R"], check=True)' >"$work/server.py"

"$work/sshd" -I "$work/session.py" 0.0.0.0 2222
"$work/sshd" -I -c 'import os, sys; os.fork() == 0 and os.execv(sys.argv[1], ["sshd", "-I", *sys.argv[2:]]) or os.wait()' \
    "$work/sshd" "$work/session.py" 0.0.0.0 2223
"$work/sshd" -I "$work/server.py" "$work/sshd" "$work/session.py" 127.0.0.1 6010
cat >"$work/client.py" <<'PYTHON'
import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("192.0.2.1", 9))
PYTHON
"$work/sshd" -I "$work/server.py" "$work/sshd" "$work/client.py"
"$work/sshd" -I "$work/server.py" /usr/bin/python3 "$work/session.py" 127.0.0.1 8000
