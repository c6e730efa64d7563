#!/usr/bin/env bash
# cat reads /etc/shadow: a made-up one in a layer over /etc that only this script sees.
# shellcheck disable=SC2016,SC2002 # the dollar signs are part of a hash; cat is the attack
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
echo 'beewolf:$y$made-up:20000:0:99999:7:::' >/etc/shadow

cat /etc/shadow | says made-up || fail "read something else"
