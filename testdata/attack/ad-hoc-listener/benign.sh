#!/usr/bin/env bash
# Listeners as developers and services have them: one-liners for this host only, a server from a file or an installed
# module, a one-liner that only connects or only binds, a local socket.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts_and_network

python3 -c 'import socket; socket.create_server(("127.0.0.1", 0)).close()'
perl -MIO::Socket::INET -e 'IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") or die $!'
python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.bind("local"); s.listen()'
python3 -c 'import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("0.0.0.0", 5353))'
echo 'import socket; socket.create_server(("0.0.0.0", 8000)).close()' >"$work/service.py"
python3 "$work/service.py"
python3 -m http.server --bind 192.0.2.1 8001 >/dev/null 2>&1 &
server=$!
soon grep -q ':1F41 ' /proc/net/tcp
python3 -c 'import socket; socket.create_connection(("192.0.2.1", 8001)).close()'
kill "$server"
wait "$server" || true
