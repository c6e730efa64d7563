#!/usr/bin/env bash
# Text is decoded into files and filters, shells run what was never encoded, a program in a file decodes.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

sh -c 'echo aGVsbG8= | base64 -d >text; test -s text'
sh -c 'echo aGVsbG8= | base64 -d | grep -q hello'
sh -c "echo aGVsbG8= | base64 -d | sh -c 'cat >text'"
bash -c 'value=$(echo aGVsbG8= | base64 -d); test "$value" = hello'
sh -c 'echo exit 0 | sh'
sh -c 'base64 -w 0 /etc/hostname >encoded || true'
echo 'echo aGVsbG8= | base64 -d' >"$work/script.sh"
sh "$work/script.sh" >/dev/null
