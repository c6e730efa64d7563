#!/usr/bin/env bash
# Ordinary modes in temporary folders, a set-uid program that is installed in the system or into a folder that becomes a
# package, the set-gid bit of a shared folder, the sticky bit.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /usr/local/sbin

cp /bin/true "$work/x"
chmod 755 "$work/x"
chmod u+x,go-w "$work/x"
cp /bin/true /usr/local/sbin/helper
chmod 4755 /usr/local/sbin/helper
mkdir -p "$work/package/usr/lib/x" "$work/shared"
install -m 4755 /bin/true "$work/package/usr/lib/x/helper"
chmod 2775 "$work/shared"
chmod g+s "$work/shared"
chmod +t "$work/shared"
chmod 1777 "$work/shared"
sh -c 'echo 4755 /tmp/x >/dev/null'
