#!/usr/bin/env bash
# A job is put into /etc/cron.d, in a layer over /etc that only this script sees.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
mkdir -p /etc/cron.d

bash -c 'echo "* * * * * nobody /bin/true" >/etc/cron.d/beewolf-attack'
[[ -s $work/etc-upper/cron.d/beewolf-attack ]] || fail "written elsewhere"
