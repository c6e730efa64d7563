#!/usr/bin/env bash
# An installed library is preloaded in a working directory below /tmp; a build names its folder of libraries; a user tries
# a library of their own.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

library=$(python3 -I -c 'import math; print(next(line.split()[5] for line in open("/proc/self/maps") if "/libm" in line))')
cp "$library" "$work/libx.so"
LD_PRELOAD=libm.so.6 cat /dev/null
LD_PRELOAD=$library cat /dev/null
LD_LIBRARY_PATH=$work cat /dev/null
setpriv --reuid=1000 --regid=1000 --clear-groups env "LD_PRELOAD=$work/libx.so" cat /dev/null
PYTHONPATH=$work python3 -c pass
