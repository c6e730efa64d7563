#!/usr/bin/env bash
# Shells on pipes, files, terminals and local sockets; a program that is no shell on a network socket.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

echo 'exit 0' | sh
echo 'exit 0' >"$work/script"
bash <"$work/script"
sh -c true </dev/null
python3 - <<'PYTHON'
import os, pty, socket, subprocess
assert os.waitstatus_to_exitcode(pty.spawn(["sh", "-i", "-c", "exit 0"])) == 0
ours, theirs = socket.socketpair()
with ours, theirs:
    ours.sendall(b"exit 0\n")
    subprocess.run(["bash"], stdin=theirs, stdout=theirs, check=True)
PYTHON
python3 "$peer" hello 127.0.0.1 "$work/port" 2 &
wait_for "$work/port"
bash -c "exec 3<>/dev/tcp/127.0.0.1/$(<"$work/port"); exec cat <&3" | says hello
# The shell holds a connection, but does not take its commands from it.
bash -c "exec 3<>/dev/tcp/127.0.0.1/$(<"$work/port"); sh -c 'read -r line <&3; test \"\$line\" = hello' </dev/null"
wait
