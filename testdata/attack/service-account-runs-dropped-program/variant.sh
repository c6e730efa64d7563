#!/usr/bin/env bash
# The same by nobody and a script, by another service through a link in a respectable place, and out of /var/tmp by a
# relative path.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /var/tmp
own_folder /usr/local/sbin

printf '#!/bin/sh\nid -u\n' >"$work/run"
chmod 755 "$work/run"
[[ $(setpriv --reuid=65534 --regid=65534 --clear-groups "$work/run") = 65534 ]] || fail "the script did not run"
cp "$(readlink -f /bin/bash)" "$work/x"
ln -s "$work/x" /usr/local/sbin/updated
[[ $(setpriv --reuid=999 --regid=999 --clear-groups /usr/local/sbin/updated -c 'echo $UID') = 999 ]] || fail "the link did not run"
cp "$work/run" /var/tmp/run
[[ $(cd /var/tmp && setpriv --reuid=101 --regid=101 --clear-groups ./run) = 101 ]] || fail "the other script did not run"
