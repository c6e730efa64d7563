#!/usr/bin/env bash
# A program is dropped into /dev/shm and started there, in a folder laid over the real one.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /dev/shm

cp "$(readlink -f /bin/sh)" /dev/shm/kworker
[[ $(/dev/shm/kworker -c 'echo ran') = ran ]] || fail "did not run"
