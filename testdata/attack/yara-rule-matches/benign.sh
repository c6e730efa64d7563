#!/usr/bin/env bash
# A file with the mark is read, searched and copied, and is no program; a program that is started has no mark.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts

printf 'BEEWOLF-HARMLESS-YARA-TEST-%s\n' PROGRAM >"$work/notes"
cp "$work/notes" "$work/copy"
grep -q BEEWOLF "$work/copy" || fail "the mark is not there"
sh "$work/missing" 2>/dev/null || true
date >/dev/null
