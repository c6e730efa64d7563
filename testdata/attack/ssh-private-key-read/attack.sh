#!/usr/bin/env bash
# cat reads a private key of root: a made-up one in a folder laid over root's home.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /root
mkdir /root/.ssh
echo 'made-up key' >/root/.ssh/id_ed25519

# shellcheck disable=SC2002 # cat is the attack
cat /root/.ssh/id_ed25519 | says made-up || fail "read something else"
