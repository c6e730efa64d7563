#!/usr/bin/env bash
# The same through a link in a respectable place, as scripts by a relative path, handed to Python, and handed to busybox.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /dev/shm
own_folder /usr/local/sbin

cp "$(readlink -f /bin/bash)" /dev/shm/x
ln -s /dev/shm/x /usr/local/sbin/updated
[[ $(/usr/local/sbin/updated -c 'echo ran') = ran ]] || fail "the link did not run"
printf '#!/bin/sh\necho ran\n' >/dev/shm/run
chmod 755 /dev/shm/run
[[ $(cd /dev/shm && ./run) = ran ]] || fail "the script did not run"
echo 'print("ran")' >/dev/shm/run.py
[[ $(python3 -u /dev/shm/run.py) = ran ]] || fail "Python did not run it"
[[ $(busybox sh /dev/shm/run) = ran ]] || fail "busybox did not run it"
