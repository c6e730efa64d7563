#!/usr/bin/env bash
# curl logs in with what .netrc says, a program in a file reads it with Python's library, a password is stored, other
# settings are looked at.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /root
export HOME=/root
echo 'machine 127.0.0.1 login user password x' >/root/.netrc
chmod 600 /root/.netrc

echo 'welcome' >"$work/page"
python3 "$peer" web "$work/port" "$work/page" 1 &
wait_for "$work/port"
curl --silent --netrc "http://127.0.0.1:$(<"$work/port")/" | says welcome
wait
echo 'import netrc; assert netrc.netrc().authenticators("127.0.0.1")' >"$work/sync.py"
python3 "$work/sync.py"
echo 'machine other login user password y' >>/root/.netrc
echo '[user]' >/root/.gitconfig
cat /root/.gitconfig >/dev/null
ls -la /root >/dev/null
tar c -C / root >"$work/root.tar"
