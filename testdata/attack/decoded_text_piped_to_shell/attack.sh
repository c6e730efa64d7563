#!/usr/bin/env bash
# A program asks the shell to decode base64 and to run what comes out.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

text=$(echo "echo ran >'$work/ran'" | base64 -w 0)
sh -c "echo $text | base64 -d | sh"
[[ $(<"$work/ran") = ran ]] || fail "did not run"
