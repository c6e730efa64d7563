#!/usr/bin/env bash
# The same with other names, other options and another order: a pool behind TLS, only an option that miners have, only an
# algorithm, only a wallet, which is made up.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
cp "$(readlink -f /bin/bash)" "$work/agent"
: >"$work/nothing"
wallet=48$(printf 'Bee%.0s' {1..31})

bash -c 'exec -a "[kworker/0:1]" ./agent nothing --pass=x --url=stratum+ssl://pool.example.org:443 --user=beewolf'
python3 -c pass --threads 1 --donate-level 1
perl -e 'exit 0' -- --algo=rx/0
busybox true -k -u "$wallet" -p x
