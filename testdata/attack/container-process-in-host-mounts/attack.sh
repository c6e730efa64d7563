#!/usr/bin/env bash
# A process of what looks like a container of Docker goes back to the mounts of whoever started this script, the host's, and
# starts a program there that does nothing.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
host=$PPID
first_mounts "$host"
own_mounts

in_container 5d0a3f7e1c426b69d8a5f4e3c2b1a0f9e8d7c6b5a4938271605f4e3d2c1b0a99 nsenter --target "$host" --mount true
