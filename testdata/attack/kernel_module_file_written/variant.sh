#!/usr/bin/env bash
# The same as a module file in the folder of modules, by a relative path; as a command in place of a module, through a
# link; and by a copy that is called dpkg.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
mkdir -p /etc/modprobe.d
own_layer "$(readlink -f /lib)"
mkdir -p /lib/modules/6.0-beewolf/extra

(cd /lib/modules/6.0-beewolf/extra && echo nothing | tee beewolf.ko >/dev/null)
echo nothing >"$work/module"
busybox cp "$work/module" /lib/modules/6.0-beewolf/extra/beewolf.ko.xz
ln -s /etc/modprobe.d "$work/notes"
python3 -c 'import sys; open(sys.argv[1], "w").write("# install beewolf /bin/true\n")' "$work/notes/beewolf.conf"
cp "$(readlink -f /bin/bash)" "$work/dpkg"
"$work/dpkg" -c 'echo "# nothing" >>/etc/modules'
