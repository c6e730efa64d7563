#!/usr/bin/env bash
# cat reads the passwords that git has stored: made-up ones in a folder laid over root's home.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /root
echo 'https://user:made-up@git.example' >/root/.git-credentials

# shellcheck disable=SC2002 # cat is the attack
cat /root/.git-credentials | says made-up || fail "read something else"
