#!/usr/bin/env bash
# The same by a relative path, through a linked folder, by other programs, under the file's second name, in another home.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /home
mkdir -p /home/a/.ssh /home/b/.ssh
ln -s /home/b/.ssh "$work/settings"

(cd /home/a/.ssh && echo 'ssh-ed25519 AAAA' | tee -a authorized_keys >/dev/null)
python3 -c 'import sys; open(sys.argv[1], "w").write("ssh-ed25519 AAAA\n")' "$work/settings/authorized_keys2"
echo 'ssh-ed25519 AAAA' >"$work/key"
cp "$work/key" /home/b/.ssh/authorized_keys
