#!/usr/bin/env bash
# root's history is emptied, in a folder over /root that only this script sees.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /root
echo 'id' | logged /root/.bash_history

bash -c ': >/root/.bash_history'
[[ ! -s /root/.bash_history ]] || fail "there is something left"
