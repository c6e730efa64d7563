#!/usr/bin/env bash
# What looks like a container of Docker makes a node for a block device and opens it: the first loop device, which
# nothing is attached to.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
block_device

in_container 2a7d0c4be91f4836a5d2c1b0f9e8d7c6b5a4938271605f4e3d2c1b0a99887766 bash -c 'exec 3<disk'
