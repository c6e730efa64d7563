#!/usr/bin/env bash
# The same with other faults: an abort, as the C library ends a program whose heap is damaged, a bus error, and a
# program that is started through a symbolic link with another name.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

cp "$(readlink -f /usr/bin/python3)" "$work/helper"
chmod 4755 "$work/helper"
ln -s helper "$work/sudoedit"
# ends CODE PROGRAM TEXT
ends() {
    local code=0
    setpriv --reuid=33 --regid=33 --clear-groups "$2" -I -c "$3" || code=$?
    [[ $code = "$1" ]] || fail "$2 ended with $code"
}
ends 134 "$work/helper" 'import os; os.abort()'
ends 135 "$work/sudoedit" 'import mmap, os
f = os.memfd_create("x")
os.ftruncate(f, 4096)
m = mmap.mmap(f, 4096)
os.ftruncate(f, 0)
m[0]'
