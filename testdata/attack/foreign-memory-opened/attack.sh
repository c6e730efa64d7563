#!/usr/bin/env bash
# A Python program takes a secret out of the memory of another process, a child of this script.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

python3 "$here/victim.py" "$work/where" &
wait_for "$work/where"
read -r address length <"$work/where"
echo 'import sys
pid, address, length = map(int, sys.argv[1:])
with open(f"/proc/{pid}/mem", "rb") as memory:
    memory.seek(address)
    print(memory.read(length))' >"$work/dump.py"
python3 "$work/dump.py" "$!" "$address" "$length" | says 'made-up secret' || fail "read something else"
