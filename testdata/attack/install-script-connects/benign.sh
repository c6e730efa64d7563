#!/usr/bin/env bash
# Package scripts that do not connect or only to this host; programs that connect beside a package manager; a script that npm
# runs and that is no installation.
# shellcheck disable=SC2016 # other shells are to expand it
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts_and_network
own_folder /var/log
python3 "$peer" hello 192.0.2.1 "$work/port" 2 &
python3 "$peer" hello 127.0.0.1 "$work/local-port" 1 &
wait_for "$work/port"
wait_for "$work/local-port"
port=$(<"$work/port")
cp "$(readlink -f /bin/bash)" "$work/node"
echo 'sh -c "$FETCH"; :' >"$work/npm"

if command -v dpkg-deb >/dev/null; then
    package "$work/image" "getent passwd root >/dev/null; python3 $peer call 127.0.0.1 $(<"$work/local-port") >/dev/null"
    dpkg --list >/dev/null
else
    python3 "$peer" call 127.0.0.1 "$(<"$work/local-port")" >/dev/null
fi
python3 "$peer" call 192.0.2.1 "$port" >/dev/null
FETCH="busybox nc 192.0.2.1 $port </dev/null; :" "$work/node" "$work/npm" run deploy | says hello
wait
