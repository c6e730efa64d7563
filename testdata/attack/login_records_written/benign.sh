#!/usr/bin/env bash
# The records are read, made anew, rotated and copied; accounts are made, which touches them; a record is written elsewhere.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
own_folder /var/log
head -c 384 /dev/zero | logged wtmp
head -c 384 /dev/zero | logged lastlog

last -f /var/log/wtmp >/dev/null 2>&1 || true
who >/dev/null
cp /var/log/wtmp "$work/wtmp"
mv /var/log/wtmp /var/log/wtmp.1
touch /var/log/wtmp
: >"$work/wtmp"
if command -v useradd >/dev/null; then
    useradd --no-create-home beewolf-test
    usermod --uid 54321 beewolf-test
    userdel beewolf-test
fi
