#!/usr/bin/env bash
# Units are read, written into an image elsewhere, enabled by a link, brought by a package and changed by its script, and
# written by a person at an editor.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
mkdir -p /etc/systemd/system "$work/image/etc/systemd/system"

echo '[Service]' >"$work/image/etc/systemd/system/beewolf.service"
find /etc/systemd/system /lib/systemd/system -name '*.service' -exec cat {} + >/dev/null
ln -s /dev/null /etc/systemd/system/beewolf-masked.service
if command -v dpkg-deb >/dev/null; then
    own_folder /var/log
    package "$work/image" 'echo "[Service]" >/etc/systemd/system/beewolf-made.service'
    [[ -s /etc/systemd/system/beewolf.service && -s /etc/systemd/system/beewolf-made.service ]] || fail "the package is not there"
fi
if [[ -x /usr/bin/vim.basic || -x /usr/bin/vim.tiny ]]; then
    at_terminal 'vi -u NONE -n -c "normal i[Service]" -c wq /etc/systemd/system/beewolf-edited.service'
    [[ -s /etc/systemd/system/beewolf-edited.service ]] || fail "the editor wrote nothing"
fi
