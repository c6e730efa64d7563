#!/usr/bin/env bash
# Something is started as a miner is. It is a copy of bash that runs a script with nothing in it, and no such pool is asked.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
cp "$(readlink -f /bin/bash)" "$work/xmrig"
: >"$work/nothing"

./xmrig nothing -o stratum+tcp://192.0.2.1:3333 -u beewolf -p x
