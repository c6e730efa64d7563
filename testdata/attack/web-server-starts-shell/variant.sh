#!/usr/bin/env bash
# The same by a renamed shell under PHP, by an interpreter in place of a shell, without a fork, and under a Java server
# whose command line says what it serves.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /usr/local/sbin
own_folder /usr/local/bin
cp "$(readlink -f /usr/bin/python3)" /usr/local/sbin/php-fpm8.2
ln /usr/local/sbin/php-fpm8.2 /usr/local/sbin/apache2
ln /usr/local/sbin/php-fpm8.2 /usr/local/sbin/httpd
ln /usr/local/sbin/php-fpm8.2 /usr/local/sbin/java
cp "$(readlink -f /bin/bash)" /usr/local/bin/convert

/usr/local/sbin/php-fpm8.2 -I -c 'import subprocess; subprocess.run(["/usr/local/bin/convert", "-c", "id; :"], check=True)' >/dev/null
/usr/local/sbin/apache2 -I -c 'import os; os.waitpid(os.spawnlp(os.P_NOWAIT, "perl", "perl", "-e", "exit 0"), 0)'
/usr/local/sbin/httpd -I -c 'import os; os.execv("/bin/sh", ["[worker]", "-c", "id; :"])' >/dev/null
echo 'import subprocess; subprocess.run(["bash", "-c", "id; :"], check=True)' >"$work/org.apache.catalina.startup.Bootstrap"
/usr/local/sbin/java -I "$work/org.apache.catalina.startup.Bootstrap" >/dev/null
