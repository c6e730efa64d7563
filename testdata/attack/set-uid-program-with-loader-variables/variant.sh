#!/usr/bin/env bash
# The same with the other variables, through a link, and set by another program.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /usr/local/sbin
user=(setpriv --reuid=33 --regid=33 --clear-groups)

cp "$(readlink -f /usr/bin/env)" /usr/local/sbin/helper
chmod 4755 /usr/local/sbin/helper
ln -s helper /usr/local/sbin/sudo
"${user[@]}" env LD_AUDIT=/usr/lib/libx.so /usr/local/sbin/sudo --version 2>/dev/null | says GNU || fail "LD_AUDIT"
"${user[@]}" python3 -I -c 'import os
os.execve("/usr/local/sbin/helper", ["helper", "--version"], {"A": "1", "GLIBC_TUNABLES": "glibc.malloc.mxfast=glibc.malloc.mxfast=A"})' |
    says GNU || fail "GLIBC_TUNABLES"
"${user[@]}" env "LD_PRELOAD=libm.so.6:$work/x.so" /usr/local/sbin/helper --version 2>/dev/null | says GNU || fail "LD_PRELOAD"
"${user[@]}" env LD_LIBRARY_PATH=/opt/lib:/tmp /usr/local/sbin/helper --version | says GNU || fail "LD_LIBRARY_PATH"
