#!/usr/bin/env bash
# The same by a relative path, through a link, by a copy that is called visudo, by a file that ends as visudo's own do, and
# for doas.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
mkdir -p /etc/sudoers.d

(cd /etc/sudoers.d && echo '# nothing' | tee beewolf >/dev/null)
ln -s /etc/sudoers "$work/notes"
python3 -c 'import sys; open(sys.argv[1], "a").write("# nothing\n")' "$work/notes"
cp "$(readlink -f /bin/bash)" "$work/visudo"
"$work/visudo" -c 'echo "# nothing" >>/etc/sudoers.d/10-beewolf'
busybox cp "$work/etc-upper/sudoers" /etc/sudoers.d/beewolf.tmp
perl -e 'open(my $f, ">", "/etc/doas.conf") or die; print $f "# nothing\n"'
