#!/usr/bin/env bash
# Shells read their start-up files; a home folder is made; a package brings a profile; a person edits one and types a line
# into another; files of these names are written elsewhere.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
own_folder /root
own_folder /home
own_folder /var/log
mkdir -p "$work/image/etc/profile.d" "$work/dotfiles"

bash -lc true
if command -v useradd >/dev/null; then
    useradd --create-home --shell /bin/bash beewolf-test
    [[ -e /home/beewolf-test/.bashrc || ! -e /etc/skel/.bashrc ]] || fail "no home folder"
    userdel --remove beewolf-test 2>/dev/null || true
fi
if command -v adduser >/dev/null && [[ -e /etc/debian_version ]]; then
    adduser --disabled-password --gecos '' --quiet beewolf-test
    deluser --quiet beewolf-test
fi
echo ': nothing' >"$work/dotfiles/.bashrc"
echo ': nothing' >"$work/image/etc/profile.d/beewolf.sh"
if command -v dpkg-deb >/dev/null; then
    package "$work/image" 'echo ": nothing" >>/etc/profile.d/beewolf-made.sh'
    [[ -s /etc/profile.d/beewolf.sh && -s /etc/profile.d/beewolf-made.sh ]] || fail "the package is not there"
fi
if [[ -x /usr/bin/vim.basic || -x /usr/bin/vim.tiny ]]; then
    at_terminal 'vi -u NONE -n -c "normal i: nothing" -c wq /root/.profile'
    [[ -s /root/.profile ]] || fail "the editor wrote nothing"
fi
at_prompt 'echo ": nothing" >>/root/.bashrc'
[[ -s /root/.bashrc ]] || fail "nothing was typed"
