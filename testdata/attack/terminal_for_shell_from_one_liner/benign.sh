#!/usr/bin/env bash
# A pseudo-terminal for a command that wants one, a program in a file that starts a shell behind one, shells started by
# shells, a one-liner that only mentions the module.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

script -qec 'test -t 1' /dev/null </dev/null >/dev/null
echo 'import pty; pty.spawn(["sh", "-c", "exit 0"])' >"$work/test.py"
python3 "$work/test.py" </dev/null
python3 -c 'import pty; print(pty.__name__)' >/dev/null
echo 'exit 0' | sh -c sh
echo 'exit 0' | bash -c 'exec sh'
