#!/usr/bin/env bash
# Keys are made and used by the programs that are there for it; public keys, known hosts and files of such names elsewhere
# are read.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /root
mkdir -m 700 /root/.ssh

if command -v ssh-keygen >/dev/null; then
    ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
    ssh-keygen -y -f /root/.ssh/id_ed25519 >/dev/null
    ssh-keygen -l -f /root/.ssh/id_ed25519.pub >/dev/null
    cat /root/.ssh/id_ed25519.pub >/dev/null
fi
echo 'host ssh-ed25519 AAAA' >/root/.ssh/known_hosts
grep -c host /root/.ssh/known_hosts >/dev/null
ls -l /root/.ssh >/dev/null
tar c -C / root >"$work/root.tar"
python3 -c 'import os; os.stat("/root/.ssh"); os.close(os.open("/root/.ssh", os.O_RDONLY))'
echo 'x' >"$work/id_card"
cat "$work/id_card" >/dev/null
