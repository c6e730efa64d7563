#!/usr/bin/env bash
# The same as a timer by a relative path, as a drop-in of a service through a link, as a user's unit by a copy that is
# called dpkg, and as a socket copied into place.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
own_folder /root
mkdir -p /etc/systemd/system/ssh.service.d /root/.config/systemd/user

(cd /etc/systemd/system && echo '[Timer]' | tee beewolf.timer >/dev/null)
ln -s /etc/systemd/system/ssh.service.d "$work/notes"
python3 -c 'import sys; open(sys.argv[1], "a").write("[Service]\n")' "$work/notes/10-beewolf.conf"
cp "$(readlink -f /bin/bash)" "$work/dpkg"
"$work/dpkg" -c 'echo "[Service]" >/root/.config/systemd/user/sync.service'
echo '[Socket]' >"$work/unit"
cp "$work/unit" /etc/systemd/system/beewolf.socket
