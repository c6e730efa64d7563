#!/usr/bin/env bash
# The web server's user starts a program that it has in /tmp.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

cp "$(readlink -f /bin/sh)" "$work/session"
[[ $(setpriv --reuid=33 --regid=33 --clear-groups "$work/session" -c 'id -u') = 33 ]] || fail "ran as somebody else"
