#!/usr/bin/env bash
# A Debian package whose script fetches something once the package is installed, from a server in an empty network
# namespace, into a package database of its own.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts_and_network
own_folder /var/log
command -v dpkg-deb >/dev/null || fail "needs dpkg"
python3 "$peer" hello 192.0.2.1 "$work/port" 1 &
wait_for "$work/port"

package "$work/image" "curl -s telnet://192.0.2.1:$(<"$work/port") </dev/null >$work/fetched"
says hello <"$work/fetched" || fail "nothing was fetched"
wait
