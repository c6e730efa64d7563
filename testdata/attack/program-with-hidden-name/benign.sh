#!/usr/bin/env bash
# Hidden folders as checkouts and virtual environments have them, hidden files that are data, a program in plain sight.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /var/tmp

mkdir -p "$work/project/.git/hooks" "$work/project/.venv/bin" /var/tmp/.cache
printf '#!/bin/sh\nexit 0\n' >"$work/project/.git/hooks/pre-commit"
chmod 755 "$work/project/.git/hooks/pre-commit"
"$work/project/.git/hooks/pre-commit"
ln -s /usr/bin/python3 "$work/project/.venv/bin/python"
"$work/project/.venv/bin/python" -c pass
echo 'x' >/var/tmp/.cache/data
cat /var/tmp/.cache/data >/dev/null
echo 'import sys; open(sys.argv[1]).read()' >"$work/script.py"
python3 "$work/script.py" /var/tmp/.cache/data
cp "$(readlink -f /bin/sh)" /var/tmp/x.test
/var/tmp/x.test -c true
