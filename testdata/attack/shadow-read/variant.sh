#!/usr/bin/env bash
# The same with other names for everything: a relative path, a symbolic link, /proc/self/root, a copy of the reader that is
# called passwd, one-liners, busybox, group hashes, and an archive of nothing else.
# shellcheck disable=SC2016 # other shells are to expand it
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
echo 'beewolf:$y$made-up:20000:0:99999:7:::' | tee /etc/shadow >/etc/gshadow

(cd /etc && head -n 1 shadow) | says made-up || fail "relative path"
ln -s /etc/../etc/shadow "$work/notes"
python3 -c 'import sys; print(open(sys.argv[1]).read())' "$work/notes" | says made-up || fail "symbolic link"
tail -n 1 /proc/self/root/etc/shadow | says made-up || fail "/proc/self/root"
cp "$(readlink -f /bin/bash)" "$work/passwd"
"$work/passwd" -c 'read -r line </etc/shadow; echo "$line"' | says made-up || fail "renamed reader"
perl -ne print /etc/shadow | says made-up || fail "Perl"
busybox cat /etc/shadow | says made-up || fail "busybox"
sort /etc/gshadow | says made-up || fail "group hashes"
(cd /etc && tar c shadow) | tr -d '\0' | says made-up || fail "archive"
