#!/usr/bin/env bash
# A copy of a shell with the set-uid bit lies in /tmp, and a user who is not root starts it.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

cp "$(readlink -f /bin/sh)" "$work/helper"
python3 -c 'import os, sys; os.chmod(sys.argv[1], 0o4755)' "$work/helper"
[[ $(setpriv --reuid=65534 --regid=65534 --clear-groups "$work/helper" -p -c 'id -u') = 0 ]] || fail "has no rights"
