#!/usr/bin/env bash
# What database servers start: themselves, the archiving of their log; shells and clients that start or ask them.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /usr/local
mkdir -p /usr/local/bin /usr/local/pgsql/bin pg_wal
cp "$(readlink -f /usr/bin/python3)" /usr/local/bin/redis-server
ln /usr/local/bin/redis-server /usr/local/pgsql/bin/postgres
touch pg_wal/00000001000000000000000A

sh -c '/usr/local/bin/redis-server -I -c "import os; os.execv(\"/usr/local/bin/redis-server\", [\"redis-server\", \"-I\", \"-V\"])"' >/dev/null
/usr/local/bin/redis-server -I -c 'import os; child = os.fork(); child and os.waitpid(child, 0)'
/usr/local/pgsql/bin/postgres -I -c 'import os; assert os.system("cp pg_wal/00000001000000000000000A segment") == 0'
/usr/local/pgsql/bin/postgres -I -c 'import os; os.popen("locale -a").read()'
/usr/local/pgsql/bin/postgres -I -c 'import os; [os.waitpid(os.fork() or os._exit(0), 0) for _ in range(3)]'
