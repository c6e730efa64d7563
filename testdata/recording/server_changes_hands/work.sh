#!/usr/bin/env bash
# Another Debian server, with other packages and other people: it gets a mail server, a database, a web
# application, a broker and a container engine, is looked after by Ansible, and is backed up. Run by
# scripts/baseline.
#
# A step that fails must not end the rest, so there is no `set -e`; what fails is seen in the output.
set -u
export DEBIAN_FRONTEND=noninteractive

step() { printf '== %(%T)T %s\n' -1 "$*"; }

# What an operator does here is done in a session of theirs, over SSH.
operator() { runuser -u carol -- env HOME=/home/carol USER=carol LOGNAME=carol "$@"; }

session() { operator /mnt/guest-session ssh -q "$1@localhost"; }

first_access() {
    useradd -m -s /bin/bash -G sudo carol
    useradd -m -s /bin/bash dave
    useradd -r -s /usr/sbin/nologin -d /opt/shop shop
    echo 'carol ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/carol
    chmod 440 /etc/sudoers.d/carol
    operator ssh-keygen -q -t rsa -b 2048 -N '' -f /home/carol/.ssh/id_rsa
    operator cp /home/carol/.ssh/id_rsa.pub /home/carol/.ssh/authorized_keys
    install -d -m 700 -o dave -g dave /home/dave/.ssh
    install -m 600 -o dave -g dave /home/carol/.ssh/id_rsa.pub /home/dave/.ssh/authorized_keys
    operator bash -c 'ssh-keyscan localhost > ~/.ssh/known_hosts 2>/dev/null'
    echo 'dave:swordfish' | chpasswd
}

install_packages() {
    operator ssh -q carol@localhost sudo DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        "$(paste -sd ' ' /mnt/packages)" </dev/null
}

sessions() {
    session carol <<'END'
sudo tail /var/log/dpkg.log
sudo systemctl list-units --type=service --no-pager | cat
sudo vim -c ':%s/Listen 80$/Listen 8080/' -c ':wq' /etc/apache2/ports.conf
sudo apachectl configtest
sudo systemctl restart apache2
exit
END
    session dave <<'END'
vim -c ':normal itext' -c ':wq' todo.txt
zsh -c 'print -l *'
make --version | head -n 1
mail -s hello carol < todo.txt
exit
END
    session carol <<'END'
sudo -s
cd /etc && git log --oneline | head
chown -R www-data: /var/www
passwd -S dave
crontab -l
exit
exit
END
    session carol <<'END'
su dave
swordfish
id
exit
screen -d -m -S long sleep 20
screen -ls
mail -H
kill %1
exit
END
    local number
    for number in 1 2 3; do
        session dave <<END
cd /usr/share/doc && ls | wc -l
awk -F: '{ print \$1 }' /etc/passwd | sort | head -n $number
grep -c . /etc/services
exit
END
        operator ssh -q dave@localhost "uname -a; cat /proc/loadavg; ls -l ~" </dev/null
        operator scp -q /etc/services dave@localhost:services-$number
    done
}

database() {
    runuser -u postgres -- createuser shop
    runuser -u postgres -- createdb -O shop shop
    runuser -u postgres -- psql -q shop -c 'create table orders (id serial, item text, price numeric); grant all on orders to shop'
    local number
    for number in 1 2 3 4 5; do
        runuser -u postgres -- psql -q shop -c "insert into orders (item, price) values ('thing $number', $number * 1.5)"
    done
    runuser -u postgres -- psql shop -c '\d orders'
    runuser -u postgres -- pg_dump shop | pigz >/var/backups/shop.sql.gz
    runuser -u postgres -- vacuumdb --all --quiet
    sed -i "s/^#log_connections = off/log_connections = on/" /etc/postgresql/15/main/postgresql.conf
    systemctl reload postgresql
    runuser -u postgres -- psql -tc 'select pg_reload_conf()'
}

web_application() {
    cat >/var/www/html/index.php <<'END'
<?php
file_put_contents('/var/www/html/visits', date('c') . "\n", FILE_APPEND);
echo "Visits: ", count(file('/var/www/html/visits')), "\n";
END
    chown www-data: /var/www/html
    a2enmod -q rewrite status
    apachectl graceful
    cat >>/etc/haproxy/haproxy.cfg <<'END'
frontend shop
    bind *:8888
    default_backend web
backend web
    server one 127.0.0.1:8080 check
END
    haproxy -c -f /etc/haproxy/haproxy.cfg && systemctl reload haproxy
    sleep 3
    local number
    for number in 1 2 3 4 5 6 7 8; do
        python3 -c 'import sys, urllib.request as r; print(r.urlopen(sys.argv[1]).status)' "http://localhost:8888/index.php?page=$number"
    done
    python3 -m venv /opt/shop
    /opt/shop/bin/python -c 'import sys; print(sys.prefix)'
    cat >/opt/shop/worker.py <<'END'
import socket, subprocess, time
for _ in range(20):
    with socket.create_connection(("127.0.0.1", 11211)) as memcached:
        memcached.sendall(b"set beat 0 0 1\r\n1\r\nquit\r\n")
        memcached.recv(100)
    subprocess.run(["date"], stdout=subprocess.DEVNULL)
    time.sleep(3)
END
    cat >/etc/systemd/system/shop.service <<'END'
[Service]
ExecStart=/opt/shop/bin/python /opt/shop/worker.py
User=shop
ProtectSystem=full
PrivateTmp=yes
[Install]
WantedBy=multi-user.target
END
    systemctl daemon-reload
    systemctl enable --now shop
}

