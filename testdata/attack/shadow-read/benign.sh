#!/usr/bin/env bash
# Account work with the tools that are there for it, in a layer over /etc; other files that are called shadow; looking
# at the file without opening it; backups of the whole folder.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
own_folder /var/log

if command -v useradd >/dev/null; then
    useradd --no-create-home --shell /bin/sh beewolf-test
    usermod --lock beewolf-test
    chage --list beewolf-test >/dev/null
    passwd --status beewolf-test >/dev/null
    echo 'beewolf-test:not-a-secret-31!' | chpasswd
    su beewolf-test --command true
    userdel beewolf-test 2>/dev/null
fi
# adduser is a Perl program whose account look-ups open the file.
if command -v adduser >/dev/null && [[ -e /etc/debian_version ]]; then
    adduser --system --no-create-home --quiet beewolf-system
    deluser --system --quiet beewolf-system 2>/dev/null
fi

cat /etc/passwd >/dev/null
getent passwd root >/dev/null
stat /etc/shadow >/dev/null
ls -l /etc/shadow >/dev/null
python3 -c 'import os; os.close(os.open("/etc/shadow", os.O_PATH))'
mkdir -p "$work/theatre/etc"
echo 'Prospero' >"$work/theatre/etc/shadow"
cat "$work/theatre/etc/shadow" >/dev/null
if (exec setpriv --reuid=65534 --regid=65534 --clear-groups cat /etc/shadow 2>/dev/null); then
    fail "anybody can read the hashes"
fi
tar c /etc 2>/dev/null >"$work/etc.tar"
cp -a /etc "$work/copy"
