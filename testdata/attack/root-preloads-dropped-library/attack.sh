#!/usr/bin/env bash
# A program of root loads a library out of /tmp: a copy of the mathematics library.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

library=$(python3 -I -c 'import math; print(next(line.split()[5] for line in open("/proc/self/maps") if "/libm" in line))')
cp "$library" "$work/libx.so"
# shellcheck disable=SC2002 # cat is the victim
LD_PRELOAD=$work/libx.so cat /proc/self/maps | says "$work/libx.so" || fail "was not loaded"
