#!/usr/bin/env bash
# Package managers are asked, one installs a package that configures it, a person edits its configuration, and sources are
# added.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
own_folder /var/log
mkdir -p /etc/apt/apt.conf.d /etc/apt/sources.list.d "$work/image/etc/apt/apt.conf.d"

find /etc/apt -type f -exec cat {} + >/dev/null
if command -v apt-config >/dev/null; then
    apt-config dump >/dev/null
fi
echo '# deb http://192.0.2.1 stable main' >/etc/apt/sources.list.d/beewolf.list
echo '// nothing' >"$work/image/etc/apt/apt.conf.d/50beewolf"
if command -v dpkg-deb >/dev/null; then
    dpkg --list >/dev/null
    package "$work/image" 'echo "// nothing" >/etc/apt/apt.conf.d/50beewolf-made'
    [[ -s /etc/apt/apt.conf.d/50beewolf && -s /etc/apt/apt.conf.d/50beewolf-made ]] || fail "the package is not there"
fi
if [[ -x /usr/bin/vim.basic || -x /usr/bin/vim.tiny ]]; then
    at_terminal 'vi -u NONE -n -c "normal i// nothing" -c wq /etc/apt/apt.conf.d/99edited'
    [[ -s /etc/apt/apt.conf.d/99edited ]] || fail "the editor wrote nothing"
fi
