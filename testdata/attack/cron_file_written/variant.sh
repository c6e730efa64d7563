#!/usr/bin/env bash
# The same by a relative path, through a symbolic link, into the other places, by a copy that is called dpkg.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
mkdir -p /etc/cron.d /etc/cron.hourly

(cd /etc/cron.hourly && echo 'exit 0' | tee 0beewolf >/dev/null)
ln -s /etc/cron.d "$work/notes"
python3 -c 'import sys; open(sys.argv[1], "a").write("# nothing\n")' "$work/notes/beewolf-link"
echo '# nothing' >"$work/job"
cp "$work/job" /etc/crontab
own_folder /var/spool
mkdir -p /var/spool/cron/crontabs
cp "$(readlink -f /bin/bash)" "$work/dpkg"
"$work/dpkg" -c 'echo "# nothing" >>/var/spool/cron/crontabs/root'
