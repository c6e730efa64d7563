#!/usr/bin/env bash
# The same by a relative path, through a symbolic link, in the main file by a copy that is called visudo, and for doas.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
mkdir -p /etc/sudoers.d
echo '# nothing' >/etc/sudoers.tmp
mv /etc/sudoers.tmp /etc/sudoers

(cd /etc/sudoers.d && echo '# nothing' | tee 90-beewolf >/dev/null)
ln -s /etc/sudoers.d "$work/notes"
python3 -c 'import sys; open(sys.argv[1], "a").write("# nothing\n")' "$work/notes/beewolf-link"
cp "$(readlink -f /bin/bash)" "$work/visudo"
"$work/visudo" -c 'echo "# nothing" >>/etc/sudoers'
echo '# nothing' >"$work/doas.conf"
cp "$work/doas.conf" /etc/doas.conf
