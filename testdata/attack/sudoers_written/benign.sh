#!/usr/bin/env bash
# The files are read, one is made under a name that sudo skips and renamed as visudo and dpkg do it, one of that name is
# written elsewhere; visudo.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
mkdir -p /etc/sudoers.d "$work/image/etc/sudoers.d"

echo '# nothing' >/etc/sudoers.d/job.dpkg-new
mv /etc/sudoers.d/job.dpkg-new /etc/sudoers.d/job
echo '# nothing' >/etc/sudoers.tmp
mv /etc/sudoers.tmp /etc/sudoers
cat /etc/sudoers /etc/sudoers.d/job >/dev/null
ls -l /etc/sudoers.d >/dev/null
echo '# nothing' >"$work/image/etc/sudoers.d/job"
if [[ -x /usr/sbin/visudo ]]; then
    EDITOR=true visudo
fi
