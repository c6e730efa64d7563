#!/usr/bin/env bash
# Keys are read, other files of the folder are written, a file of that name is written elsewhere.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
mkdir -p "$work/root/.ssh"
echo 'ssh-ed25519 AAAA' >"$work/root/.ssh/keys"
mv "$work/root/.ssh/keys" "$work/root/.ssh/authorized_keys"
mount --bind "$work/root" /root

cat /root/.ssh/authorized_keys >/dev/null
grep -c ssh- /root/.ssh/authorized_keys >/dev/null
echo 'host ssh-ed25519 AAAA' >>/root/.ssh/known_hosts
echo 'Host *' >/root/.ssh/config
cp /root/.ssh/authorized_keys "$work/authorized_keys"
if command -v ssh-keygen >/dev/null; then
    ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
    ssh-keygen -l -f /root/.ssh/id_ed25519.pub >/dev/null
fi
