//! What was recorded gives the same alerts again: twice, on any host, for anybody.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use rustix::process::{Signal, kill_process};
use serde_json::Value;

use super::{Problems, Sensor, actor, field, scope, scope_and_mounts};
use crate::support::{Scope, read, wait, workspace};

/// Attacks whose alerts the test looks for.
const ATTACKS: [&str; 2] = ["shell-on-network-socket", "program-without-a-file"];

fn rules() -> Vec<OsString> {
    let root = workspace();
    ["--rules".into(), root.join("rules").into(), root.join("sigma").into()].into()
}

/// A folder that any user may read, which a recording's own folder need not be.
fn open_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).expect("permissions");
    folder
}

fn attack(scope: &Scope, name: &str) {
    let script = workspace().join("testdata/attack").join(name).join("attack.sh");
    assert!(script.is_file(), "{}", script.display());
    let mut command = scope.command("bash");
    command.arg(script).env("BEEWOLF_CGROUP", scope.path()).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::null()).spawn().expect("a shell");
    assert!(wait(&mut child, actor::WITHIN).success(), "{name}");
}

fn replay(recording: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_beewolf"));
    command.arg("replay").arg(recording).args(["--output", "json"]).args(rules());
    command
}

fn good(mut command: Command) -> Output {
    let output = command.output().expect("the built program");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// What makes an alert: its id and rule.
fn alerts(text: &[u8]) -> Vec<(String, String)> {
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let lines = lines.map(|line| serde_json::from_slice::<Value>(line).expect("JSON"));
    let alerts = lines.filter(|line| field(line, "event.kind") == "alert");
    let text = |alert: &Value, name: &str| field(alert, name).as_str().unwrap_or_default().to_owned();
    alerts.map(|alert| (text(&alert, "alert.id"), text(&alert, "rule.id"))).collect()
}

/// The manifest: the last line.
fn manifest(recording: &Path) -> Value {
    let text = read(recording);
    let last = text.lines().last().expect("a line");
    serde_json::from_str::<Value>(last).expect("JSON")["beewolf"].clone()
}

#[test]
fn kernel_recordings_give_the_same_alerts() {
    let Some(scope) = scope_and_mounts("recording::kernel_recordings_give_the_same_alerts") else { return };
    let folder = open_folder();
    let recording = folder.path().join("attack.jsonl");
    let record =
        |path: &Path| -> Vec<OsString> { ["--record".into(), path.into()].into_iter().chain(rules()).collect() };

    let sensor = Sensor::trace(&scope, record(&recording));
    for name in ATTACKS {
        attack(&scope, name);
    }
    let live = sensor.stop();
    std::fs::set_permissions(&recording, PermissionsExt::from_mode(0o644)).expect("permissions");

    let mut problems = Problems::default();
    let first = good(replay(&recording));
    let second = good(replay(&recording));
    problems.same("two replays", first.stdout == second.stdout, true);
    let found = alerts(&first.stdout);
    problems.same("alerts of the live run and the replay", &alerts(&live.text), &found);
    problems.same("ids are unique", found.iter().map(|(id, _)| id).collect::<BTreeSet<_>>().len(), found.len());
    for name in ATTACKS {
        let expected = read(&workspace().join("testdata/attack").join(name).join("expected.json"));
        let expected: Value = serde_json::from_str(&expected).expect("JSON");
        problems.same(name, found.iter().any(|(_, rule)| *rule == expected["rule"]), true);
    }
    let end = manifest(&recording);
    problems.same("complete", field(&end, "complete").as_bool(), Some(true));
    problems.same("rules are named", field(&end, "rules").as_array().map(Vec::len), Some(rules_shipped()));

    // Somebody without any right, and a program that cannot sense.
    let mut nobody = Command::new("setpriv");
    nobody.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--no-new-privs"]);
    // The build may lie where nobody may look.
    let program = folder.path().join("beewolf");
    std::fs::copy(env!("CARGO_BIN_EXE_beewolf"), &program).expect("a copy");
    let ours = copy_rules(folder.path());
    nobody.arg(&program).arg("replay").arg(&recording).args(["--output", "json", "--rules"]).args(ours);
    problems.same("alerts for nobody", &alerts(&good(nobody).stdout), &found);

    // What exists is not overwritten.
    let before = read(&recording);
    let refused = Command::new(env!("CARGO_BIN_EXE_beewolf"))
        .args(["trace", "--for", "1", "--scope-cgroup"])
        .arg(scope.path())
        .args(record(&recording))
        .output()
        .expect("the built program");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    problems.same("a second recording of the same name", refused.status.success(), false);
    problems.same("it says which file", said.contains("attack.jsonl"), true);
    problems.same("the first recording is as it was", read(&recording) == before, true);

    // A recording that was cut says so and gives what it has.
    let cut = folder.path().join("cut.jsonl");
    let kept: Vec<&str> = before.lines().collect();
    let whole = kept[..kept.len() - 1].join("\n");
    std::fs::write(&cut, &whole[..whole.len() - 20]).expect("written");
    let output = good(replay(&cut));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    problems.same("a cut recording says so", said.contains("no manifest") && said.contains("cut.jsonl:"), true);
    problems.same("a cut recording still alerts", alerts(&output.stdout).is_empty(), false);
}

fn copy_rules(folder: &Path) -> [PathBuf; 2] {
    ["rules", "sigma"].map(|name| {
        let copied = Command::new("cp").arg("-r").arg(workspace().join(name)).arg(folder).status().expect("cp");
        assert!(copied.success());
        let opened = Command::new("chmod").arg("-R").arg("a+rX").arg(folder.join(name)).status().expect("chmod");
        assert!(opened.success());
        folder.join(name)
    })
}

fn rules_shipped() -> usize {
    ["rules", "sigma"].iter().map(|folder| crate::support::rules_in(&workspace().join(folder)).len()).sum()
}

/// A recording whose rings overflowed names the loss and is not complete.
#[test]
fn kernel_recordings_name_what_they_lack() {
    let Some(scope) = scope("recording::kernel_recordings_name_what_they_lack") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let (config, recording) = (folder.path().join("config.yml"), folder.path().join("lossy.jsonl"));
    std::fs::write(&config, "limits: { ring_bytes: 64KiB }\n").expect("a configuration");
    let options: [OsString; 4] =
        ["--config".into(), config.clone().into(), "--record".into(), recording.clone().into()];
    let sensor = Sensor::trace(&scope, options);
    kill_process(sensor.engine(), Signal::STOP).expect("the engine runs");
    actor::act(&scope, &["flood", "/dev/null", "2000"]);
    kill_process(sensor.engine(), Signal::CONT).expect("the engine is there");
    sensor.stop();

    let mut problems = Problems::default();
    let end = manifest(&recording);
    problems.same("complete", field(&end, "complete").as_bool(), Some(false));
    // Where the kernel's own open of an executable is seen, the actor's is there as well.
    let recorded = read(&recording);
    let written = recorded.lines().filter(|line| line.contains(r#""requested_path":"/dev/null""#)).count();
    let written = u64::try_from(written).expect("a few");
    let losses = field(&end, "losses").as_array().cloned().unwrap_or_default();
    let lost: u64 = losses
        .iter()
        .filter(|loss| field(loss, "loss.kind") == "file_open")
        .filter_map(|loss| field(loss, "loss.count").as_u64())
        .sum();
    problems.same("written and lost", written + lost, 2000);
    problems.same(
        "first and last time",
        losses.iter().all(|loss| field(loss, "loss.first").is_string() && field(loss, "loss.last").is_string()),
        true,
    );
    let output = good(replay(&recording));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    problems.same("the replay says so", said.contains("not complete"), true);
}
