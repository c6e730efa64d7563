#!/usr/bin/env bash
# Command lines that resemble a miner's in part: pools that are looked for and fetched, options of that name elsewhere.
# shellcheck disable=SC2016 # other shells are to expand it
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
echo 'url: stratum+tcp://pool.example.org:3333' >"$work/notes"

grep -r ' stratum+tcp://' "$work" >/dev/null
bash -c 'grep -c stratum+tcp:// "$1"; :' bash "$work/notes" >/dev/null
curl -s -o "$work/pool" http://127.0.0.1:9/pool || true
tar -c -f "$work/notes.tar" -C "$work" notes
python3 -c pass --threads 1 --user beewolf --pass x
