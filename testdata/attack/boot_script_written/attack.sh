#!/usr/bin/env bash
# A rule that runs a command when a device shows up is put where udev reads them, in a layer over /etc that only this script
# sees. It is a comment.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
mkdir -p /etc/udev/rules.d

bash -c 'echo "# RUN+=/bin/true" >/etc/udev/rules.d/99-beewolf-attack.rules'
[[ -s $work/etc-upper/udev/rules.d/99-beewolf-attack.rules ]] || fail "written elsewhere"
