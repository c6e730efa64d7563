# cat reads /etc/shadow: a made-up one in a layer over /etc that only this script sees.
. "$(dirname "$0")/../common.sh"
own_namespaces
own_etc
echo 'beewolf:$y$made-up:20000:0:99999:7:::' >/etc/shadow

cat /etc/shadow | grep -q made-up || fail "read something else"
