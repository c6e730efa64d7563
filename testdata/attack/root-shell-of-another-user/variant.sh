#!/usr/bin/env bash
# The same by system(3), with bash under another name through a link, with busybox, and with a renamed shell that has the
# set-uid bit itself.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /usr/local/sbin
user=(setpriv --reuid=33 --regid=33 --clear-groups)

cp "$(readlink -f /usr/bin/python3)" /usr/local/sbin/helper
cp "$(readlink -f /bin/bash)" /usr/local/sbin/agent
chmod 4755 /usr/local/sbin/helper /usr/local/sbin/agent
ln -s /bin/bash "$work/editor"
# dash gives the rights up at once, bash as /bin/sh too: the attempt is what counts.
"${user[@]}" /usr/local/sbin/helper -I -c 'import os; os.system("id -u >/dev/null; :")'
[[ $("${user[@]}" /usr/local/sbin/helper -I -c 'import os, sys; os.execv(sys.argv[1], ["editor", "-pc", "echo $EUID"])' "$work/editor") = 0 ]] ||
    fail "the link"
"${user[@]}" /usr/local/sbin/helper -I -c 'import os, sys; os.execv(sys.argv[1], ["busybox", "sh", "-c", "exit 0"])' "$(command -v busybox)"
# shellcheck disable=SC2016 # the other shell is to expand it
[[ $(echo 'echo $EUID' | "${user[@]}" /usr/local/sbin/agent -p) = 0 ]] || fail "the renamed shell"
