#!/usr/bin/env bash
# Looking at the jobs, the same tree elsewhere, a package that brings a job, the user's own crontab by crontab(1).
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
mkdir -p /etc/cron.d "$work/image/etc/cron.d"

echo '# nothing' >"$work/image/etc/cron.d/job"
ls -l /etc/cron.d >/dev/null
find /etc/cron.d -type f -exec cat {} + >/dev/null
stat /etc/cron.d >/dev/null
if command -v dpkg-deb >/dev/null; then
    own_folder /var/log
    mkdir -p "$work/image/DEBIAN" "$work/database/updates" "$work/database/info"
    touch "$work/database/status"
    cat >"$work/image/DEBIAN/control" <<'CONTROL'
Package: beewolf-benign
Version: 1
Architecture: all
Maintainer: Beewolf project <beewolf@example.org>
Description: a package with a job
CONTROL
    dpkg-deb --build --root-owner-group "$work/image" "$work/benign.deb" >/dev/null
    dpkg --admindir="$work/database" --install "$work/benign.deb" >/dev/null
    [[ -s /etc/cron.d/job ]] || fail "the package is not there"
    dpkg --admindir="$work/database" --purge beewolf-benign >/dev/null 2>&1
fi
if command -v crontab >/dev/null; then
    own_folder /var/spool
    mkdir -p /var/spool/cron/crontabs
    echo '# nothing' | crontab -
    crontab -l >/dev/null
    crontab -r
fi
