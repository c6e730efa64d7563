#!/usr/bin/env bash
# One-liners that only look or download, one that starts a program and stays within the host, programs from files, worker
# processes of a Python program, netcat.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts_and_network

python3 "$peer" hello 192.0.2.1 "$work/port" 4 &
python3 "$peer" hello 127.0.0.1 "$work/local" 1 &
wait_for "$work/port"
wait_for "$work/local"
port=$(<"$work/port")
python3 -c 'import socket, sys; print(socket.create_connection(("192.0.2.1", int(sys.argv[1]))).recv(9))' "$port" | says hello
python3 -c 'import socket, subprocess, sys; subprocess.run("true"); socket.create_connection(("127.0.0.1", int(sys.argv[1]))).recv(9)' "$(<"$work/local")"
cat >"$work/service.py" <<'PYTHON'
import multiprocessing, socket, subprocess, sys

def greet(port):
    subprocess.run(["true"], check=True)
    with socket.create_connection(("192.0.2.1", port)) as connection:
        assert connection.recv(9) == b"hello\n"

if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    greet(int(sys.argv[1]))
    worker = multiprocessing.Process(target=greet, args=(int(sys.argv[1]),))
    worker.start()
    worker.join()
    assert worker.exitcode == 0
PYTHON
python3 "$work/service.py" "$port"
busybox nc 192.0.2.1 "$port" </dev/null | says hello
wait
