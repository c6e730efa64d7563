#!/usr/bin/env bash
# The same with another capability on a program in a temporary folder that is started through a link, with a copy of perl
# that has a longer name, and with a shell that inherits the capability.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /usr/local/sbin
user=(setpriv --reuid=1000 --regid=1000 --clear-groups)

echo secret >"$work/file"
chmod 600 "$work/file"
cp "$(readlink -f /bin/cat)" "$work/x"
python3 "$here/capability.py" "$work/x" 2
ln -s "$work/x" /usr/local/sbin/show
[[ $("${user[@]}" /usr/local/sbin/show "$work/file") = secret ]] || fail "cannot read"
cp "$(readlink -f /usr/bin/perl)" /usr/local/sbin/perl5.99
python3 "$here/capability.py" /usr/local/sbin/perl5.99 7
# shellcheck disable=SC2016 # Perl is to expand it
[[ $("${user[@]}" /usr/local/sbin/perl5.99 -e '$> = 0; print $>') = 0 ]] || fail "did not become root"
[[ $("${user[@]}" --inh-caps=+dac_read_search --ambient-caps=+dac_read_search bash -c 'echo "$(<"$0")"' "$work/file") = secret ]] ||
    fail "cannot read with an inherited capability"
