#!/usr/bin/env bash
# Installed programs started by a descriptor, a dropped one by its name or by /proc/self/exe, scripts read from descriptors.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

python3 -c 'import os; os.execve(os.open("/bin/true", os.O_RDONLY), ["true"], {})'
cp "$(readlink -f /bin/bash)" "$work/x"
"$work/x" -c 'exec /proc/self/exe -c true'
bash <(echo 'exit 0')
echo 'exit 0' >"$work/script"
exec 3<"$work/script"
bash /dev/fd/3
exec 3<&-
