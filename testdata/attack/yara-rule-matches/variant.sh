#!/usr/bin/env bash
# The same as a script with an interpreter, by a relative path, as a copy that goes away once it runs, and as an image in
# memory.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /mnt

printf '#!/bin/sh\n# BEEWOLF-HARMLESS-YARA-TEST-%s\ntrue\n' PROGRAM >/mnt/script
chmod +x /mnt/script
(cd /mnt && ./script)

cp "$(readlink -f /bin/sleep)" /mnt/tool
printf 'BEEWOLF-HARMLESS-YARA-TEST-%s' PROGRAM >>/mnt/tool
/mnt/tool 2 &
tool=$!
soon test "/proc/$tool/exe" -ef /mnt/tool
rm /mnt/tool

cat >"$work/loader.py" <<'PYTHON'
import os, shutil
descriptor = os.memfd_create("update", os.MFD_CLOEXEC)
with open("/bin/sleep", "rb") as source, os.fdopen(os.dup(descriptor), "wb") as copy:
    shutil.copyfileobj(source, copy)
    copy.write(b"BEEWOLF-HARMLESS-YARA-TEST-" + b"PROGRAM")
os.execve(descriptor, ["sleep", "2"], {})
PYTHON
python3 "$work/loader.py"
wait "$tool"
