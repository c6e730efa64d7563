#!/usr/bin/env bash
# Python takes port 22 of a network namespace of its own.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts_and_network

cat >"$work/trap.py" <<'PYTHON'
import socket
trap = socket.socket()
trap.bind(("192.0.2.1", 22))
PYTHON
python3 "$work/trap.py"
