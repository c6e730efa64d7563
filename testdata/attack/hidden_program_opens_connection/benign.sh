#!/usr/bin/env bash
# Programs in plain sight connect, one in /tmp among them; an installed one has its working directory and data in hidden
# folders.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts_and_network

python3 "$peer" hello 192.0.2.1 "$work/port" 3 &
wait_for "$work/port"
port=$(<"$work/port")
python3 "$peer" call 192.0.2.1 "$port" | says hello
cp "$(readlink -f /usr/bin/python3)" "$work/http.test"
"$work/http.test" -I "$peer" call 192.0.2.1 "$port" | says hello
mkdir "$work/.cache"
cp "$peer" "$work/.cache/client"
(cd "$work/.cache" && python3 "$peer" call 192.0.2.1 "$port") | says hello
wait
