#!/usr/bin/env bash
# A Python one-liner puts a shell behind a pseudo-terminal, as is done with a bare shell that came over the network.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

(echo 'tty; id; exit'; sleep 0.3) | python3 -c 'import pty; pty.spawn("/bin/sh")' >"$work/answer"
grep -q 'uid=0' "$work/answer" || fail "the shell did not answer"
