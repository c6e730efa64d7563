#!/usr/bin/env bash
# The log of logins is emptied, in a folder over /var/log that only this script sees.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /var/log
printf 'sshd: failed\n' | logged auth.log

bash -c ': >/var/log/auth.log'
[[ ! -s /var/log/auth.log ]] || fail "there is something left"
