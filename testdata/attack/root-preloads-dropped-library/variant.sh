#!/usr/bin/env bash
# The same by a relative path, behind an installed library, as an audit library, and out of a memfd.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

library=$(python3 -I -c 'import math; print(next(line.split()[5] for line in open("/proc/self/maps") if "/libm" in line))')
cp "$library" "$work/libx.so"
cp "$(readlink -f /bin/cat)" "$work/renamed"
LD_PRELOAD=./libx.so python3 -I -c 'print(open("/proc/self/maps").read())' | says "$work/libx.so" || fail "relative path"
LD_PRELOAD="libm.so.6 $work/libx.so" "$work/renamed" /proc/self/maps | says "$work/libx.so" || fail "second in the list"
LD_AUDIT=/usr/lib/none.so:$work/libx.so cat /proc/self/maps >/dev/null 2>&1
cat >"$work/loader.py" <<'PYTHON'
import os, shutil, sys
descriptor = os.memfd_create("x", 0)
with open(sys.argv[1], "rb") as source, os.fdopen(os.dup(descriptor), "wb") as copy:
    shutil.copyfileobj(source, copy)
os.execve("/bin/cat", ["cat", "/proc/self/maps"], {"LD_PRELOAD": f"/proc/self/fd/{descriptor}"})
PYTHON
python3 "$work/loader.py" "$library" | says /memfd:x || fail "memfd"
