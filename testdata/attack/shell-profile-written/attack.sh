#!/usr/bin/env bash
# A line for every login shell is put into /etc/profile.d, in a layer over /etc that only this script sees.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
mkdir -p /etc/profile.d

bash -c 'echo ": nothing" >/etc/profile.d/beewolf-attack.sh'
[[ -s $work/etc-upper/profile.d/beewolf-attack.sh ]] || fail "written elsewhere"
