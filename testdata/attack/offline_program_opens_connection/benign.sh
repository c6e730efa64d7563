#!/usr/bin/env bash
# The same programs at their work beside programs that connect; bash and Python connect for them.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts_and_network

python3 "$peer" hello 192.0.2.1 "$work/port" 2 &
wait_for "$work/port"
port=$(<"$work/port")
python3 "$peer" call 192.0.2.1 "$port" | sort | tee "$work/answer" | says hello
busybox nc 192.0.2.1 "$port" </dev/null | cat | says hello
find "$work" -name answer -exec cat {} + >/dev/null
id nobody >/dev/null
ls -l "$work" >/dev/null
env true
wait
