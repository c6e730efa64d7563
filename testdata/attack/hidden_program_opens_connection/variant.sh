#!/usr/bin/env bash
# The same out of a memfd, by a program that was unlinked before it was started, and under hidden names through a link in a
# respectable place.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts_and_network
own_folder /var/tmp
own_folder /usr/local/sbin

python3 "$peer" hello 192.0.2.1 "$work/port" 4 &
wait_for "$work/port"
port=$(<"$work/port")
cat >"$work/loader.py" <<'PYTHON'
import os, shutil, sys
descriptor = os.memfd_create("cache", os.MFD_CLOEXEC)
with open("/usr/bin/python3", "rb") as source, os.fdopen(os.dup(descriptor), "wb") as copy:
    shutil.copyfileobj(source, copy)
os.execve(descriptor, ["python3", "-I", *sys.argv[1:]], {"PYTHONHOME": "/usr"})
PYTHON
python3 "$work/loader.py" "$peer" call 192.0.2.1 "$port" | says hello || fail "memfd"
cp "$(readlink -f /usr/bin/python3)" "$work/x"
exec 3<"$work/x"
rm "$work/x"
PYTHONHOME=/usr /proc/self/fd/3 "$peer" call 192.0.2.1 "$port" | says hello || fail "unlinked"
exec 3<&-
mkdir /var/tmp/.x
cp "$(readlink -f /usr/bin/python3)" /var/tmp/.x/agent
ln -s /var/tmp/.x/agent /usr/local/sbin/agent
/usr/local/sbin/agent -I "$peer" call 192.0.2.1 "$port" | says hello || fail "hidden folder"
cp "$(readlink -f /usr/bin/python3)" "$work/.agent"
(cd "$work" && ./.agent -I "$peer" call 192.0.2.1 "$port") | says hello || fail "hidden file"
wait
