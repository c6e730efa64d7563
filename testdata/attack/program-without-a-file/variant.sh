#!/usr/bin/env bash
# The same through other doors: the memfd named by its path in /proc and started by a shell under another name, a memfd
# named like a container runtime's, and a file that is unlinked before it is started.
# shellcheck disable=SC2016 # other shells are to expand it
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

cat >"$work/loader.py" <<'PYTHON'
import os, shutil, sys
descriptor = os.memfd_create(sys.argv[1], 0)
with open("/bin/bash", "rb") as source, os.fdopen(os.dup(descriptor), "wb") as copy:
    shutil.copyfileobj(source, copy)
os.execv("/bin/sh" if len(sys.argv) > 2 else f"/proc/self/fd/{descriptor}", sys.argv[2:] + [str(descriptor)]
    if len(sys.argv) > 2 else ["runc", "-c", "readlink /proc/$$/exe; :"])
PYTHON
python3 "$work/loader.py" x sh -c 'exec /proc/self/fd/$0 -c "readlink /proc/\$\$/exe; :"' >"$work/image"
grep -q '^/memfd:x ' "$work/image" || fail "ran from $(<"$work/image")"
python3 "$work/loader.py" runc_cloned:/proc/self/exe >"$work/image"
grep -q '^/memfd:runc_cloned' "$work/image" || fail "ran from $(<"$work/image")"

cp /bin/bash "$work/helper"
exec 3<"$work/helper"
rm "$work/helper"
/proc/self/fd/3 -c 'readlink /proc/$$/exe; :' >"$work/image"
exec 3<&-
grep -q '/helper (deleted)$' "$work/image" || fail "ran from $(<"$work/image")"
