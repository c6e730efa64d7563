#!/usr/bin/env bash
# A command for apt to run is put into its configuration, in a layer over /etc that only this script sees.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
mkdir -p /etc/apt/apt.conf.d

bash -c 'echo "APT::Update::Pre-Invoke { \"true\"; };" >/etc/apt/apt.conf.d/99beewolf-attack'
[[ -s $work/etc-upper/apt/apt.conf.d/99beewolf-attack ]] || fail "written elsewhere"
