#!/usr/bin/env bash
# Many children side by side, subshells within subshells as scripts have them, a chain of twenty programs of two kinds, a
# daemon's two forks.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

for _ in {1..60}; do
    (:) &
done
wait
[[ $( (true; (true; (true; (true; echo deep))))) = deep ]]
cat >"$work/link.sh" <<'SHELL'
if test "$1" -lt 10; then python3 link.py $(($1 + 1)); fi
echo $1 >/dev/null
SHELL
cat >"$work/link.py" <<'PYTHON'
import subprocess, sys
subprocess.run(["sh", "link.sh", sys.argv[1]], check=True)
PYTHON
sh "$work/link.sh" 0
cat >"$work/daemon.py" <<'PYTHON'
import os
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os._exit(0)
    os.wait()
    os._exit(0)
os.wait()
PYTHON
python3 "$work/daemon.py"
