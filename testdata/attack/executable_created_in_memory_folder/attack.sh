#!/usr/bin/env bash
# A program is copied to /dev/shm, in a folder laid over the real one.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /dev/shm

cp /bin/true /dev/shm/kworker
[[ -x /dev/shm/kworker ]] || fail "not executable"
