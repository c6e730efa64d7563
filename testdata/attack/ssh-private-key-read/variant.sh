#!/usr/bin/env bash
# The same with other names for everything: a relative path, a symbolic link, a copy of a shell that is called ssh, a
# one-liner, another kind of key, and a host key.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /root
own_etc
mkdir -p /root/.ssh /etc/ssh
echo 'made-up key' | tee /root/.ssh/id_rsa /root/.ssh/deploy.pem >/etc/ssh/ssh_host_beewolf_key
mv /etc/ssh/ssh_host_beewolf_key /etc/ssh/ssh_host_ed25519_key

(cd /root && base64 .ssh/id_rsa) | base64 -d | says made-up || fail "relative path"
ln -s /root/.ssh "$work/notes"
python3 -c 'import sys; print(open(sys.argv[1]).read())' "$work/notes/id_rsa" | says made-up || fail "symbolic link"
cp "$(readlink -f /bin/bash)" "$work/ssh"
# shellcheck disable=SC2016 # the other shell is to expand it
"$work/ssh" -c 'read -r line </root/.ssh/deploy.pem; echo "$line"' | says made-up || fail "renamed reader"
busybox tar c -C /root .ssh/id_rsa | tr -d '\0' | says made-up || fail "busybox"
(cd /root/.ssh && tar c .) | tr -d '\0' | says made-up || fail "archive of the folder"
head -n 1 /proc/self/root/etc/ssh/ssh_host_ed25519_key | says made-up || fail "host key"
