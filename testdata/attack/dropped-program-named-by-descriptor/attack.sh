#!/usr/bin/env bash
# Python opens a program that lies in /tmp and starts it by its descriptor under another name.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

cp "$(readlink -f /bin/sh)" "$work/x"
python3 -c 'import os, sys; os.execve(os.open(sys.argv[1], os.O_RDONLY), ["crond", "-c", "echo ran"], {})' "$work/x" | says ran ||
    fail "did not run"
