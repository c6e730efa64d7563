#!/usr/bin/env bash
# Programs of a container among its own mounts, and a process of the host that enters a container's mounts, as docker exec
# does, and comes back.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
host=$PPID
own_mounts

container=7f2c5b9a3e648d8bfac7b6a5e4d3c2b1a0f9e8d7c6b5a4938271605f4e3d2c1b
in_container $container bash -c 'id >/dev/null; true'
in_container $container unshare --mount true
in_container $container nsenter --target $$ --mount true
nsenter --target "$host" --mount nsenter --target $$ --mount true
nsenter --target "$host" --mount true
