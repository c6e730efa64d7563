#!/usr/bin/env bash
# The same with a renamed Python and code in another order, with script(1), and with script under another name.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

cp "$(readlink -f /usr/bin/python3)" "$work/agent"
(echo 'id; exit'; sleep 0.3) | "$work/agent" -I -c "p = __import__('pty'); p.spawn ( ['bash', '--norc', '-i'] )" >"$work/answer"
grep -q 'uid=0' "$work/answer" || fail "renamed Python"
(echo 'id; exit'; sleep 0.3) | script -qc /bin/sh /dev/null >"$work/answer"
grep -q 'uid=0' "$work/answer" || fail "script"
cp "$(readlink -f /usr/bin/script)" "$work/logger"
(echo 'id; exit'; sleep 0.3) | "$work/logger" -q -c 'sh -i' /dev/null >"$work/answer"
grep -q 'uid=0' "$work/answer" || fail "renamed script"
