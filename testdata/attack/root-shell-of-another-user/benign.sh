#!/usr/bin/env bash
# Ways to another user that change all of a process's ids, a set-uid program that starts no shell, and one that asks for
# a user's own data.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /usr/local/sbin
user=(setpriv --reuid=65534 --regid=65534 --clear-groups)

su nobody --shell /bin/sh --command true
"${user[@]}" sh -c true
setpriv --reuid=65534 --clear-groups bash -c true
cp "$(readlink -f /usr/bin/python3)" /usr/local/sbin/helper
chmod 4755 /usr/local/sbin/helper
"${user[@]}" /usr/local/sbin/helper -I -c 'import os; assert os.geteuid() == 0; os.execv("/bin/true", ["true"])'
"${user[@]}" /usr/local/sbin/helper -I -c 'import os; os.seteuid(65534); os.execv("/bin/sh", ["sh", "-c", "exit 0"])'
"${user[@]}" passwd --status >/dev/null
