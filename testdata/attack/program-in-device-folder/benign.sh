#!/usr/bin/env bash
# /dev/shm as it is meant: shared memory, data, a working directory; programs named by a descriptor in /dev/fd.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /dev/shm

python3 -c 'from multiprocessing import shared_memory as m; s = m.SharedMemory(create=True, size=64); s.buf[0] = 1; s.close(); s.unlink()'
echo 'one two' >/dev/shm/words
wc -w /dev/shm/words >/dev/null
(cd /dev/shm && cat words >/dev/null)
echo 'import sys; print(open(sys.argv[1]).read())' >"$work/script.py"
python3 "$work/script.py" /dev/shm/words >/dev/null
sh -c 'cat /dev/shm/words >/dev/null'
bash <(echo 'exit 0')
python3 -c 'import os; os.execve(os.open("/bin/true", os.O_RDONLY), ["true"], {})'
