#!/usr/bin/env bash
# The same through a link in a respectable place, in another folder that anybody can write to, with another program, by a
# relative path.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /usr/local/sbin
own_folder /mnt
own_folder /var/tmp
user=(setpriv --reuid=33 --regid=33 --clear-groups)

for copy in /mnt/updater /var/tmp/x "$work/helper"; do
    cp "$(readlink -f /usr/bin/python3)" "$copy"
    python3 -c 'import os, sys; os.chmod(sys.argv[1], 0o4755)' "$copy"
done
ln -s /mnt/updater /usr/local/sbin/updated
[[ $("${user[@]}" /usr/local/sbin/updated -I -c 'import os; print(os.geteuid())') = 0 ]] || fail "the link"
[[ $(cd /var/tmp && "${user[@]}" ./x -I -c 'import os; print(os.geteuid())') = 0 ]] || fail "the relative path"
[[ $("${user[@]}" python3 -I -c 'import os, sys; os.execv(sys.argv[1], ["sudo", "-I", "-c", "import os; print(os.geteuid())"])' "$work/helper") = 0 ]] ||
    fail "the name"
