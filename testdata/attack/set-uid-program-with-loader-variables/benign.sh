#!/usr/bin/env bash
# Sessions that preload an installed library, tune the allocator or name libraries of their own, and call set-uid
# programs; the same variables for programs without foreign rights.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /usr/local/sbin
user=(setpriv --reuid=65534 --regid=65534 --clear-groups)

cp "$(readlink -f /usr/bin/env)" /usr/local/sbin/helper
chmod 4755 /usr/local/sbin/helper
"${user[@]}" env GLIBC_TUNABLES=glibc.malloc.arena_max=2:glibc.malloc.perturb=1 LD_LIBRARY_PATH=/opt/lib LD_PRELOAD=libm.so.6 \
    /usr/local/sbin/helper --version >/dev/null 2>&1
"${user[@]}" env GCONV_PATH=./charsets LD_LIBRARY_PATH=/tmp iconv --version >/dev/null
"${user[@]}" env -i /usr/local/sbin/helper --version >/dev/null
env GCONV_PATH=./charsets /usr/local/sbin/helper --version >/dev/null
