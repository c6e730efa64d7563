#!/usr/bin/env bash
# The same by a relative path, through a thread and for writing too, by a copy that is called gdb, and physical memory: a
# made-up one in a folder laid over /dev.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

python3 "$here/victim.py" "$work/where" &
victim=$!
wait_for "$work/where"
read -r address length <"$work/where"
# shellcheck disable=SC2016 # Perl is to expand it
take='open my $m, $ARGV[0] ? "+<" : "<", "mem" or die $!; sysseek $m, $ARGV[1], 0; sysread $m, $_, $ARGV[2]; print'
(cd "/proc/$victim" && perl -e "$take" 0 "$address" "$length") | says 'made-up secret' || fail "relative path"
(cd "/proc/$victim/task/$victim" && perl -e "$take" 1 "$address" "$length") | says 'made-up secret' || fail "thread"
cp "$(readlink -f /usr/bin/python3)" "$work/gdb"
"$work/gdb" -I -c 'import os, sys
os.write(1, os.pread(os.open("//proc/" + sys.argv[1] + "/./mem", os.O_RDONLY), int(sys.argv[3]), int(sys.argv[2])))' \
    "$victim" "$address" "$length" | says 'made-up secret' || fail "renamed reader"
own_folder /dev
mknod -m 666 /dev/null c 1 3
echo 'made-up secret' >/dev/memory
mv /dev/memory /dev/mem
dd if=/dev/mem status=none | says 'made-up secret' || fail "physical memory"
