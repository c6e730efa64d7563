#!/usr/bin/env bash
# The same by a relative path, through a link, by a copy that is called dpkg, and by way of another library folder.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
mkdir -p /etc/ld.so.conf.d "$work/libraries"

(cd /etc && tee ld.so.preload </dev/null)
ln -s /etc/ld.so.preload "$work/notes"
python3 -c 'import sys; open(sys.argv[1], "a").close()' "$work/notes"
cp "$(readlink -f /bin/bash)" "$work/dpkg"
"$work/dpkg" -c 'echo "$1" >/etc/ld.so.conf.d/00-beewolf.conf' dpkg "$work/libraries"
perl -e 'open(my $f, ">>", "/etc/ld.so.conf") or die; print $f "# nothing\n"'
