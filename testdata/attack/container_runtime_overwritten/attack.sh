#!/usr/bin/env bash
# The runtime that root starts for every container is overwritten, in a folder over /usr/local/sbin that only this script
# sees.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /usr/local/sbin
echo '#!/bin/false' | logged /usr/local/sbin/runc

bash -c 'echo "#!/bin/true" >/usr/local/sbin/runc'
grep -q true /usr/local/sbin/runc || fail "written elsewhere"
