#!/usr/bin/env bash
# A line is added to the PAM configuration of a service, in a layer over /etc that only this script sees.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
mkdir -p /etc/pam.d

bash -c 'echo "# auth sufficient pam_permit.so" >>/etc/pam.d/beewolf-attack'
[[ -s $work/etc-upper/pam.d/beewolf-attack ]] || fail "written elsewhere"
