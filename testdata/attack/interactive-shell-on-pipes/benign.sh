#!/usr/bin/env bash
# Shells on pipes that are not interactive, an interactive one that is given a command, as editors do to learn the
# environment, one at a terminal, a script and filters with an option -i of their own.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

echo 'echo done' | sh | cat >/dev/null
echo | bash -i -c 'env; cat' 2>/dev/null | cat >/dev/null
echo | bash -lic 'env; cat' 2>/dev/null | cat >/dev/null
echo 'cat' >"$work/script"
echo text | bash "$work/script" -i | cat >/dev/null
echo Text | grep -i text | cat >/dev/null
echo text | env -i cat | cat >/dev/null
python3 - <<'PYTHON'
import os, pty
assert os.waitstatus_to_exitcode(pty.spawn(["sh", "-i", "-c", "exit 0"])) == 0
PYTHON
