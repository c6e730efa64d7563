#!/usr/bin/env bash
# A session's process of an SSH server, which the server has started with -R, opens a port for its client and answers on it,
# as it does for ssh -R. Both are copies of Python that are called sshd.
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

"$work/sshd" -I "$work/server.py" "$work/sshd" "$work/session.py" 127.0.0.1 2222
