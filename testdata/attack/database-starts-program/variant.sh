#!/usr/bin/env bash
# The same under other servers: a program that is no shell, a copy of one that is called like a server, a renamed shell
# without a fork.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /usr/local
mkdir -p /usr/local/bin /usr/local/sbin
cp "$(readlink -f /usr/bin/python3)" /usr/local/bin/redis-server
ln /usr/local/bin/redis-server /usr/local/sbin/mariadbd
cp "$(readlink -f /bin/bash)" "$work/mariadbd"
cp "$(readlink -f /bin/bash)" /usr/local/bin/worker

/usr/local/bin/redis-server -I -c 'import subprocess; subprocess.run(["id"], check=True)' >/dev/null
/usr/local/sbin/mariadbd -I -c 'import subprocess, sys; subprocess.run([sys.argv[1], "-c", "exit 0"], check=True)' "$work/mariadbd"
/usr/local/bin/redis-server -I -c 'import os; os.execv("/usr/local/bin/worker", ["[kworker/0:1]", "-c", "exit 0"])'
