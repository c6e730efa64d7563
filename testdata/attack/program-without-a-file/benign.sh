#!/usr/bin/env bash
# Memory files and descriptors in ordinary use: data in a memfd, a script read from a descriptor, a program started by
# descriptor that still has its name, and one whose file goes away while it runs, as in an upgrade.
# shellcheck disable=SC2016 # other shells are to expand it
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

cat >"$work/data.py" <<'PYTHON'
import mmap, os, subprocess
descriptor = os.memfd_create("data")
os.write(descriptor, b"exit 0\n")
with mmap.mmap(descriptor, 0) as data:
    assert data[:4] == b"exit"
subprocess.run(["bash", f"/proc/self/fd/{descriptor}"], pass_fds=[descriptor], check=True)
named = os.open("/bin/bash", os.O_RDONLY)
os.execve(named, ["bash", "-c", "exit 0"], {})
PYTHON
python3 "$work/data.py"
bash <(echo 'exit 0')

cp /bin/bash "$work/service"
mkfifo "$work/go"
"$work/service" -c 'read -r _ <"$1"' service "$work/go" &
service=$!
soon test "/proc/$service/exe" -ef "$work/service"
cp /bin/bash "$work/service.new"
mv "$work/service.new" "$work/service"
echo go >"$work/go"
wait "$service"
"$work/service" -c true
