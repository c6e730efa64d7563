#!/usr/bin/env bash
# The first days of a small Debian server: it is installed, people log in, software is built and put
# into service, a container runs, and what every server does by itself goes on. Run by scripts/baseline.
#
# A step that fails must not end the rest, so there is no `set -e`; what fails is seen in the output.
set -u
export DEBIAN_FRONTEND=noninteractive

step() { printf '== %(%T)T %s\n' -1 "$*"; }

# What a user of this server does from another terminal of it; all of them reach it by SSH.
as() { runuser -u "$1" -- env HOME="/home/$1" USER="$1" LOGNAME="$1" "${@:2}"; }

login() { as "$1" /mnt/guest-session ssh -q "$2@localhost"; }

remote() { as "$1" ssh -q "$2@localhost" "${@:3}" </dev/null; }

install_packages() {
    # shellcheck disable=SC2046 # one word for each package
    apt-get install -y --no-install-recommends $(cat /mnt/packages) </dev/null
    apt-get check
    dpkg -l | wc -l
}

add_people() {
    adduser --disabled-password --gecos 'Alice Miller,,,' alice
    useradd --create-home --shell /bin/bash --comment 'Bob Smith' bob
    addgroup developers
    usermod -aG sudo,developers alice
    gpasswd -a bob developers
    printf 'alice:correct horse\nbob:battery staple\n' | chpasswd
    passwd --status bob
    chage -M 365 bob
    printf '%%sudo ALL=(ALL:ALL) NOPASSWD: ALL\n' >/etc/sudoers.d/admins
    chmod 440 /etc/sudoers.d/admins
    visudo -c
    local person
    for person in alice bob; do
        as "$person" install -d -m 700 "/home/$person/.ssh"
        as "$person" ssh-keygen -q -t ed25519 -N '' -f "/home/$person/.ssh/id_ed25519"
        as "$person" cp "/home/$person/.ssh/id_ed25519.pub" "/home/$person/.ssh/authorized_keys"
        ssh-keyscan -t ed25519 localhost 2>/dev/null | as "$person" tee "/home/$person/.ssh/known_hosts"
    done
    # The nightly copy goes from root to alice and back.
    install -d -m 700 /root/.ssh
    ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
    cat /root/.ssh/id_ed25519.pub >>/home/alice/.ssh/authorized_keys
    cp /home/alice/.ssh/known_hosts /root/.ssh/known_hosts
    cat /home/alice/.ssh/id_ed25519.pub >>/root/.ssh/authorized_keys
}

interactive_logins() {
    login alice alice <<'END'
uptime
ls -la
df -h
exit
END
    login alice alice <<'END'
sudo tail -n 20 /var/log/syslog
systemctl status ssh --no-pager
sudo journalctl -u cron --no-pager | tail
logout
END
    login bob bob <<'END'
echo 'alias ll="ls -l"' >> ~/.bashrc
. ~/.bashrc
ll /srv
printf 'set number\n' > ~/.vimrc
cat /etc/os-release
exit
END
    login alice alice <<'END'
sudo -i
id
crontab -l
cat /etc/ssh/sshd_config | grep -v '^#'
apt list --upgradable
exit
exit
END
    login bob bob <<'END'
tmux new-session -d -s work 'sleep 5'
tmux ls
top -bn1 | head -n 15
ps aux | grep ssh
exit
END
    login alice root <<'END'
last
w
free -m
ss -tlnp
ip addr
history
exit
END
    login alice alice <<'END'
vi -c ':normal ia line of notes' -c ':wq' notes
cat notes
exit
END
    login bob bob <<'END'
python3 -c 'print(sum(range(100)))'
python3
import os
print(os.getcwd())
exit()
exit
END
    login alice alice <<'END'
sudo visudo -c
sudo su -
whoami
exit
sudo -u www-data id
exit
END
    login bob alice <<'END'
exit
END
    local number
    for number in 1 2 3 4 5; do
        login alice alice <<END
cd /var/log
ls -lt | head
less -FX dpkg.log | tail -n $number
find /etc -name '*.conf' -newer /etc/hostname 2>/dev/null | head
exit
END
    done
}

