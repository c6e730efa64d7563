#!/usr/bin/env bash
# Downloads that no shell runs, pipes into shells without a download, an interpreter as a filter.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

echo '{"shell": "/bin/sh"}' >"$work/answer.json"
python3 "$peer" web "$work/port" "$work/answer.json" 4 &
wait_for "$work/port"
url=http://127.0.0.1:$(<"$work/port")/answer.json
sh -c "curl -s $url | python3 -m json.tool >/dev/null"
sh -c "curl -s $url | grep -q sh || exit 1"
sh -c "curl -s $url | sh -c 'cat >answer.sh'"
bash -c "curl -s -o install.sh $url; echo 'exit 0' | sh"
sh -c 'echo exit 0 | sh'
wait
