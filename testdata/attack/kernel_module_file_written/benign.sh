#!/usr/bin/env bash
# Modules are looked for, indexed and read, one is built elsewhere, a package brings a configuration and a module, a person
# edits one.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
own_folder /var/log
mkdir -p /etc/modprobe.d /etc/modules-load.d "$work/image/etc/modules-load.d" "$work/tree/lib/modules/6.0-beewolf/extra"

find /etc/modprobe.d /etc/modules-load.d -type f -exec cat {} + >/dev/null
echo nothing >"$work/tree/lib/modules/6.0-beewolf/extra/beewolf.ko"
if command -v depmod >/dev/null; then
    rm "$work/tree/lib/modules/6.0-beewolf/extra/beewolf.ko"
    depmod -b "$work/tree" 6.0-beewolf 2>/dev/null
    modprobe -n beewolf-nothing 2>/dev/null || true
    lsmod >/dev/null 2>&1 || true
fi
echo '# nothing' >"$work/image/etc/modules-load.d/beewolf.conf"
if command -v dpkg-deb >/dev/null; then
    own_layer "$(readlink -f /lib)"
    package "$work/image" 'mkdir -p /lib/modules/6.0/updates; echo nothing >/lib/modules/6.0/updates/beewolf.ko'
    [[ -s /etc/modules-load.d/beewolf.conf && -s /lib/modules/6.0/updates/beewolf.ko ]] || fail "the package is not there"
fi
if [[ -x /usr/bin/vim.basic || -x /usr/bin/vim.tiny ]]; then
    at_terminal 'vi -u NONE -n -c "normal i# nothing" -c wq /etc/modprobe.d/beewolf-edited.conf'
    [[ -s /etc/modprobe.d/beewolf-edited.conf ]] || fail "the editor wrote nothing"
fi
