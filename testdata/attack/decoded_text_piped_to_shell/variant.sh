#!/usr/bin/env bash
# The same with a renamed shell and other words for everything: long options, a full path, busybox, hexadecimal, Python, and
# text that is evaluated.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

text=$(echo "echo ran >>'$work/ran'" | base64 -w 0)
code=$(echo "print('ran', file=open('$work/ran', 'a'))" | base64 -w 0)
hex=$(echo "echo ran >>'$work/ran'" | od -An -v -tx1 | tr -d ' \n')
cp "$(readlink -f /bin/sh)" "$work/worker"
"$work/worker" -c "printf %s $text|base64 --decode 2>/dev/null|/bin/bash -s -- --yes"
bash -ec "(busybox base64 -d <<<$text || false)|env X=1 busybox sh"
busybox sh -c "echo $hex | xxd -r -p | sh" 2>/dev/null || true
echo 'import os, sys; os.system(sys.stdin.read())' >"$work/ask.py"
python3 "$work/ask.py" <<<"echo $code | base64 -di | python3 -"
bash -c "eval \"\$(echo $text | base64 -d)\""
[[ $(grep -c ran "$work/ran") -ge 4 ]] || fail "not every program ran"
