#!/usr/bin/env bash
# The same for writing, with a name that says nothing, through a link, and by a program that reads it.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
block_device
mv disk notes
ln -s notes log
cp "$(readlink -f /usr/bin/python3)" "$work/agent"

container=3b8e1d5cfa204947b6e3d2c1a0f9e8d7c6b5a4938271605f4e3d2c1b0a998877
in_container $container "$work/agent" -I -c 'import os; os.close(os.open("log", os.O_RDWR))'
in_container $container busybox head -c 1 "$work/notes" >/dev/null
