#!/usr/bin/env bash
# A program that carries the mark of yara/test_files.yar is started and has ended before anybody can look at it, in a folder
# that no other process sees.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /mnt

cp "$(readlink -f /bin/true)" /mnt/tool
printf 'BEEWOLF-HARMLESS-YARA-TEST-%s' PROGRAM >>/mnt/tool
/mnt/tool
