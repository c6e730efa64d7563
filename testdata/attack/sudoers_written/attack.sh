#!/usr/bin/env bash
# A rule for sudo is put into /etc/sudoers.d, in a layer over /etc that only this script sees. It is a comment.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
mkdir -p /etc/sudoers.d

bash -c 'echo "# nobody ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/beewolf-attack'
[[ -s $work/etc-upper/sudoers.d/beewolf-attack ]] || fail "written elsewhere"
