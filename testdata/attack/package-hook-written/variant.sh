#!/usr/bin/env bash
# The same for dpkg through a link, for pacman by a relative path, in the script of an installed package, and by a copy that
# is called dpkg.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
mkdir -p /etc/dpkg/dpkg.cfg.d /etc/pacman.d/hooks /etc/apt/apt.conf.d "$work/installed/dpkg/info"
touch "$work/installed/dpkg/info/beewolf.postinst"
own_folder /var/lib
mkdir -p /var/lib/dpkg
mount --bind "$work/installed/dpkg" /var/lib/dpkg

ln -s /etc/dpkg/dpkg.cfg.d "$work/notes"
python3 -c 'import sys; open(sys.argv[1], "w").write("# post-invoke\n")' "$work/notes/beewolf"
(cd /etc/pacman.d/hooks && echo '[Action]' | tee beewolf.hook >/dev/null)
perl -e 'open(my $f, ">>", "/var/lib/dpkg/info/beewolf.postinst") or die; print $f "true\n"'
cp "$(readlink -f /bin/bash)" "$work/dpkg"
"$work/dpkg" -c 'echo "// nothing" >>/etc/apt/apt.conf'
