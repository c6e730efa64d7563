#!/usr/bin/env bash
# Configuration and modules are read, an image gets its own elsewhere, a package brings a file and changes it, and a person
# edits one.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
mkdir -p /etc/pam.d "$work/image/etc/pam.d" "$work/root/etc/pam.d"

find /etc/pam.d -type f -exec cat {} + >/dev/null
find /lib/*/security -name 'pam_*.so' -exec head -c 4 {} + >/dev/null 2>&1 || true
echo '# nothing' >"$work/root/etc/pam.d/sshd"
echo '# nothing' >"$work/image/etc/pam.d/beewolf"
if command -v dpkg-deb >/dev/null; then
    own_folder /var/log
    package "$work/image" 'echo "# nothing" >>/etc/pam.d/beewolf-made'
    [[ -s /etc/pam.d/beewolf && -s /etc/pam.d/beewolf-made ]] || fail "the package is not there"
fi
if [[ -x /usr/bin/vim.basic || -x /usr/bin/vim.tiny ]]; then
    at_terminal 'vi -u NONE -n -c "normal i# nothing" -c wq /etc/pam.d/beewolf-edited'
    [[ -s /etc/pam.d/beewolf-edited ]] || fail "the editor wrote nothing"
fi
