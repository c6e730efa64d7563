#!/usr/bin/env bash
# The same by a copy that is called sshd and gives sshd's arguments, by Perl, and over IPv6.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts_and_network

cat >"$work/trap.py" <<'PYTHON'
import socket, sys
trap = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
trap.bind((sys.argv[1], 22))
PYTHON
cp "$(readlink -f /usr/bin/python3)" "$work/sshd"
bash -c 'exec -a "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups" "$@"' run "$work/sshd" "$work/trap.py" 0.0.0.0
perl -MSocket -e 'socket(S, PF_INET, SOCK_STREAM, 0); bind(S, sockaddr_in(22, INADDR_ANY)) or die $!'
if [[ -e /proc/net/if_inet6 ]]; then
    python3 "$work/trap.py" ::
else
    python3 "$work/trap.py" 127.0.0.1
fi
