#!/usr/bin/env bash
# Shells between pipes, files and local sockets; a filter that writes to a connection; a shell that only reports there.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

echo 'echo done' | sh >"$work/output"
echo 'echo done' | sh | cat >/dev/null
python3 - <<'PYTHON'
import socket, subprocess
ours, theirs = socket.socketpair()
with ours, theirs:
    ours.sendall(b"exit 0\n")
    subprocess.run(["bash"], stdin=theirs, stdout=theirs, stderr=theirs, check=True)
PYTHON
python3 "$peer" hello 127.0.0.1 "$work/port" 2 &
wait_for "$work/port"
bash -c "exec 3<>/dev/tcp/127.0.0.1/$(<"$work/port"); echo report | gzip -c >&3"
bash -c "exec 3<>/dev/tcp/127.0.0.1/$(<"$work/port"); sh -c 'echo report' </dev/null >&3"
wait
