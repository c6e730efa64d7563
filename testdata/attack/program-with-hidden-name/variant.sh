#!/usr/bin/env bash
# The same as a hidden file in a folder that is not, through a link, in a folder of three dots, as scripts by a relative path
# and handed to Python.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /var/tmp
own_folder /usr/local/sbin

cp "$(readlink -f /bin/sh)" "$work/.sshd"
ln -s "$work/.sshd" /usr/local/sbin/updated
[[ $(/usr/local/sbin/updated -c 'echo ran') = ran ]] || fail "the link did not run"
mkdir /var/tmp/... /var/tmp/.x
cp "$(readlink -f /bin/bash)" /var/tmp/.../x
[[ $(cd /var/tmp/... && ./x -c 'echo ran') = ran ]] || fail "the folder of dots"
printf '#!/bin/sh\necho ran\n' >/var/tmp/.x/run
chmod 755 /var/tmp/.x/run
[[ $(cd /var/tmp/.x && ./run) = ran ]] || fail "the script did not run"
echo 'print("ran")' >/var/tmp/.run.py
[[ $(python3 -I -u /var/tmp/.run.py) = ran ]] || fail "Python did not run it"
