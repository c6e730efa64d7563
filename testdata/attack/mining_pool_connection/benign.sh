#!/usr/bin/env bash
# Installed programs connect to such a port, programs from temporary folders to others and to this host.
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

python3 "$peer" call 192.0.2.1 3333 | says hello || fail "no answer"
wait
"$work/worker" -I -c 'import socket; socket.socket().connect_ex(("192.0.2.1", 443))'
"$work/worker" -I -c 'import socket; socket.socket().connect_ex(("127.0.0.1", 3333))'
"$work/worker" -I -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("192.0.2.1", 4444))'
bash -c 'exec 3<>/dev/tcp/127.0.0.1/4444' 2>/dev/null || true
