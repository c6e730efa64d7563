//! The shipped rules against real actions: the sensor watches a cgroup in which every script of `testdata/attack/`
//! runs, and the alerts it prints are held against each folder's `expected.json`.
//!
//! `testdata/attack/README.md` says what the folders hold.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use beewolf::event::Kind;
use rustix::process::{Pid, Signal};
use serde_json::{Map, Value};

use crate::support::{Scope, folders, own_mounts, read, rules_in, skip, workspace};

/// Loading takes seconds in an emulated guest.
const ATTACHED_WITHIN: Duration = Duration::from_secs(120);
/// On a host every script is over in half a second.
const SCRIPT_WITHIN: Duration = Duration::from_secs(120);
/// From the signal to the end, with all queues drained.
const STOPPED_WITHIN: Duration = Duration::from_secs(60);

/// An emulated guest takes twenty times as long as a host: there the attacks themselves are what
/// `make test` has time for, and `make test-all` does the rest.
fn hurried() -> bool {
    std::env::var_os("BEEWOLF_GUEST").is_some() && std::env::var_os("BEEWOLF_LONG").is_none()
}

#[test]
fn kernel_attacks_alert() {
    check("kernel_attacks_alert", if hurried() { &["attack"] } else { &["attack", "variant"] });
}

#[test]
fn kernel_benign_work_stays_quiet() {
    let name = "kernel_benign_work_stays_quiet";
    if hurried() {
        crate::support::skip(name, "in a guest this is part of make test-all");
        return;
    }
    check(name, &["benign"]);
}

#[test]
fn every_rule_has_an_attack_benign_work_and_expectations() {
    let root = workspace();
    let mut kinds = BTreeSet::new();
    for (name, text) in rules_in(&root.join("rules")).into_iter().chain(rules_in(&root.join("sigma"))) {
        let case = Case::load(&root.join("testdata/attack").join(&name));
        let id = text.lines().find_map(|line| line.strip_prefix("id: ")).expect("a rule has an id");
        assert_eq!(case.expected["rule"], id, "{name}");
        for script in ["attack", "benign"] {
            assert!(case.script(script).is_file(), "{name} has no {script}.sh");
        }
        assert_eq!(case.script("variant").is_file(), case.expected.get("variant").is_some(), "{name}");
        for part in ["attack", "variant"].into_iter().filter(|part| case.expected.get(part).is_some()) {
            let part = &case.expected[part];
            assert!(bounds(part).0 >= 1, "{name} expects no alert");
            for pattern in part["alerts"].as_array().expect("alerts") {
                kinds.insert(pattern["event.action"].as_str().expect("event.action").to_owned());
            }
        }
    }
    let missing: Vec<_> = Kind::ALL_NAMES.iter().filter(|kind| !kinds.contains(**kind)).collect();
    assert!(missing.is_empty(), "no attack needs {missing:?}");
    for folder in folders(&root.join("testdata/attack")) {
        let name = folder.file_name().and_then(|name| name.to_str()).expect("a name");
        let known = rules_in(&root.join("rules")).into_iter().chain(rules_in(&root.join("sigma")));
        assert!(known.into_iter().any(|(rule, _)| rule == name), "testdata/attack/{name} belongs to no rule");
    }
}

#[test]
fn alerts_are_held_against_expectations() {
    let alert = serde_json::json!({ "alert": { "id": "a", "count": 1 }, "rule": { "id": "r" }, "process": { "args": ["sh", "-i"], "pid": 7 }, "user": { "id": "0" } });
    let judged = |fields: Value, number: Value| {
        let mut expected = number;
        expected["alerts"] = Value::Array(vec![fields]);
        judge(&"r".into(), &expected, &[&alert]).len()
    };
    let one = || serde_json::json!({ "exactly": 1 });
    let matches = |pattern: &str| serde_json::json!({ "matches": pattern });
    assert_eq!(judged(serde_json::json!({ "user.id": "0", "container.id": null }), one()), 0);
    assert_eq!(
        judged(serde_json::json!({ "process.args": ["sh", matches("^-i$")], "process.pid": matches("^7$") }), one()),
        0
    );
    assert_eq!(judged(serde_json::json!({ "process.args": ["sh"] }), one()), 1);
    assert_eq!(judged(serde_json::json!({ "process.args": matches("sh") }), one()), 1);
    assert_eq!(judged(serde_json::json!({ "user.id": null }), one()), 1);
    assert_eq!(judged(serde_json::json!({ "user.name": matches(".") }), one()), 1);
    assert_eq!(judged(serde_json::json!({ "user.id": "0" }), serde_json::json!({ "at_least": 2 })), 1);
    let repeated = serde_json::json!({ "alert": { "id": "a", "count": 3 }, "rule": { "id": "r" } });
    let other = serde_json::json!({ "alert": { "id": "b", "count": 1 }, "rule": { "id": "r" } });
    let four = serde_json::json!({ "exactly": 4, "alerts": [] });
    assert_eq!(judge(&"r".into(), &four, &[&alert, &repeated, &other]).len(), 0);
    assert_eq!(judge(&"r".into(), &four, &[&alert, &repeated]).len(), 1);
    assert_eq!(judge(&"other".into(), &serde_json::json!({ "exactly": 1, "alerts": [{}] }), &[&alert]).len(), 2);
}

