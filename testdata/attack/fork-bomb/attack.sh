#!/usr/bin/env bash
# A fork bomb with a fuse: every generation of bash forks one more, and the twenty-second is the last.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

generation() {
    if (($1 < 22)); then
        generation $(($1 + 1)) &
        wait
    else
        echo reached >"$work/depth"
    fi
}
generation 1
[[ -s $work/depth ]] || fail "did not get that deep"
