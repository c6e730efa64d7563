#!/usr/bin/env bash
# The same from a hidden folder elsewhere, and from a home under the name of a kernel thread, to a port that
# refuses.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts_and_network
own_folder /home
own_folder /usr/local
mkdir -p /usr/local/.cache
cp "$(readlink -f /usr/bin/python3)" /usr/local/.cache/update
cp "$(readlink -f /usr/bin/python3)" /home/worker
cat >"$work/pool.py" <<'PYTHON'
import socket
with socket.create_server(("192.0.2.1", 14444)) as server:
    open("ready", "w").write("1")
    server.accept()[0].sendall(b"hello\n")
PYTHON
python3 "$work/pool.py" &
wait_for "$work/ready"

/usr/local/.cache/update -I "$peer" call 192.0.2.1 14444 | says hello || fail "no answer"
wait
bash -c 'exec -a "[kworker/0:1]" /home/worker -I "$@"' run -c 'import socket; socket.socket().connect_ex(("192.0.2.1", 45700))'
