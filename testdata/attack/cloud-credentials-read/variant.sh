#!/usr/bin/env bash
# Those of other clouds in other ways: a relative path and tar, a symbolic link and a one-liner, a copy of a shell that is
# called kubectl, busybox, /proc/self/root.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /root
mkdir -p /root/.kube /root/.config/gcloud /root/.azure /root/.docker /root/.aws
echo 'token: made-up' | tee /root/.kube/config /root/.config/gcloud/application_default_credentials.json \
    /root/.azure/msal_token_cache.json /root/.docker/config.json >/root/.aws/credentials

(cd /root && tar c .config/gcloud) | tr -d '\0' | says made-up || fail "tar"
ln -s /root/.azure "$work/notes"
python3 -c 'import sys; print(open(sys.argv[1]).read())' "$work/notes/msal_token_cache.json" | says made-up || fail "one-liner"
cp "$(readlink -f /bin/bash)" "$work/kubectl"
# shellcheck disable=SC2016 # the other shell is to expand it
"$work/kubectl" -c 'read -r line </root/.kube/config; echo "$line"' | says made-up || fail "renamed reader"
busybox cat /root/.docker/config.json | says made-up || fail "busybox"
echo 'print(open("/proc/self/root/root/.aws/credentials").read())' | python3 - | says made-up || fail "program from a pipe"
