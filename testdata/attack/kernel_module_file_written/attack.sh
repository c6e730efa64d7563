#!/usr/bin/env bash
# A module is named to be loaded at every boot, in a layer over /etc that only this script sees.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
mkdir -p /etc/modules-load.d

bash -c 'echo "# loop" >/etc/modules-load.d/beewolf-attack.conf'
[[ -s $work/etc-upper/modules-load.d/beewolf-attack.conf ]] || fail "written elsewhere"
