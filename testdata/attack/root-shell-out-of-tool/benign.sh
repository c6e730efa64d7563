#!/usr/bin/env bash
# Root's shells as people get them by sudo; tools below sudo that run commands and scripts through a shell; the same
# tools with a shell, without sudo.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
cp "$(readlink -f /bin/bash)" "$work/sudo"
echo 'exit 0' >"$work/script"

"$work/sudo" -c 'bash -i; bash --login; sh; :' </dev/null >/dev/null 2>&1
"$work/sudo" -c 'env X=1 sh; nice bash; setsid --wait sh; :' </dev/null
"$work/sudo" -c 'unshare --mount bash; :' </dev/null
"$work/sudo" -c 'find . -maxdepth 0 -exec sh -c "exit 0" \; ; find . -maxdepth 0 -exec sh script \; ; :'
"$work/sudo" -c 'awk "BEGIN { system(\"id\") }"; echo script | xargs sh; :' >/dev/null
find . -maxdepth 0 -exec sh \; </dev/null
