#!/usr/bin/env bash
# A .pth file with a line of code is put where every Python of the host runs it, in a folder that only this script sees.
# shellcheck disable=SC2016 # another shell is to expand it
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /usr/local/lib
packages=$(python3 -c 'import sys; print("/usr/local/lib/python%d.%d/dist-packages" % sys.version_info[:2])')
mkdir -p "$packages"

bash -c 'echo "import os; os.environ.setdefault(\"BEEWOLF\", \"ran\")" >"$0/zz-beewolf.pth"' "$packages"
python3 -c 'import os; print(os.environ.get("BEEWOLF"))' | says ran || fail "Python did not run it"
