#!/usr/bin/env bash
# The same with a program of its own for the session, as newer servers have, for every address; with another server; and
# with a port that X11 forwarding takes, but for other hosts.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts_and_network
cp "$(readlink -f /usr/bin/python3)" "$work/sshd"
ln "$work/sshd" "$work/sshd-session"
ln "$work/sshd" "$work/dropbear"
cat >"$work/session.py" <<'PYTHON'
import socket, sys
with socket.create_server((sys.argv[1], int(sys.argv[2]))) as server:
    client = socket.create_connection((sys.argv[1] if sys.argv[1] != "0.0.0.0" else "127.0.0.1", int(sys.argv[2])))
    connection, _ = server.accept()
    connection.sendall(b"forwarded")
    assert client.recv(16) == b"forwarded"
PYTHON
echo 'import subprocess, sys; subprocess.run([sys.argv[1], "-I", *sys.argv[2:], "-R"], check=True)' >"$work/server.py"

"$work/sshd" -I "$work/server.py" "$work/sshd-session" "$work/session.py" 0.0.0.0 8443
"$work/dropbear" -I "$work/server.py" "$work/dropbear" "$work/session.py" 127.0.0.1 3306
"$work/sshd" -I "$work/server.py" "$work/sshd" "$work/session.py" 192.0.2.1 6010
