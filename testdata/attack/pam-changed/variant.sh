#!/usr/bin/env bash
# The same by sed -i, which writes a new file beside the old one, through a link, by a copy that is called
# pam-auth-update, and as a module instead of a line.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_etc
mkdir -p /etc/pam.d
modules=$(dirname "$(readlink -f "$(find /lib/*/security /lib/security /lib64/security /usr/lib/security -name 'pam_*.so' 2>/dev/null | head -n 1)")")
[[ -d $modules/../security ]] || fail "no folder for modules"
own_folder "$modules"

mkdir "$work/there"
mount --bind "$work/there" /etc/pam.d
echo '# nothing' >"$work/line"
cp "$work/line" "$work/there/other"
sed -i 's/nothing/auth sufficient pam_permit.so/' /etc/pam.d/other
ln -s /etc/pam.d "$work/notes"
python3 -c 'import sys; open(sys.argv[1], "a").write("# nothing\n")' "$work/notes/other"
cp "$(readlink -f /bin/bash)" "$work/pam-auth-update"
"$work/pam-auth-update" -c 'echo "# nothing" >/etc/pam.d/common-beewolf'
cp "$work/line" "$modules/pam_beewolf.so"
