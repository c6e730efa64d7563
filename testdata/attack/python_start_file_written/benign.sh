#!/usr/bin/env bash
# Other modules in the same folders, start-up files read by Python itself and by people, one that a package brings, and
# a .pth file in a virtual environment.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /var/log
own_folder /usr/local/lib
version=$(python3 -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
packages=/usr/local/lib/$version/dist-packages
mkdir -p "$packages" "$work/image$packages" "$work/venv/lib/$version/site-packages"

echo 'x = 1' >"$packages/beewolf_benign.py"
echo 'import beewolf_benign' >"$work/image$packages/beewolf.pth"
package "$work/image" 'true'
[[ -s $packages/beewolf.pth ]] || fail "the package is not there"
python3 -c 'import sys; sys.exit("beewolf_benign" not in sys.modules)'
cat "$packages/beewolf.pth" >/dev/null
echo 'home = /usr/bin' >"$work/venv/pyvenv.cfg"
ln -s /usr/bin/python3 "$work/venv/python3"
echo '/srv/source' >"$work/venv/lib/$version/site-packages/__editable__.pth"
