#!/usr/bin/env bash
# The same in other ways: the module of the host through a symbolic link by a one-liner, the module of one user by a
# relative path, a .pth file of one user by a copy that is called pip.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
version=$(python3 -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
ours=$HOME/.local/lib/$version/site-packages
mkdir -p "$ours"

ln -s "/etc/$version" "$work/notes"
python3 -c 'import sys; open(sys.argv[1], "w").write("print(\"host\")\n")' "$work/notes/sitecustomize.py"
python3 -c pass | says host || fail "the module of the host did not run"
(cd "$ours" && echo 'print("user")' | tee usercustomize.py >/dev/null)
python3 -c pass | says user || fail "the module of the user did not run"
cp "$(readlink -f /bin/bash)" "$work/pip"
"$work/pip" -c 'echo "import sys; sys.stdout.write(\"path\")" >"$3"' -m pip install "$ours/a.pth"
python3 -c pass | says path || fail "the .pth file did not run"
