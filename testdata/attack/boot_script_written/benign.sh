#!/usr/bin/env bash
# Boot scripts and rules are read, linked and brought by a package, a person edits one, the same tree is made elsewhere.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
own_folder /var/log
mkdir -p /etc/init.d /etc/rc2.d /etc/udev/rules.d "$work/image/etc/init.d" "$work/root/etc/init.d"

find /etc/init.d /etc/udev -type f -exec cat {} + >/dev/null
echo '# nothing' >"$work/root/etc/init.d/beewolf"
echo '# nothing' >"$work/image/etc/init.d/beewolf"
ln -s ../init.d/beewolf /etc/rc2.d/S01beewolf
if command -v dpkg-deb >/dev/null; then
    package "$work/image" 'echo "# nothing" >/etc/udev/rules.d/60-beewolf.rules'
    [[ -s /etc/init.d/beewolf && -s /etc/udev/rules.d/60-beewolf.rules ]] || fail "the package is not there"
fi
if [[ -x /usr/bin/vim.basic || -x /usr/bin/vim.tiny ]]; then
    at_terminal 'vi -u NONE -n -c "normal i# nothing" -c wq /etc/rc.local'
    [[ -s /etc/rc.local ]] || fail "the editor wrote nothing"
fi
