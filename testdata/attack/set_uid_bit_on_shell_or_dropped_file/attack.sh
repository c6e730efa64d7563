#!/usr/bin/env bash
# A copy of a shell in /tmp gets the set-uid bit.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

cp "$(readlink -f /bin/sh)" "$work/helper"
chmod u+s "$work/helper"
[[ -u $work/helper ]] || fail "has no such bit"
