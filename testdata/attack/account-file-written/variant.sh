#!/usr/bin/env bash
# The same by a relative path, through a link, by a copy that is called useradd, by busybox, and in the other files.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc

(cd /etc && echo 'beewolf:*:60000:' | tee -a group >/dev/null)
ln -s /etc/../etc/shadow "$work/notes"
python3 -c 'import sys; open(sys.argv[1], "a").write("beewolf:*:1::::::\n")' "$work/notes"
cp "$(readlink -f /bin/bash)" "$work/useradd"
"$work/useradd" -c 'echo "beewolf:*:0:0::/:/usr/sbin/nologin" >>/etc/passwd'
cp /etc/passwd "$work/passwd"
busybox cp "$work/passwd" /etc/passwd
dd if="$work/passwd" of=/etc/passwd conv=notrunc status=none
