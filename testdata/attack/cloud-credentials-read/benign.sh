#!/usr/bin/env bash
# A client reads its keys, a program in a file does with its cloud's library, settings without secrets are looked at, keys
# are written.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /root
own_folder /usr/local/bin
mkdir -p /root/.kube /root/.aws
echo 'x' | tee /root/.kube/config /root/.aws/config >/root/.aws/credentials

cp "$(readlink -f /bin/cat)" /usr/local/bin/kubectl
/usr/local/bin/kubectl /root/.kube/config >/dev/null
echo 'open("/root/.aws/credentials").read()' >"$work/service.py"
python3 -u "$work/service.py"
cat /root/.aws/config >/dev/null
ls -lR /root >/dev/null
tar c -C / root >"$work/root.tar"
echo 'y' >>/root/.aws/credentials
mkdir -p "$work/backup/aws"
echo 'x' >"$work/backup/aws/credentials"
cat "$work/backup/aws/credentials" >/dev/null
