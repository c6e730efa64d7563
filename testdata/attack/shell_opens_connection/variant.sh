#!/usr/bin/env bash
# The same through a symbolic link with another name, by a renamed copy, over UDP, and to a port that refuses.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts_and_network

python3 "$peer" hello 192.0.2.1 "$work/port" 2 &
wait_for "$work/port"
ln -s /bin/bash "$work/editor"
(cd "$work" && ./editor -c "exec 3<>/dev/tcp/192.0.2.1/$(<"$work/port"); read -r line <&3; test \"\$line\" = hello") || fail "no answer"
cp "$(readlink -f /bin/bash)" "$work/agent"
"$work/agent" --norc -ec "exec 3<>/dev/tcp/192.0.2.1/$(<"$work/port"); read -r line <&3; test \"\$line\" = hello" || fail "no answer"
bash -c 'echo hello >/dev/udp/192.0.2.1/5353'
if bash -c 'exec 3<>/dev/tcp/192.0.2.1/9' 2>/dev/null; then
    fail "something listens"
fi
wait
