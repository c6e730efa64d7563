#!/usr/bin/env bash
# Other ports, the same number over UDP, a client, a failed attempt, and a server at the place of an SSH server.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts_and_network

own_folder /usr/local/sbin
cp "$(readlink -f /usr/bin/python3)" /usr/local/sbin/sshd
cat >"$work/server.py" <<'PYTHON'
import signal, socket
signal.alarm(30)
with socket.create_server(("192.0.2.1", 22)) as server:
    open("ready", "w").write("1")
    connection, _ = server.accept()
    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
PYTHON
/usr/local/sbin/sshd "$work/server.py" &
wait_for "$work/ready"
if python3 -c 'import socket; socket.socket().bind(("192.0.2.1", 22))' 2>/dev/null; then
    fail "the port was free"
fi
python3 "$peer" call 192.0.2.1 22 | says OpenSSH
wait
python3 -c 'import socket; socket.socket().bind(("0.0.0.0", 2222)); socket.socket().bind(("0.0.0.0", 80))'
python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).bind(("0.0.0.0", 22))'
