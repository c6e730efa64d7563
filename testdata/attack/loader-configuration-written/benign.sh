#!/usr/bin/env bash
# The loader's files are read, its cache is made anew, a package brings a library folder, files of these names are written
# elsewhere.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
own_folder /var/cache
mkdir -p "$work/image/etc/ld.so.conf.d" "$work/root/etc"

cat /etc/ld.so.conf >/dev/null
python3 -c 'import os; os.path.exists("/etc/ld.so.preload") and open("/etc/ld.so.preload").read()'
ldconfig -X
ldconfig -p >/dev/null
echo /opt/lib >"$work/root/etc/ld.so.preload"
echo /opt/lib >"$work/image/etc/ld.so.conf.d/beewolf.conf"
if command -v dpkg-deb >/dev/null; then
    own_folder /var/log
    package "$work/image" 'echo /opt/lib >/etc/ld.so.conf.d/beewolf-made.conf'
    [[ -s /etc/ld.so.conf.d/beewolf.conf && -s /etc/ld.so.conf.d/beewolf-made.conf ]] || fail "the package is not there"
fi
