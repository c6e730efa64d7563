#!/usr/bin/env bash
# Somebody who may run find as root gets a shell of it. sudo is a copy of bash, since everybody is root here, and the shell
# has nothing to read.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
cp "$(readlink -f /bin/bash)" "$work/sudo"

"$work/sudo" -c 'find . -maxdepth 0 -exec sh -i \; ; :' </dev/null >/dev/null 2>&1
