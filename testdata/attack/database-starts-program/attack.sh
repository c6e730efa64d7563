#!/usr/bin/env bash
# A database runs a command for whoever asked it, as COPY ... FROM PROGRAM does. The server is a copy of Python at a place
# of PostgreSQL's, in a folder over /usr/local that only this script sees.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /usr/local
mkdir -p /usr/local/pgsql/bin
cp "$(readlink -f /usr/bin/python3)" /usr/local/pgsql/bin/postgres

/usr/local/pgsql/bin/postgres -I -c 'import os; print(os.popen("id").read())' | says uid=0 || fail "no answer"
