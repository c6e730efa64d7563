#!/usr/bin/env bash
# A user who is not root makes a set-uid root program read address 0. The program is a copy of Python in a folder that
# only this script sees.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

cp "$(readlink -f /usr/bin/python3)" "$work/helper"
chmod 4755 "$work/helper"
code=0
setpriv --reuid=65534 --regid=65534 --clear-groups "$work/helper" -I -c 'import ctypes; ctypes.string_at(0)' || code=$?
[[ $code = 139 ]] || fail "ended with $code"
