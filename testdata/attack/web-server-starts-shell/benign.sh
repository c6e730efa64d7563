#!/usr/bin/env bash
# What web servers and Java programs start all day: themselves, tools without a shell, sendmail through one, CGI
# programs; shells that start web servers.
# shellcheck source=testdata/attack/common.sh
. "$(dirname "$0")/../common.sh"
own_mounts
own_folder /usr/local/sbin
cp "$(readlink -f /usr/bin/python3)" /usr/local/sbin/php-fpm8.2
for server in nginx apache2 java; do
    ln /usr/local/sbin/php-fpm8.2 "/usr/local/sbin/$server"
done

sh -c '/usr/local/sbin/nginx -I -c "import os; os.execv(\"/usr/local/sbin/nginx\", [\"nginx\", \"-I\", \"-V\"])"' >/dev/null
/usr/local/sbin/nginx -I -c 'import subprocess; subprocess.run(["true"], check=True)'
/usr/local/sbin/php-fpm8.2 -I -c 'import subprocess; subprocess.run(["sh", "-c", "/usr/sbin/sendmail -t -i"], stderr=-3)'
/usr/local/sbin/apache2 -I -c 'import subprocess; subprocess.run(["gzip", "-9", "-c"], stdin=-3, stdout=-3, check=True)'
/usr/local/sbin/java -I -c 'import subprocess; subprocess.run(["sh", "-c", "id; :"], check=True)' >/dev/null
bash -c 'curl -s http://127.0.0.1:9/ || true'