command_logins() {
    local number
    for number in 1 2 3 4 5; do
        remote alice alice uptime
        remote alice alice "df -h / | tail -n 1; free -m"
        remote bob bob 'ps -eo pid,comm | sort -n | tail -n 3'
    done
    remote alice root systemctl is-system-running
    remote alice root 'for unit in ssh cron nginx; do systemctl is-active $unit; done'
    remote alice alice sudo dmesg '|' tail -n 3
    remote bob bob python3 -c '"print(1)"'
}

copies() {
    local number
    as alice bash -c 'seq 1 20000 > ~/numbers; tar czf ~/etc.tar.gz /etc/apt'
    for number in 1 2 3; do
        as alice scp -q "/home/alice/numbers" "alice@localhost:copy-$number"
        as alice scp -q -r alice@localhost:/etc/apt "/home/alice/apt-$number"
        as alice scp -q -O alice@localhost:etc.tar.gz "/home/alice/old-way-$number.tar.gz"
    done
    printf 'put numbers sent\nls -l\nget sent back\nrm sent\n' | as alice sftp -q alice@localhost
    as bob rsync -a -e ssh bob@localhost:/usr/share/doc/git/ /home/bob/doc/
    as bob rsync -a --delete -e ssh /home/bob/doc/ bob@localhost:doc-copy/
}

version_control() {
    as alice ssh -q alice@localhost git init -q --bare project.git
    as alice git config --global user.name Alice
    as alice git config --global user.email alice@example.org
    as alice git config --global init.defaultBranch main
    cd /home/alice || return
    as alice git clone -q alice@localhost:project.git project
    cd project || return
    local number
    for number in 1 2 3 4 5; do
        as alice bash -c "echo 'line $number' >> README && git add -A && git commit -q -m 'Line $number' && git push -q origin HEAD"
    done
    as alice git log --oneline --stat
    as alice git fetch -q
    as alice git gc -q
    as alice git clone -q alice@localhost:project.git ../second
    cd / || return
}

build_software() {
    mkdir -p /home/alice/counter/.cargo /home/alice/counter/src
    cat >/home/alice/counter/.cargo/config.toml <<'END'
[source.crates-io]
replace-with = "debian"
[source.debian]
directory = "/usr/share/cargo/registry"
END
    cat >/home/alice/counter/Cargo.toml <<'END'
[package]
name = "counter"
version = "0.1.0"
edition = "2021"

[dependencies]
itoa = "1"
libc = "0.2"
log = "0.4"
memchr = "2"
ryu = "1"
END
    cat >/home/alice/counter/build.rs <<'END'
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-env=BUILT_FOR={}", std::env::var("TARGET").unwrap());
}
END
    cat >/home/alice/counter/src/main.rs <<'END'
use std::io::{self, BufRead};

fn words(line: &[u8]) -> usize {
    let spaces = memchr::memchr_iter(b' ', line).count();
    if line.is_empty() { 0 } else { spaces + 1 }
}

fn main() {
    log::info!("built for {}", env!("BUILT_FOR"));
    let total: usize = io::stdin().lock().lines().map(|line| words(line.unwrap().as_bytes())).sum();
    println!("{} words, process {}", itoa::Buffer::new().format(total), unsafe { libc::getpid() });
    println!("{} each", ryu::Buffer::new().format(total as f64 / 3.0));
}

#[test]
fn spaces_part_words() {
    assert_eq!(words(b"one two three"), 3);
}
END
    chown -R alice:alice /home/alice/counter
    remote alice alice 'cd counter && cargo build --offline && cargo test --offline && target/debug/counter < Cargo.toml'
    login alice alice <<'END'
cd counter
echo '// the end' >> src/main.rs
cargo build --release --offline
sudo install target/release/counter /usr/local/bin/
counter < /etc/services
exit
END
    # A little C beside it.
    remote bob bob 'printf "#include <stdio.h>\nint main(void) { puts(\"hello\"); return 0; }\n" > hello.c && gcc -O2 -Wall -o hello hello.c && ./hello'
}

