#!/usr/bin/env bash
# A second root is added to /etc/passwd, without a password that anybody could know, in a layer over /etc that only this
# script sees.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc

bash -c 'echo "beewolf-attack:*:0:0::/nonexistent:/usr/sbin/nologin" >>/etc/passwd'
grep -q beewolf-attack "$work/etc-upper/passwd" || fail "written elsewhere"
