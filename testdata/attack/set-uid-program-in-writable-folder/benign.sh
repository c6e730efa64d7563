#!/usr/bin/env bash
# Set-uid programs where they belong, programs in /tmp without the bit, root's own.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /usr/local/sbin
user=(setpriv --reuid=65534 --regid=65534 --clear-groups)

cp "$(readlink -f /usr/bin/python3)" /usr/local/sbin/helper
chmod 4755 /usr/local/sbin/helper
[[ $("${user[@]}" /usr/local/sbin/helper -I -c 'import os; print(os.geteuid())') = 0 ]]
cp "$(readlink -f /usr/bin/python3)" "$work/x.test"
"$work/x.test" -I -c pass
setpriv --reuid=1000 --regid=1000 --clear-groups "$work/x.test" -I -c pass
"${user[@]}" passwd --status >/dev/null
