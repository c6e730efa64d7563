#!/usr/bin/env bash
# cat reads the keys of the AWS client: made-up ones in a folder laid over root's home.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /root
mkdir /root/.aws
echo 'aws_secret_access_key = made-up' >/root/.aws/credentials

# shellcheck disable=SC2002 # cat is the attack
cat /root/.aws/credentials | says made-up || fail "read something else"
