#!/usr/bin/env bash
# Those of other programs in other ways: a relative path, a symbolic link and a one-liner, a copy of a shell that is called
# psql, busybox, and a script that opens the browser's store.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /root
mkdir -p /root/.mozilla/firefox/abcd1234.default-release /root/.config/chromium/Default
echo 'made-up' | tee /root/.netrc /root/.my.cnf /root/.pgpass /root/.mozilla/firefox/abcd1234.default-release/logins.json \
    >"/root/.config/chromium/Default/Login Data"

(cd /root && grep made .netrc) | says made-up || fail "relative path"
ln -s /root/.my.cnf "$work/notes"
perl -ne print "$work/notes" | says made-up || fail "one-liner"
cp "$(readlink -f /bin/bash)" "$work/psql"
# shellcheck disable=SC2016 # the other shell is to expand it
"$work/psql" -c 'read -r line </root/.pgpass; echo "$line"' | says made-up || fail "renamed reader"
busybox cat /root/.mozilla/firefox/*/logins.json | says made-up || fail "busybox"
echo 'print(open("/root/.config/chromium/Default/Login Data").read())' >"$work/steal.py"
python3 "$work/steal.py" | says made-up || fail "script"
