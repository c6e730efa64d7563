#!/usr/bin/env bash
# The same out of /var/tmp through a link from a respectable place, by a relative path, and out of a memfd.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts_and_network

serve() {
    rm -f "$work/port"
    "$@" &
    wait_for "$work/port"
    python3 "$peer" call 192.0.2.1 "$(<"$work/port")" | says ready || fail "nobody was served by $*"
    wait
}

own_folder /var/tmp
own_folder /usr/local/sbin
cp "$(readlink -f /usr/bin/python3)" /var/tmp/updater
ln -s /var/tmp/updater /usr/local/sbin/updated
serve /usr/local/sbin/updated -I "$here/server.py"

cp "$(readlink -f /usr/bin/python3)" "$work/x"
serve ./x -I "$here/server.py"

cat >"$work/loader.py" <<'PYTHON'
import os, shutil, sys
descriptor = os.memfd_create("cache", os.MFD_CLOEXEC)
with open("/usr/bin/python3", "rb") as source, os.fdopen(os.dup(descriptor), "wb") as copy:
    shutil.copyfileobj(source, copy)
os.execve(descriptor, ["python3", "-I", sys.argv[1]], {"PYTHONHOME": "/usr"})
PYTHON
serve python3 "$work/loader.py" "$here/server.py"