deployment() {
    # A push that puts itself into service, as small teams have it.
    install -d -o carol /srv/site /srv/live
    operator git init -q --bare /srv/site
    printf '#!/bin/sh\ngit --work-tree=/srv/live checkout -f main && touch /srv/live/.deployed\n' >/srv/site/hooks/post-receive
    chmod 755 /srv/site/hooks/post-receive
    operator git config --global user.email carol@example.org
    operator git config --global user.name Carol
    operator git clone -q ssh://carol@localhost/srv/site /home/carol/site
    local number
    for number in 1 2 3; do
        operator bash -c "cd ~/site && echo '<p>$number</p>' > index.html && git add . && git commit -qm 'Change $number' && git push -q origin HEAD:main"
    done
    ls -la /srv/live
}

compile_things() {
    install -d -o dave /home/dave/calc
    cat >/home/dave/calc/Makefile <<'END'
CFLAGS = -O1 -Wall -g
objects = main.o add.o multiply.o
calc: $(objects)
	$(CC) -o $@ $^
check: calc
	./calc 3 4 | grep -q '7 12'
clean:
	rm -f calc $(objects)
END
    printf 'int add(int a, int b);\nint multiply(int a, int b);\n' >/home/dave/calc/calc.h
    printf '#include "calc.h"\nint add(int a, int b) { return a + b; }\n' >/home/dave/calc/add.c
    printf '#include "calc.h"\nint multiply(int a, int b) { return a * b; }\n' >/home/dave/calc/multiply.c
    printf '#include <stdio.h>\n#include <stdlib.h>\n#include "calc.h"\nint main(int n, char **v) { int a = atoi(v[1]), b = atoi(v[2]); printf("%%d %%d\\n", add(a, b), multiply(a, b)); return n != 3; }\n' >/home/dave/calc/main.c
    chown -R dave: /home/dave/calc
    operator ssh -q dave@localhost 'cd calc && make -j2 && make check && gdb -batch -ex "break add" -ex "run 1 2" -ex bt ./calc' </dev/null
    # A package of one's own.
    mkdir -p /root/tool_1.0/DEBIAN /root/tool_1.0/usr/bin
    printf 'Package: tool\nVersion: 1.0\nArchitecture: all\nMaintainer: Carol <carol@example.org>\nDescription: a tool\n' >/root/tool_1.0/DEBIAN/control
    printf '#!/bin/sh\nset -e\nadduser --system --quiet toolrunner\n' >/root/tool_1.0/DEBIAN/postinst
    printf '#!/bin/sh\nexec uptime "$@"\n' >/root/tool_1.0/usr/bin/tool
    chmod 755 /root/tool_1.0/DEBIAN/postinst /root/tool_1.0/usr/bin/tool
    dpkg-deb --build --root-owner-group /root/tool_1.0 /root/tool.deb
    dpkg -i /root/tool.deb && tool && dpkg -r tool
}

playbook() {
    cat >/home/carol/site.yml <<'END'
- hosts: all
  become: true
  tasks:
    - name: a user
      user: { name: deploy, shell: /bin/bash, groups: sudo }
    - name: the key of that user
      copy: { src: /home/carol/.ssh/id_rsa.pub, dest: /home/deploy/authorized, owner: deploy, mode: "0600" }
    - name: a job
      cron: { name: report, minute: "*/1", job: "/usr/bin/uptime >> /var/log/uptime.log" }
    - name: a setting
      lineinfile: { path: /etc/ssh/sshd_config, regexp: "^#?X11Forwarding", line: "X11Forwarding no" }
      notify: reload
    - name: a unit
      copy: { content: "[Service]\nExecStart=/bin/true\nType=oneshot\n", dest: /etc/systemd/system/check.service }
    - name: which is started
      systemd: { name: check, state: started, daemon_reload: true }
    - name: a command
      shell: "df -h | awk 'NR > 1 { print $5 }'"
  handlers:
    - name: reload
      service: { name: ssh, state: reloaded }
END
    chown carol: /home/carol/site.yml
    operator ansible-playbook -i localhost, /home/carol/site.yml
}

messages() {
    mosquitto_sub -t 'plant/#' -C 3 >/tmp/heard &
    sleep 3
    local number
    for number in 1 2 3; do mosquitto_pub -t "plant/$number" -m "$number degrees"; done
    wait $!
    echo 'the report' | mail -s report dave
    sleep 5
    runuser -u dave -- mail -H -f /var/mail/dave
    postconf -e 'inet_interfaces = loopback-only'
    newaliases
    postfix check && systemctl restart postfix
    mailq
}

