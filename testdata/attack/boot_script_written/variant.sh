#!/usr/bin/env bash
# The same in the scripts for boot: rc.local by a relative path, an init script through a link, one for a run level by a copy
# that is called dpkg, a hook for the initial RAM disk by busybox.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
mkdir -p /etc/init.d /etc/rc2.d /etc/initramfs-tools/hooks

(cd /etc && echo '# nothing' | tee -a rc.local >/dev/null)
ln -s /etc/init.d "$work/notes"
python3 -c 'import sys; open(sys.argv[1], "w").write("# nothing\n")' "$work/notes/beewolf"
cp "$(readlink -f /bin/bash)" "$work/dpkg"
"$work/dpkg" -c 'echo "# nothing" >/etc/rc2.d/S99beewolf'
busybox cp "$work/etc-upper/init.d/beewolf" /etc/initramfs-tools/hooks/beewolf
