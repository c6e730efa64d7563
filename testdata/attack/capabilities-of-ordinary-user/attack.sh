#!/usr/bin/env bash
# An interpreter has got the capability to change its user, and a user who is not root becomes root with it. The
# interpreter is a copy of Python in a folder that only this script sees.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /usr/local/sbin

cp "$(readlink -f /usr/bin/python3)" /usr/local/sbin/python3
python3 "$here/capability.py" /usr/local/sbin/python3 7
[[ $(setpriv --reuid=65534 --regid=65534 --clear-groups /usr/local/sbin/python3 -I -c 'import os; os.setuid(0); print(os.getuid())') = 0 ]] ||
    fail "did not become root"
