#!/usr/bin/env bash
# The same by way of a renamed find, of a shell that awk starts, of Perl, which becomes the shell itself, and of
# Python that gives it a terminal; below other programs than sudo.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
cp "$(readlink -f /bin/bash)" "$work/doas"
ln "$work/doas" "$work/pkexec"
cp "$(readlink -f /usr/bin/find)" "$work/agent"

"$work/doas" -c './agent . -maxdepth 0 -exec bash --norc -p \; ; :' </dev/null >/dev/null 2>&1
"$work/pkexec" -c 'awk "BEGIN { system(\"exec /bin/sh\") }"; :' </dev/null
"$work/doas" -c 'perl -e "exec q(/bin/sh)"; :' </dev/null
cat >"$work/terminal.py" <<'PYTHON'
import os, pty
child, terminal = pty.fork()
if child == 0:
    os.execv("/bin/bash", ["/bin/bash"])
os.write(terminal, b"exit\n")
try:
    while os.read(terminal, 4096):
        pass
except OSError:
    pass
os.waitpid(child, 0)
PYTHON
"$work/doas" -c 'HOME=. python3 terminal.py; :' </dev/null
