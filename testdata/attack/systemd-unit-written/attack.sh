#!/usr/bin/env bash
# A service is put into /etc/systemd/system, in a layer over /etc that only this script sees.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
mkdir -p /etc/systemd/system

bash -c 'printf "[Service]\nExecStart=/bin/true\n" >/etc/systemd/system/beewolf-attack.service'
[[ -s $work/etc-upper/systemd/system/beewolf-attack.service ]] || fail "written elsewhere"
