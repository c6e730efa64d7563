#!/usr/bin/env bash
# ssh is asked for a remote forward, to an address in an empty network namespace where nobody answers.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts_and_network
command -v ssh >/dev/null || fail "needs ssh"

! ssh -N -o BatchMode=yes -R 2222:127.0.0.1:22 nobody@192.0.2.1 2>/dev/null || fail "somebody answered"
