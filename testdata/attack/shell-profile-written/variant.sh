#!/usr/bin/env bash
# The same in the files of root and of a user, by a relative path, through a link, by a copy that is called useradd, and
# into /etc/profile by somebody at a terminal.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
own_folder /root
own_folder /home
mkdir /home/a

(cd /root && echo ': nothing' | tee -a .bashrc >/dev/null)
ln -s /home/a "$work/notes"
python3 -c 'import sys; open(sys.argv[1], "a").write(": nothing\n")' "$work/notes/.profile"
cp "$(readlink -f /bin/bash)" "$work/useradd"
"$work/useradd" -c 'echo ": nothing" >>/home/a/.zshrc'
at_terminal 'echo ": nothing" >>/etc/profile'
