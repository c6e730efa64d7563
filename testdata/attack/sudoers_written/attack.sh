#!/usr/bin/env bash
# A user is given all rights in /etc/sudoers.d, in a layer over /etc that only this script sees.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
mkdir -p /etc/sudoers.d

bash -c 'echo "nobody ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/beewolf'
[[ -s $work/etc-upper/sudoers.d/beewolf ]] || fail "written elsewhere"
