#!/usr/bin/env bash
# /etc/ld.so.preload is made, in a layer over /etc that only this script sees. It stays empty: the loader would try to
# load whatever it named into every program that follows.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc

bash -c ': >/etc/ld.so.preload'
[[ -e $work/etc-upper/ld.so.preload ]] || fail "written elsewhere"