containers() {
    mkdir -p /root/image/bin /root/image/tmp
    cp /bin/busybox /root/image/bin/
    local name
    for name in sh ls id wget sleep cat ps; do ln -s busybox /root/image/bin/$name; done
    export STORAGE_DRIVER=vfs
    tar -C /root/image -c . | podman import - small
    podman images
    podman run --rm --network host --cgroup-manager cgroupfs small /bin/sh -c 'id; ls /; cat /proc/1/cgroup'
    podman run -d --name server --network host --cgroup-manager cgroupfs small /bin/sh -c 'while sleep 2; do echo beat; done'
    podman ps
    podman exec --cgroup-manager cgroupfs server /bin/ps
    podman logs server
    podman stop -t 1 server
    podman rm server
}

protection() {
    nft add table inet guard
    nft add chain inet guard input '{ type filter hook input priority 0; policy accept; }'
    nft add rule inet guard input tcp dport 23 drop
    nft list ruleset >/etc/nftables.conf
    printf '[sshd]\nenabled = true\nbackend = systemd\n' >/etc/fail2ban/jail.local
    systemctl restart fail2ban
    sleep 10
    fail2ban-client status sshd
    printf 'check system localhost\n  if memory usage > 90%% then alert\n' >/etc/monit/conf.d/memory
    monit -t && systemctl reload monit
    openssl req -new -newkey rsa:2048 -nodes -subj /CN=shop -keyout /etc/ssl/private/shop.key -out /etc/ssl/shop.csr 2>/dev/null
    chmod 600 /etc/ssl/private/shop.key
    printf 'PasswordAuthentication no\n' >/etc/ssh/sshd_config.d/hardening.conf
    systemctl reload ssh
    chage -l carol
    vipw -q </dev/null || true
    pwck -r
    usermod --lock dave
    usermod --unlock dave
}

backups() {
    export BORG_PASSPHRASE='a long one'
    borg init -e repokey /var/backups/borg
    borg create /var/backups/borg::first /etc /home /srv
    borg list /var/backups/borg
    borg check /var/backups/borg
    mkdir -p /tmp/restore && (cd /tmp/restore && borg extract /var/backups/borg::first etc/hosts) && rm -r /tmp/restore
    7z a -bd /var/backups/site.7z /srv/live >/dev/null
    tar -I pigz -cf /var/backups/www.tar.gz /var/www
    find /etc -newer /etc/hostname -type f | cpio -o --quiet >/var/backups/changed.cpio 2>/dev/null
    etckeeper commit 'After the change of hands'
    dd if=/var/backups/www.tar.gz of=/var/backups/copy bs=64k status=none
    cmp /var/backups/www.tar.gz /var/backups/copy
    md5sum /var/backups/* 2>/dev/null
}

housekeeping() {
    sar 1 2
    iostat
    pidstat 1 2
    dig @127.0.0.1 +time=1 +tries=1 localhost || true
    (iperf3 -s -1 >/dev/null &) && sleep 2 && iperf3 -c 127.0.0.1 -t 1
    seq 1 20 | parallel -j 2 'echo {} | md5sum' | sort | uniq | wc -l
    systemctl cat ssh.service
    systemctl edit --full --force note.service </dev/null >/dev/null 2>&1
    systemd-run --wait --pipe /bin/sh -c 'id -un; pwd'
    systemd-run --on-active=5 /bin/touch /run/later
    systemd-analyze blame --no-pager | head
    loginctl list-sessions --no-pager
    journalctl --since -10min --no-pager | gawk '{ print $5 }' | sort | uniq -c | sort -rn | head
    zgrep -h install /var/log/dpkg.log* | tail -n 2
    sleep 60
    for job in daily weekly; do run-parts --report /etc/cron.$job; done
    logrotate -f /etc/logrotate.d/apache2
    systemctl start man-db.service dpkg-db-backup.service fstrim.service e2scrub_all.service || true
    echo UTC >/etc/timezone
    localedef -i C -f UTF-8 xx_XX 2>/dev/null || true
    hostname -f
    gdb -batch -p "$(pgrep -o memcached)" -ex 'info threads'
    patch -p0 -d / <<'END'
--- /etc/motd
+++ /etc/motd
@@ -1,1 +1,1 @@
-
+Welcome
END
    renice -n 5 -p $$
    systemctl disable --now vsftpd mosquitto
    apt-get purge -y vsftpd </dev/null
    apt-mark hold apache2 && apt-mark unhold apache2
    dpkg --verify
    apt-cache policy postgresql | head -n 3
    deluser --remove-home dave
    who /var/log/wtmp
}

for work in first_access install_packages sessions database web_application deployment compile_things playbook \
    messages containers protection backups housekeeping; do
    step "$work"
    $work
done
step 'the end'
