#!/usr/bin/env bash
# Account work with the tools that are there for it, in a layer over /etc; the files are read, and written elsewhere.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
own_folder /var/log

if command -v useradd >/dev/null; then
    groupadd beewolf-group
    useradd --no-create-home --shell /bin/sh beewolf-test
    usermod --append --groups beewolf-group beewolf-test
    chfn --full-name Beewolf beewolf-test
    chsh --shell /bin/bash beewolf-test
    passwd --lock beewolf-test >/dev/null
    echo 'beewolf-test:not-a-secret-31!' | chpasswd
    userdel beewolf-test
    groupdel beewolf-group
fi
if command -v vipw >/dev/null; then
    EDITOR='sed -i s/nologin/nologin/' vipw >/dev/null
fi
if command -v adduser >/dev/null && [[ -e /etc/debian_version ]]; then
    adduser --system --group --no-create-home --quiet beewolf-system
    deluser --system --quiet beewolf-system
fi
getent passwd root >/dev/null
id root >/dev/null
mkdir -p "$work/root/etc"
cp /etc/passwd "$work/root/etc/passwd"
echo 'beewolf:*:1000:1000::/:/bin/sh' >>"$work/root/etc/passwd"
