#!/usr/bin/env bash
# Shells keep their history as they do, beyond its limit, too; it is read and moved; other files are emptied.
# shellcheck disable=SC2016 # other shells are to expand it
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
echo 'HISTFILE=$HOME/.bash_history HISTFILESIZE=3 HISTSIZE=3' >"$work/.bashrc"

for number in 1 2 3 4 5; do
    at_prompt "echo $number"
done
grep -q 'echo 5' "$work/.bash_history" || fail "no history"
at_prompt 'history -a; history -w; history -c; history -r'
cat "$work/.bash_history" >/dev/null
mv "$work/.bash_history" "$work/old"
: >"$work/old"
