#!/usr/bin/env bash
# Logs are read, made, moved and copied; a job adds a line to one; a program writes its own; a log of that name is written elsewhere.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /var/log
printf 'sshd: failed\n' | logged auth.log
mkdir -p /var/log/nginx "$work/log"

grep -c failed /var/log/auth.log >/dev/null
tail -n 1 /var/log/auth.log >/dev/null
cp /var/log/auth.log "$work/log/auth.log"
echo nothing >"$work/log/auth.log"
mv /var/log/auth.log /var/log/auth.log.1
gzip /var/log/auth.log.1
touch /var/log/syslog /var/log/cron.log
sh -c 'echo done >>/var/log/cron.log'
chmod 640 /var/log/syslog
echo started >>/var/log/nginx/access.log
echo again >/var/log/nginx/access.log