/// Runs the scripts of some parts of every case under one sensor and judges its alerts.
fn check(test: &str, parts: &[&str]) {
    if !cfg!(feature = "bpf") {
        return skip(test, "built without the feature `bpf`");
    }
    if !Path::new("/sys/kernel/btf/vmlinux").exists() {
        return skip(test, "the kernel has no BTF");
    }
    if !own_mounts(test) {
        return;
    }
    let Some(scope) = Scope::new(test) else { return };
    let cases: Vec<Case> = folders(&workspace().join("testdata/attack"))
        .iter()
        .map(|path| Case::load(path))
        .filter(|case| beewolf::scan::BUILT_IN || case.expected.get("needs").is_none_or(|needs| needs != "yara"))
        .collect();

    let sensor = Sensor::start(scope.path());
    let (mut ran, mut unavailable) = (Vec::new(), Vec::new());
    for case in &cases {
        for part in parts.iter().filter(|part| case.script(part).is_file()) {
            match case.run(&scope, part) {
                Ok(()) => ran.push((case, part)),
                Err(reason) => unavailable.push(format!("{}/{part}.sh: {reason}", case.name)),
            }
        }
    }
    if !unavailable.is_empty() {
        skip(&format!("{test}, in part"), &unavailable.join("; "));
    }
    // Silence proves something only if the sensor still sees.
    let canary = cases.iter().find(|case| case.name == "shell-on-network-socket").expect("the canary's folder");
    canary.run_in(&scope, "attack", "canary").expect("the canary needs nothing");
    let alerts = sensor.stop();

    let mut problems = Vec::new();
    let of = |cgroup: &str| -> Vec<&Value> { alerts.iter().filter(|alert| ran_in(alert, cgroup)).collect() };
    if of("canary").is_empty() {
        problems.push("the sensor missed the last attack, the canary".to_owned());
    }
    for (case, part) in ran {
        let label = format!("{}/{part}.sh", case.name);
        let alerts = of(&case.cgroup(part));
        let found = match case.expected.get(part) {
            Some(expected) => judge(&case.expected["rule"], expected, &alerts),
            None => alerts.iter().map(|alert| format!("should be quiet, but: {alert}")).collect(),
        };
        problems.extend(found.into_iter().map(|problem| format!("{label}: {problem}")));
    }
    let strays: Vec<_> = alerts.iter().filter(|alert| !in_scope(alert, scope.path())).collect();
    if !strays.is_empty() {
        problems.push(format!("alerts from outside the scope: {strays:?}"));
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

/// What is wrong with the alerts of one script.
fn judge(rule: &Value, expected: &Value, alerts: &[&Value]) -> Vec<String> {
    let own: Vec<_> = alerts.iter().copied().filter(|alert| field(alert, "rule.id") == Some(rule)).collect();
    let mut problems = Vec::new();
    let (least, most) = bounds(expected);
    let found = findings(&own);
    if found < least || found > most {
        problems.push(format!("{found} findings of {rule}, expected {least} to {most}"));
    }
    for pattern in expected["alerts"].as_array().expect("alerts") {
        let pattern = pattern.as_object().expect("an object of fields");
        let differences = own.iter().map(|alert| differences(pattern, alert));
        match differences.min_by_key(Vec::len) {
            None => problems.push(format!("no alert at all; other rules gave {:?}", names(alerts))),
            Some(least) if least.is_empty() => {}
            Some(least) => problems.push(format!("no alert fits; the nearest differs in {}", least.join("; "))),
        }
    }
    problems
}

/// How often something was found: an update tells of repeats of the alert whose id it has.
fn findings(alerts: &[&Value]) -> usize {
    let mut counts = BTreeMap::new();
    for alert in alerts {
        let id = field(alert, "alert.id").and_then(Value::as_str).unwrap_or_default();
        let count = field(alert, "alert.count").and_then(Value::as_u64).expect("a count");
        let most: &mut u64 = counts.entry(id).or_default();
        *most = count.max(*most);
    }
    usize::try_from(counts.values().sum::<u64>()).expect("not that many")
}

/// The numbers of findings between which a script's must be.
fn bounds(expected: &Value) -> (usize, usize) {
    let number = |name| expected.get(name).map(|value| usize::try_from(value.as_u64().expect(name)).expect(name));
    match (number("exactly"), number("at_least")) {
        (Some(exactly), None) => (exactly, exactly),
        (None, Some(least)) => (least, usize::MAX),
        (Some(_), Some(_)) | (None, None) => panic!("either `exactly` or `at_least` is needed: {expected}"),
    }
}

/// The fields of an alert that are not as a pattern wants them.
fn differences(pattern: &Map<String, Value>, alert: &Value) -> Vec<String> {
    let differs = |(name, wanted): (&String, &Value)| {
        let found = field(alert, name);
        (!fits(wanted, found)).then(|| format!("{name}: wanted {wanted}, found {}", found.unwrap_or(&Value::Null)))
    };
    pattern.iter().filter_map(differs).collect()
}

/// Whether a value is the one wanted: the same, or of a text or number that `matches` a regular expression, or, for
/// `null`, not there; lists element by element.
fn fits(wanted: &Value, found: Option<&Value>) -> bool {
    match (wanted, found) {
        (Value::Null, found) => found.is_none(),
        (_, None) => false,
        (Value::Object(wanted), Some(found)) => {
            let pattern = wanted.get("matches").and_then(Value::as_str).expect("an object in a pattern has `matches`");
            let pattern = regex::Regex::new(pattern).expect("a regular expression");
            match found {
                Value::String(text) => pattern.is_match(text),
                Value::Number(number) => pattern.is_match(&number.to_string()),
                Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
            }
        }
        (Value::Array(wanted), Some(Value::Array(found))) => {
            wanted.len() == found.len() && wanted.iter().zip(found).all(|(wanted, found)| fits(wanted, Some(found)))
        }
        (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_), Some(found)) => wanted == found,
    }
}

/// A field of an alert by its dotted name.
fn field<'a>(alert: &'a Value, name: &str) -> Option<&'a Value> {
    name.split('.').try_fold(alert, |value, part| value.get(part))
}

