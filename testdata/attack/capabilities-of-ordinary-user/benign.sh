#!/usr/bin/env bash
# Interpreters of users without capabilities and with one for low ports, an installed program that has what it needs, root
# in a user namespace, root.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /usr/local/sbin
user=(setpriv --reuid=1000 --regid=1000 --clear-groups)

"${user[@]}" python3 -I -c pass
"${user[@]}" sh -c true
sh -c true
cp "$(readlink -f /usr/bin/python3)" /usr/local/sbin/python3
python3 "$here/capability.py" /usr/local/sbin/python3 10
"${user[@]}" /usr/local/sbin/python3 -I -c pass
cp "$(readlink -f /bin/cat)" /usr/local/sbin/backup
python3 "$here/capability.py" /usr/local/sbin/backup 2
"${user[@]}" /usr/local/sbin/backup /dev/null
if "${user[@]}" unshare --user --map-root-user true 2>/dev/null; then
    "${user[@]}" unshare --user --map-root-user sh -c 'python3 -I -c pass'
fi
