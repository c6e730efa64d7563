//! Rules that change under a running sensor: brought into force, refused, taken back, fallen back on.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc::{Receiver, sync_channel},
    time::Duration,
};

use rustix::process::{Pid, Signal};
use serde_json::Value;

use crate::{
    command_line::beewolf,
    status::Guarded,
    support::{Scope, read, skip, wait},
};

/// A rule on the start of a program with an argument.
fn rule(id: &str, argument: &str) -> String {
    format!("id: {id}\ntitle: {id}\nseverity: high\nwhen: event.action = exec and process.args = {argument}\n")
}

/// A rule that needs events which the others do not.
const OPENS: &str = "id: opens\ntitle: opens\nseverity: high\nwhen: event.action = file_open and file.path endswith /beewolf-reloaded\n";

/// A sensor with its words as they come.
pub(crate) struct Sensor {
    process: Guarded,
    alerts: Receiver<String>,
    said: Receiver<String>,
}

/// Lines of one of its pipes.
fn lines(pipe: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = sync_channel(1_000);
    std::thread::spawn(move || {
        let all = BufReader::new(pipe).lines().map_while(Result::ok);
        all.take_while(|line| sender.send(line.clone()).is_ok()).for_each(drop);
    });
    lines
}

impl Sensor {
    /// Returns once it watches.
    pub(crate) fn start(config: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_beewolf"))
            .args(["run", "--no-replay", "--config"])
            .arg(config)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the built program");
        let (out, err) = (process.stdout.take().expect("a pipe"), process.stderr.take().expect("a pipe"));
        let sensor = Self { process: Guarded(process), alerts: lines(out), said: lines(err) };
        sensor.hear("watching ");
        sensor
    }

    /// Waits for a line on standard error that has a text.
    pub(crate) fn hear(&self, text: &str) -> String {
        let mut before = Vec::new();
        loop {
            match self.said.recv_timeout(Duration::from_secs(60)) {
                Ok(line) if line.contains(text) => return line,
                Ok(line) => before.push(line),
                Err(error) => panic!("`{text}` was never said ({error}): {before:?}"),
            }
        }
    }

    /// Waits for a line on standard output: an alert, or an alarm of the sensor itself.
    pub(crate) fn alert(&self) -> Value {
        let line = self.alerts.recv_timeout(Duration::from_secs(60)).expect("an alert");
        serde_json::from_str(&line).expect("JSON")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.process.0.id()).ok().and_then(Pid::from_raw).expect("a process id");
        rustix::process::kill_process(pid, signal).expect("the sensor still runs");
    }

    /// The nice value of each of the engine's threads, by their names.
    fn threads(&self) -> BTreeMap<String, i32> {
        let own = self.process.0.id().to_string();
        // What follows the name of the process or thread, which is in parentheses.
        let fields = |path: &Path| -> Option<(String, Vec<String>)> {
            let text = read(&path.join("stat"));
            let (name, rest) = text.split_once('(')?.1.rsplit_once(')')?;
            Some((name.to_owned(), rest.split_whitespace().map(str::to_owned).collect()))
        };
        let folders = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
        let parent = |path: &PathBuf| fields(path).and_then(|(_, fields)| fields.get(1).cloned());
        let engine = folders(Path::new("/proc")).find(|path| parent(path).as_ref() == Some(&own)).expect("the engine");
        // The 19th field, of which two lie before: number and name.
        let threads = folders(&engine.join("task")).filter_map(|path| fields(&path));
        threads.filter_map(|(name, fields)| Some((name, fields.get(16)?.parse().ok()?))).collect()
    }

    pub(crate) fn end(mut self) {
        self.signal(Signal::TERM);
        assert!(wait(&mut self.process.0, Duration::from_secs(60)).success());
    }
}

/// Runs a command line in the scope.
pub(crate) fn act(scope: &Scope, script: &str) {
    let mut shell = scope.command("/bin/sh").args(["-c", script]).spawn().expect("a shell");
    assert!(wait(&mut shell, Duration::from_secs(60)).success(), "{script}");
}

/// Puts a file in place as a whole.
pub(crate) fn place(path: &Path, text: &str) {
    let beside = path.with_extension("new");
    fs::write(&beside, text).expect("written");
    fs::rename(beside, path).expect("renamed");
}

