#!/usr/bin/env bash
# The rules are read, a package brings some, an image gets its own elsewhere; visudo, where there is one, changes them.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
own_folder /var/log
mkdir -p "$work/image/etc/sudoers.d" "$work/root/etc"

find /etc/sudoers /etc/sudoers.d -type f -exec cat {} + >/dev/null 2>&1 || true
echo '# nothing' >"$work/root/etc/sudoers"
echo '# nothing' >"$work/image/etc/sudoers.d/beewolf"
if command -v dpkg-deb >/dev/null; then
    package "$work/image" 'echo "# nothing" >/etc/sudoers.d/beewolf-made'
    [[ -s /etc/sudoers.d/beewolf && -s /etc/sudoers.d/beewolf-made ]] || fail "the package is not there"
fi
if command -v visudo >/dev/null; then
    EDITOR='sed -i s/nothing/nothing/' visudo -f /etc/sudoers.d/beewolf >/dev/null
fi
