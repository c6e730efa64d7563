#!/usr/bin/env bash
# A program runs in a hidden folder of /var/tmp, in a folder laid over the real one.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /var/tmp

mkdir /var/tmp/.x
cp "$(readlink -f /bin/sh)" /var/tmp/.x/kworker
[[ $(/var/tmp/.x/kworker -c 'echo ran') = ran ]] || fail "did not run"
