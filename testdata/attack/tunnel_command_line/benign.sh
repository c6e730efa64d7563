#!/usr/bin/env bash
# What looks like it: forwards to another host, sessions, files of these numbers, client programs of other things.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts_and_network
touch "$work/file"

ssh -o BatchMode=yes -L 8080:localhost:80 -N nobody@192.0.2.1 2>/dev/null || true
ssh -o BatchMode=yes nobody@192.0.2.1 uptime 2>/dev/null || true
scp -q -o BatchMode=yes -r "$work/file" nobody@192.0.2.1:/tmp 2>/dev/null || true
chown -R 0:0 "$work"
chmod -R 755 "$work"
install -Dm644 "$work/file" "$work/beewolf@.service"
grep -w 5 "$work/file" || true
bash -c ': ssh -R 2222:localhost:22 nobody@192.0.2.1'
python3 -c pass client list
