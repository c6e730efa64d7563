#!/usr/bin/env bash
# A set-uid program starts the shell for a user who is not root, and the shell is told to keep its rights. The program is
# a copy of Python in a folder that only this script sees.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /usr/local/sbin

cp "$(readlink -f /usr/bin/python3)" /usr/local/sbin/helper
chmod 4755 /usr/local/sbin/helper
setpriv --reuid=65534 --regid=65534 --clear-groups /usr/local/sbin/helper -I -c 'import os
os.execv("/bin/sh", ["sh", "-p", "-c", "id -u; :"])' >"$work/answer"
[[ $(<"$work/answer") = 0 ]] || fail "the shell is not root"
