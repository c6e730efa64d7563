#!/usr/bin/env bash
# A process and its own memory, what /proc tells about others, a look without opening.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

python3 "$here/victim.py" "$work/where" &
victim=$!
wait_for "$work/where"
python3 -c 'import ctypes
text = ctypes.create_string_buffer(b"own text")
with open("/proc/self/mem", "r+b", buffering=0) as memory:
    memory.seek(ctypes.addressof(text))
    assert memory.read(8) == b"own text"'
cat "/proc/$victim/status" "/proc/$victim/maps" "/proc/$victim/smaps" /proc/meminfo >/dev/null
cat "/proc/$victim/environ" "/proc/$victim/cmdline" >/dev/null
ls -l "/proc/$victim/mem" /proc/kcore >/dev/null 2>&1 || true
python3 -c 'import os, sys; os.close(os.open(f"/proc/{sys.argv[1]}/mem", os.O_PATH))' "$victim"
