#!/usr/bin/env bash
# The record of logins is emptied, in a folder over /var/log that only this script sees.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /var/log
head -c 384 /dev/zero | logged wtmp

bash -c ': >/var/log/wtmp'
[[ ! -s /var/log/wtmp ]] || fail "there is something left"