#[test]
fn kernel_rules_change_under_a_running_sensor() {
    let name = "kernel_rules_change_under_a_running_sensor";
    if !cfg!(feature = "bpf") {
        return skip(name, "built without the feature `bpf`");
    }
    if !Path::new("/sys/kernel/btf/vmlinux").exists() {
        return skip(name, "the kernel has no BTF");
    }
    let Some(scope) = Scope::new(name) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    fs::create_dir(path("rules")).expect("a folder");
    place(&path("rules/first.yml"), &rule("first", "beewolf-first"));
    let config = path("beewolf.yml");
    let settings = format!(
        "rules: {}\nsigma: []\nreload: {{ interval: 200ms, generations: {} }}\nscope: {{ cgroup: {} }}\nstatus: {{ enabled: false }}\ndeduplication: {{ window: 0s }}\nsinks: [{{ type: stdout }}]\n",
        path("rules").display(),
        path("generations").display(),
        scope.path().display()
    );
    fs::write(&config, settings).expect("settings");
    let commands = |words: &[&str]| {
        let output = beewolf(&[&["rules"], words, &["--config", config.to_str().expect("text")]].concat());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    };
    let sensor = Sensor::start(&config);

    act(&scope, "/bin/true beewolf-first");
    let first = sensor.alert();
    // Whoever reads rules stands behind whoever judges events, and the sandbox lets it.
    let threads = sensor.threads();
    let behind = threads.get("events").map(|nice| (nice + 10).min(19));
    assert!(behind.is_some(), "{threads:?}");
    assert_eq!((threads.get("rules"), threads.get("tuning")), (behind.as_ref(), behind.as_ref()), "{threads:?}");
    let generation = first["rule"]["generation"].as_str().expect("a generation").to_owned();

    // More rules, and one of them needs events that nobody has asked for so far.
    place(&path("rules/second.yml"), &rule("second", "beewolf-second"));
    place(&path("rules/opens.yml"), OPENS);
    while !sensor.hear("is in force").ends_with(": 3 rules") {}
    act(&scope, "/bin/true beewolf-second");
    let second = sensor.alert();
    assert_eq!(second["rule"]["id"], "second");
    assert_ne!(second["rule"]["generation"], generation.as_str());
    act(&scope, &format!("touch {}/beewolf-reloaded", folder.path().display()));
    assert_eq!(sensor.alert()["rule"]["id"], "opens");

    // What is broken changes nothing, and those who get alerts hear of it.
    place(&path("rules/third.yml"), "id: third\nwhen: no.such.field = 1\n");
    sensor.hear("third.yml:");
    let alarm = sensor.alert();
    assert_eq!((&alarm["event"]["kind"], &alarm["event"]["action"]), (&"alert".into(), &"status".into()), "{alarm}");
    act(&scope, "/bin/true beewolf-second");
    assert_eq!(sensor.alert()["rule"]["generation"], second["rule"]["generation"]);
    sensor.signal(Signal::HUP);
    sensor.hear("third.yml:");
    let alarm = sensor.alert();
    assert!(alarm["message"].as_str().is_some_and(|text| text.contains("stay in force")), "{alarm}");

    // Back to the generation before, whatever the files say; the word of it is the file that pins it.
    let (status, out, err) = commands(&["rollback"]);
    assert!(status, "{err}");
    assert!(err.contains(&generation), "{err} {out}");
    while !sensor.hear("is in force").contains(&generation) {}
    act(&scope, "/bin/true beewolf-second; /bin/true beewolf-first again");
    let alert = sensor.alert();
    assert_eq!((&alert["rule"]["id"], &alert["rule"]["generation"]), (&"first".into(), &generation.as_str().into()));
    let (_, out, _) = commands(&["generations"]);
    assert_eq!(out.lines().count(), 2, "{out}");
    assert!(out.lines().any(|line| line.starts_with(&generation) && line.ends_with("pinned")), "{out}");
    sensor.end();

    // The files are still broken: a sensor starts with the rules that were last in force, and says so.
    assert!(commands(&["rollback", "--release"]).0);
    let sensor = Sensor::start(&config);
    let alarm = sensor.alert();
    assert_eq!(alarm["event"]["severity"], 99, "{alarm}");
    act(&scope, "/bin/true beewolf-second at last");
    assert_eq!(sensor.alert()["rule"]["generation"], second["rule"]["generation"]);
    sensor.end();
}