container() {
    local bundle=/srv/containers/web
    mkdir -p $bundle/rootfs/{bin,etc,proc,sys,dev,tmp,www}
    cp /bin/busybox $bundle/rootfs/bin/
    chroot $bundle/rootfs /bin/busybox --install -s /bin
    echo 'root:x:0:0:root:/root:/bin/sh' >$bundle/rootfs/etc/passwd
    echo '<p>hello from a container</p>' >$bundle/rootfs/www/index.html
    cd $bundle || return
    runc spec
    jq '.process.terminal = false | .root.readonly = false
        | .process.args = ["sh", "-c", "ls -l /; id; cat /etc/passwd; wget -q -O - http://127.0.0.1:80/ || true"]' config.json >new && mv new config.json
    runc run first
    jq '.process.args = ["sh", "-c", "httpd -p 8080 -h /www && for i in 1 2 3 4 5 6 7 8 9; do date >> /tmp/log; sleep 3; done"]' config.json >new && mv new config.json
    runc run --detach second >/dev/null 2>&1 </dev/null
    runc list
    runc exec second ps
    runc exec second sh -c 'wget -q -O - http://127.0.0.1:8080/; cat /tmp/log'
    runc events --stats second
    runc exec --user 33:33 second id
    runc kill second KILL
    sleep 2
    runc delete second
    cd / || return
}

