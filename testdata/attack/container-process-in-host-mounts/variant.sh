#!/usr/bin/env bash
# The same by a copy of nsenter with another name and the namespace as a file, and by a call of setns from Python that starts a
# renamed program.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
host=$PPID
first_mounts "$host"
own_mounts
cp "$(readlink -f /usr/bin/nsenter)" "$work/agent"
cat >"$work/out.py" <<'PYTHON'
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
if libc.setns(os.open(sys.argv[1], os.O_RDONLY), 0x20000):
    sys.exit(os.strerror(ctypes.get_errno()))
os.execv("/bin/sh", ["[kworker/0:1]", "-c", "exit 0"])
PYTHON

container=6e1b4a8f2d537c7ae9b6a5f4d3c2b1a0f9e8d7c6b5a4938271605f4e3d2c1b0a
in_container $container "$work/agent" "--mount=/proc/$host/ns/mnt" /bin/true
in_container $container python3 -I "$work/out.py" "/proc/$host/ns/mnt"
