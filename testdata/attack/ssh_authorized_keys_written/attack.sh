#!/usr/bin/env bash
# A key is added for root, in a folder over /root that only this script sees.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /root
mkdir -m 700 /root/.ssh

bash -c 'echo "ssh-ed25519 AAAA beewolf-attack" >>/root/.ssh/authorized_keys'
grep -q beewolf-attack /root/.ssh/authorized_keys || fail "written elsewhere"
