#!/usr/bin/env bash
# The same crash without foreign rights, by a user and by root; a set-uid program that is terminated, interrupted, or says
# no.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /usr/local/sbin

# ends CODE COMMAND...
ends() {
    local code=0
    "${@:2}" || code=$?
    [[ $code = "$1" ]] || fail "${*:2} ended with $code"
}
user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
ends 139 "${user[@]}" python3 -I -c 'import ctypes; ctypes.string_at(0)'
ends 139 python3 -I -c 'import ctypes; ctypes.string_at(0)'
cp "$(readlink -f /usr/bin/python3)" /usr/local/sbin/helper
chmod 4755 /usr/local/sbin/helper
ends 1 "${user[@]}" /usr/local/sbin/helper -I -c 'import os, sys; sys.exit(os.geteuid() == 0)'
ends 143 "${user[@]}" /usr/local/sbin/helper -I -c 'import os; os.kill(os.getpid(), 15)'
ends 130 "${user[@]}" /usr/local/sbin/helper -I -c 'import os, signal; signal.signal(2, signal.SIG_DFL); os.kill(os.getpid(), 2)'
