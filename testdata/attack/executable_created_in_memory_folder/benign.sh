#!/usr/bin/env bash
# Shared memory and data in /dev/shm, hidden data in /tmp, programs made in plain sight.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /dev/shm
own_folder /var/tmp

python3 -c 'from multiprocessing import shared_memory as m; s = m.SharedMemory(create=True, size=64); s.close(); s.unlink()'
echo 'data' >/dev/shm/data
mkdir /dev/shm/folder /var/tmp/.cache
echo 'data' >/var/tmp/.cache/data
echo 'data' >"$work/.settings"
cp /bin/true "$work/x.test"
cp /bin/true /var/tmp/x.test
cat /dev/shm/data >/dev/null
