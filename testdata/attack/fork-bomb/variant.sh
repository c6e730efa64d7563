#!/usr/bin/env bash
# The same by Python, and by a renamed copy of a shell under /tmp.
# shellcheck disable=SC2016 # other shells are to expand it
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

cat >"$work/bomb.py" <<'PYTHON'
import os
for generation in range(22):
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        break
PYTHON
python3 "$work/bomb.py"

cp "$(readlink -f /bin/bash)" "$work/x"
"$work/x" -c 'generation() { if (($1 < 22)); then generation $(($1 + 1)) & wait; else echo reached >depth; fi; }; generation 1'
[[ -s $work/depth ]] || fail "did not get that deep"