fn names<'a>(alerts: &[&'a Value]) -> BTreeSet<&'a str> {
    alerts.iter().filter_map(|alert| field(alert, "rule.name").and_then(Value::as_str)).collect()
}

/// Whether the process behind an alert ran in the cgroup of that name or below it.
fn ran_in(alert: &Value, cgroup: &str) -> bool {
    let path = field(alert, "process.cgroup.path").and_then(Value::as_str);
    path.is_some_and(|path| path.split('/').any(|part| part == cgroup))
}

fn in_scope(alert: &Value, scope: &Path) -> bool {
    let name = scope.file_name().and_then(|name| name.to_str()).expect("the scope has a name");
    ran_in(alert, name)
}

/// One folder of `testdata/attack`.
#[derive(Debug)]
struct Case {
    name: String,
    folder: PathBuf,
    expected: Value,
}

impl Case {
    fn load(folder: &Path) -> Self {
        let path = folder.join("expected.json");
        let expected = serde_json::from_str(&read(&path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = folder.file_name().and_then(|name| name.to_str()).expect("a folder's name").to_owned();
        Self { name, folder: folder.to_owned(), expected }
    }

    fn script(&self, part: &str) -> PathBuf {
        self.folder.join(format!("{part}.sh"))
    }

    /// The name of the cgroup a script runs in: alerts are told apart by it.
    fn cgroup(&self, part: &str) -> String {
        format!("{}.{part}", self.name)
    }

    fn run(&self, scope: &Scope, part: &str) -> Result<(), String> {
        self.run_in(scope, part, &self.cgroup(part))
    }

    /// Runs a script to its end in a cgroup of its own, which stays so that the sensor can still ask for its name.
    /// An error is why this machine cannot do what the script does.
    fn run_in(&self, scope: &Scope, part: &str, cgroup: &str) -> Result<(), String> {
        let cgroup = scope.child(cgroup);
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(r#"echo $$ >"$0/cgroup.procs" && exec bash "$1""#).arg(&cgroup).arg(self.script(part));
        // Not the test runner's environment: its LD_LIBRARY_PATH would be in every event.
        command
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", "/root");
        command.env("BEEWOLF_CGROUP", &cgroup).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = finish(command.spawn().expect("a shell"));
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.code() == Some(77) {
            return Err(said.trim().to_owned());
        }
        assert!(output.status.success(), "{} ended with {}: {said}", self.script(part).display(), output.status);
        Ok(())
    }
}

/// Waits for a script and what it says; one that hangs is killed and fails the test.
fn finish(mut child: Child) -> Output {
    let stdout = child.stdout.take().map(collect);
    let stderr = child.stderr.take().map(collect);
    let status = ended_within(&mut child, SCRIPT_WITHIN);
    let joined = |reader: Option<JoinHandle<Vec<u8>>>| reader.map(|reader| reader.join().expect("a reader"));
    let (stdout, stderr) = (joined(stdout).unwrap_or_default(), joined(stderr).unwrap_or_default());
    Output { status: status.expect("the script ends in time"), stdout, stderr }
}

/// Reads a pipe to its end in a thread.
fn collect(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("a pipe that can be read");
        bytes
    })
}

/// The status of a child that ends in time; otherwise it is killed.
fn ended_within(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let until = Instant::now() + limit;
    while Instant::now() < until {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("our own child can be killed");
    child.wait().expect("a killed child can be waited for");
    None
}

/// A child that does not outlive a test that fails.
struct Guarded(Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        // Nothing is sent to a child that has been waited for already.
        if let Err(error) = self.0.kill().and_then(|()| self.0.wait()) {
            eprintln!("cannot end the sensor: {error}");
        }
    }
}

/// A running `beewolf run` on a cgroup with the shipped rules.
struct Sensor {
    child: Guarded,
    alerts: JoinHandle<Vec<Value>>,
    said: JoinHandle<String>,
}

impl Sensor {
    /// Starts it and returns once it watches.
    fn start(scope: &Path) -> Self {
        let root = workspace();
        let mut command = Command::new(env!("CARGO_BIN_EXE_beewolf"));
        command.arg("run").arg("--scope-cgroup").arg(scope);
        command.arg("--rules").arg(root.join("rules")).arg("--rules").arg(root.join("sigma"));
        if beewolf::scan::BUILT_IN {
            command.arg("--yara").arg(root.join("yara"));
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Guarded(command.spawn().expect("the built program"));
        let alerts = alerts_of(child.0.stdout.take().expect("a pipe"));
        let (watching, attached) = sync_channel(1);
        let said = messages_of(child.0.stderr.take().expect("a pipe"), watching);
        match attached.recv_timeout(ATTACHED_WITHIN) {
            Ok(()) => Self { child, alerts, said },
            Err(error) => {
                let reason = match error {
                    RecvTimeoutError::Timeout => "did not attach in time",
                    RecvTimeoutError::Disconnected => "ended before it attached",
                };
                drop(child);
                panic!("the sensor {reason}: {}", said.join().expect("a reader"));
            }
        }
    }

    /// Stops it as Ctrl-C does, which drains every queue, and returns all alerts it printed.
    fn stop(mut self) -> Vec<Value> {
        let pid = i32::try_from(self.child.0.id()).ok().and_then(Pid::from_raw).expect("a process id");
        rustix::process::kill_process(pid, Signal::INT).expect("the sensor still runs");
        let status = ended_within(&mut self.child.0, STOPPED_WITHIN);
        let said = self.said.join().expect("a reader");
        let status = status.unwrap_or_else(|| panic!("the sensor does not stop: {said}"));
        assert!(status.success(), "the sensor ended with {status}: {said}");
        self.alerts.join().expect("a reader")
    }
}

fn alerts_of(stdout: ChildStdout) -> JoinHandle<Vec<Value>> {
    std::thread::spawn(move || {
        let lines = BufReader::new(stdout).lines().map(|line| line.expect("text"));
        let parse = |line: String| serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let alerts = lines.map(parse).filter(|line: &Value| field(line, "event.kind") == Some(&"alert".into()));
        let alerts: Vec<Value> = alerts.collect();
        crate::schemas::validate_all("alert", &alerts);
        alerts
    })
}

/// Reads what the sensor says, and tells when it says that it watches; a sender that is dropped says that it ended.
fn messages_of(stderr: ChildStderr, watching: SyncSender<()>) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut watching = Some(watching);
        let mut said = String::new();
        for line in BufReader::new(stderr).lines() {
            let line = line.expect("text");
            if line.starts_with("watching")
                && let Some(watching) = watching.take()
            {
                // The test may have given up already.
                watching.send(()).unwrap_or_default();
            }
            said.push_str(&line);
            said.push('\n');
        }
        said
    })
}
