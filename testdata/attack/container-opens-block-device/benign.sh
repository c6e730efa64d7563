#!/usr/bin/env bash
# Containers look at block devices without opening them, and open character devices and files; the host opens its disk.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
block_device

container=4c9f2e6d0b315a58c7f4e3d2b1a0f9e8d7c6b5a4938271605f4e3d2c1b0a9988
in_container $container ls -l disk >/dev/null
in_container $container stat disk >/dev/null
in_container $container python3 -c 'import os; os.close(os.open("disk", os.O_PATH))'
in_container $container head -c 8 /dev/urandom >/dev/null
in_container $container bash -c 'echo nothing >/dev/null; echo nothing >file; cat file' >/dev/null
bash -c 'exec 3<disk'
