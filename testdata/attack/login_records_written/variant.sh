#!/usr/bin/env bash
# One entry is taken out in place, through a link, by a copy that is called sshd; failed logins are emptied by truncate, which
# does not say so when it opens, and last logins by a relative path.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /var/log
for record in wtmp btmp btmp.1 lastlog; do
    head -c 768 /dev/zero | logged "$record"
done

ln -s /var/log/wtmp "$work/notes"
cp "$(readlink -f /usr/bin/python3)" "$work/sshd"
"$work/sshd" -I -c 'import sys; file = open(sys.argv[1], "r+b"); file.seek(384); file.write(bytes(384))' "$work/notes"
truncate --size 0 /var/log/btmp
(cd /var/log && busybox dd if=/dev/null of=lastlog 2>/dev/null)
perl -e 'open(my $f, ">", "/var/log/btmp.1") or die'
