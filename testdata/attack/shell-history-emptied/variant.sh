#!/usr/bin/env bash
# The same by truncate, which does not say so when it opens; by a relative path; through a link; by a copy of bash that is
# called zsh; with one line changed by dd.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /root
own_folder /home
for history in /root/.bash_history /root/.ash_history /home/.zsh_history /home/.bash_history; do
    echo 'id' | logged "$history"
done

truncate --size 0 /root/.bash_history
(cd /root && cp /dev/null .ash_history)
ln -s /home "$work/notes"
python3 -c 'import sys; open(sys.argv[1], "r+").write("ls")' "$work/notes/.bash_history"
cp "$(readlink -f /bin/bash)" "$work/zsh"
"$work/zsh" -c 'echo ls >>/home/.zsh_history'
echo ls | dd of=/root/.bash_history conv=notrunc status=none
