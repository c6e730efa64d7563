#!/usr/bin/env bash
# The same by truncate, which does not say so when it opens; by a relative path; through a link; in a rotated log; in a
# journal by a copy that is called systemd-journald.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /var/log
for log in syslog kern.log.1 audit/audit.log journal/0a/system.journal; do
    printf 'sshd: failed\n' | logged "$log"
done

truncate --size 0 /var/log/syslog
(cd /var/log && busybox dd if=/dev/null of=kern.log.1 2>/dev/null)
ln -s /var/log/audit "$work/notes"
python3 -c 'import sys; open(sys.argv[1], "w").close()' "$work/notes/audit.log"
cp "$(readlink -f /bin/bash)" "$work/systemd-journald"
"$work/systemd-journald" -c 'echo nothing 1<>/var/log/journal/0a/system.journal >&1'
