#!/usr/bin/env bash
# Root and an ordinary user run a program from /tmp; a service account runs installed programs with a script and a working
# directory in /tmp.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

cp "$(readlink -f /bin/sh)" "$work/x.test"
"$work/x.test" -c true
setpriv --reuid=1000 --regid=1000 --clear-groups "$work/x.test" -c true
echo 'exit 0' >"$work/script"
setpriv --reuid=33 --regid=33 --clear-groups sh "$work/script"
setpriv --reuid=65534 --regid=65534 --clear-groups id -u >/dev/null
