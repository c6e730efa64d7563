#!/usr/bin/env bash
# A user who is not root starts a set-uid root program with a GCONV_PATH of their own: the first step of a well-known way
# to root. The program, a copy of env(1) in a folder that only this script sees, does nothing with it.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /usr/local/sbin

cp "$(readlink -f /usr/bin/env)" /usr/local/sbin/helper
chmod 4755 /usr/local/sbin/helper
setpriv --reuid=65534 --regid=65534 --clear-groups env GCONV_PATH=./charsets /usr/local/sbin/helper --version | says GNU ||
    fail "did not run"
