#!/usr/bin/env bash
# The same by other means: a renamed interpreter, code from a pipe, Perl with other flags, busybox nc, IPv6.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts_and_network

cp "$(readlink -f /usr/bin/python3)" "$work/nginx"
"$work/nginx" -Ic 'import socket;s=socket.socket();s.bind(("192.0.2.1",4441));s.listen(1)'
"$work/nginx" -I -c 'import socket;s=socket.socket();s.bind(("192.0.2.1",4442));s.listen(1)'
echo 'import socket; socket.create_server(("0.0.0.0", 4443)).close()' | python3
echo 'import socket; socket.create_server(("0.0.0.0", 4444)).close()' | python3 -
perl -MIO::Socket::INET -we 'IO::Socket::INET->new(Listen => 1, LocalPort => 4445) or die $!'
busybox nc -l -p 4446 </dev/null >"$work/heard" &
soon grep -qs ':115E ' /proc/net/tcp /proc/net/tcp6
bash -c 'echo hello >/dev/tcp/127.0.0.1/4446'
wait
grep -q hello "$work/heard" || fail "netcat heard nothing"
