#!/usr/bin/env bash
# A runtime is installed where none was, started, read, replaced by another one as packages do it, and built elsewhere.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /usr/local/sbin
cp "$(readlink -f /bin/bash)" "$work/runc"

install -m 755 "$work/runc" /usr/local/sbin/runc
/usr/local/sbin/runc -c true
sha256sum /usr/local/sbin/runc >/dev/null
cp "$work/runc" /usr/local/sbin/.runc.new
mv /usr/local/sbin/.runc.new /usr/local/sbin/runc
install -m 755 "$work/runc" /usr/local/sbin/runc
echo nothing >"$work/runc"
