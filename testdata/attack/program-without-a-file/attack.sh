#!/usr/bin/env bash
# A loader that never touches the disk: a copy of bash is written to a memfd and started from there, inside what looks
# like a container of Docker.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

cat >"$work/loader.py" <<'PYTHON'
import os, shutil
descriptor = os.memfd_create("update", os.MFD_CLOEXEC)
with open("/bin/bash", "rb") as source, os.fdopen(os.dup(descriptor), "wb") as copy:
    shutil.copyfileobj(source, copy)
os.execve(descriptor, ["systemd-update", "-c", "readlink /proc/$$/exe; :"], {"PATH": "/usr/bin:/bin"})
PYTHON
in_container 86d771b6ae541a3643f8f6390edb58c190808b6fea978bffc741048052763863 python3 "$work/loader.py" >"$work/image"
grep -q '^/memfd:update' "$work/image" || fail "ran from $(<"$work/image")"