web_server() {
    mkdir -p /var/www/site
    printf '<h1>It works</h1>\n' >/var/www/site/index.html
    chown -R www-data: /var/www/site
    cat >/etc/nginx/sites-available/site <<'END'
server {
    listen 8000;
    root /var/www/site;
    location /status { stub_status; }
    location /app { proxy_pass http://127.0.0.1:9000/; }
}
END
    ln -s ../sites-available/site /etc/nginx/sites-enabled/site
    nginx -t && systemctl reload nginx
    sed -i 's/# server_tokens off/server_tokens off/' /etc/nginx/nginx.conf
    openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=server -days 90 -keyout /etc/ssl/private/site.key -out /etc/ssl/certs/site.pem 2>/dev/null
    nginx -t && systemctl restart nginx
    cat >/etc/systemd/system/app.service <<'END'
[Unit]
Description=A small application

[Service]
ExecStart=/usr/bin/python3 -m http.server --bind 127.0.0.1 9000
WorkingDirectory=/var/www/site
User=www-data

[Install]
WantedBy=multi-user.target
END
    systemctl daemon-reload
    systemctl enable --now app.service
    sleep 4
    local number
    for number in 1 2 3 4 5 6; do
        curl -s http://localhost:8000/ http://localhost:8000/app/ http://localhost:8000/status
    done
    systemctl status app.service --no-pager
    curl -s http://localhost:8000/index.html -o /tmp/page.html
    wget -q -O /dev/null http://localhost:8000/
}

databases() {
    local number
    for number in 1 2 3 4 5; do redis-cli set "key$number" "$number"; done
    redis-cli save
    redis-cli info server | head -n 3
    sqlite3 /var/lib/app.db 'create table visits (at text, who text); insert into visits values (datetime(), "alice");'
    sqlite3 /var/lib/app.db '.dump' | gzip >/var/backups/app.sql.gz
    cp -a /var/lib/redis/dump.rdb /var/backups/
}

jobs_by_time() {
    printf '*/1 * * * * root /usr/local/bin/report\n' >/etc/cron.d/report
    cat >/usr/local/bin/report <<'END'
#!/bin/sh
df -h / | tail -n 1 >> /var/log/report.log
ps aux --sort=-rss | head -n 5 >> /var/log/report.log
END
    chmod 755 /usr/local/bin/report
    printf '*/1 * * * * date >> $HOME/cron.log\n' | as bob crontab -
    as bob crontab -l
    (crontab -l 2>/dev/null; echo '*/2 * * * * /usr/bin/find /tmp -name "*.old" -delete') | crontab -
    echo 'date > /tmp/at.done' | at now
    cat >/etc/logrotate.d/report <<'END'
/var/log/report.log {
    weekly
    rotate 4
    compress
    missingok
    postrotate
        systemctl kill -s HUP rsyslog.service
    endscript
}
END
    cat >/etc/systemd/system/tidy.service <<'END'
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'find /var/tmp -mtime +7 -delete'
END
    printf '[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n' >/etc/systemd/system/tidy.timer
    systemctl daemon-reload
    systemctl enable --now tidy.timer
    systemctl start tidy.service
    systemctl list-timers --no-pager
    sleep 70
    logrotate --force /etc/logrotate.conf
    run-parts --report /etc/cron.daily
    systemctl start logrotate.service systemd-tmpfiles-clean.service
    cat /var/log/report.log.1* | head -n 3
}

backups() {
    mkdir -p /var/backups/nightly
    tar czf /var/backups/nightly/etc.tar.gz /etc 2>/dev/null
    tar cf - /home /var/www | gzip -1 >/var/backups/nightly/home.tar.gz
    tar tzf /var/backups/nightly/etc.tar.gz | wc -l
    rsync -a --delete /etc/ /var/backups/nightly/etc/
    rsync -a -e ssh /var/backups/nightly/ alice@localhost:nightly/
    rsync -a -e ssh alice@localhost:project/ /var/backups/project/
    dpkg --get-selections >/var/backups/packages
    (cd /tmp && zip -q -r site.zip /var/www/site && unzip -q -o site.zip -d /tmp/site && rm -r /tmp/site /tmp/site.zip)
    sha256sum /var/backups/nightly/*.gz >/var/backups/nightly/SHA256SUMS
}

look_after() {
    hostnamectl
    timedatectl
    sysctl -w net.ipv4.tcp_syncookies=1 vm.swappiness=10
    printf 'vm.swappiness = 10\n' >/etc/sysctl.d/50-local.conf
    sysctl --system
    lsof -i -P -n
    lsof -p 1
    ss -s
    ping -c 2 localhost
    ip route
    strace -f -o /tmp/trace ls /
    timeout 5 tcpdump -i lo -c 5 -w /tmp/capture.pcap
    file /tmp/trace /tmp/capture.pcap
    ncdu -0 -o /tmp/usage /etc
    tree /etc/systemd | tail -n 1
    find / -xdev -perm -4000 -type f
    find /var -name '*.log' -size +1k
    grep -rl localhost /etc 2>/dev/null
    mount -t tmpfs scratch /media && umount /media
    truncate -s 16M /var/disk.img && mkfs.ext4 -q /var/disk.img && mount -o loop /var/disk.img /media && umount /media
    modprobe dummy
    sed -i 's/^#MaxAuthTries.*/MaxAuthTries 4/' /etc/ssh/sshd_config
    sshd -t && systemctl reload ssh
    printf '%s\n' 'export EDITOR=vi' >/etc/profile.d/editor.sh
    printf '10.0.0.5 backup\n' >>/etc/hosts
    update-alternatives --list editor
    dpkg-reconfigure -f noninteractive tzdata
    ldconfig
    update-ca-certificates
    debsums -s
    systemctl restart rsyslog cron chrony
    journalctl --rotate && journalctl --vacuum-time=1s
    logger -t admin 'all is well'
    setfacl -m u:bob:r /var/log/syslog && getfacl /var/log/syslog
    killall -q sleep
    passwd -l bob && passwd -u bob
    apt-get remove -y ncdu </dev/null
    apt-get purge -y ncdu </dev/null
    apt-get autoremove -y </dev/null
    apt-get clean
    deluser bob developers
    userdel -r bob
}

for work in install_packages add_people interactive_logins command_logins copies version_control build_software \
    container web_server databases jobs_by_time backups look_after; do
    step "$work"
    $work
done
step 'the end'
