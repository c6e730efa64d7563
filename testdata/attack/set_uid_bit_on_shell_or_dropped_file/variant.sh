#!/usr/bin/env bash
# The same by number and relative path, by install, by busybox, by a renamed chmod, and on a shell of the system: one that is
# mounted over it for this script only.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

cp /bin/true x
(exec chmod -v 4755 x) >/dev/null
install -m 6755 /bin/true "$work/installed"
cp /bin/true "$work/other"
busybox chmod 04711 "$work/other"
cp "$(readlink -f /bin/chmod)" "$work/renamed"
"$work/renamed" -c g-w,a+xs "$work/other" >/dev/null
cp "$(readlink -f /bin/bash)" "$work/shell"
mount --bind "$work/shell" /bin/bash
chmod +s /bin/bash
umount /bin/bash
for file in x installed other shell; do
    [[ -u $work/$file ]] || fail "$file has no such bit"
done
