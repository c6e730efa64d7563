#!/usr/bin/env bash
# The same by other programs: Python and a link to the folder, tar, a hidden folder and a relative path, a hidden file.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /dev/shm
own_folder /var/tmp

ln -s /dev/shm "$work/notes"
python3 -c 'import os, sys; os.write(os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY, 0o711), b"#!/bin/sh\n")' "$work/notes/x"
cp /bin/true "$work/updater"
chmod 755 "$work/updater"
tar c -C "$work" updater | tar x -C /dev/shm --no-same-owner
mkdir /var/tmp/.x
(cd /var/tmp/.x && cp "$work/updater" .)
python3 -c 'import os, sys; os.close(os.open(sys.argv[1], os.O_CREAT | os.O_RDWR | os.O_EXCL, 0o755))' "$work/.hidden"
