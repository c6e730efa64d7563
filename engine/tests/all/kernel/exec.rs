//! `exec` with all its fields.

use std::{fs::File, os::unix::fs::symlink, process::Stdio};

use serde_json::{Value, json};

use super::{Problems, Sensor, actor, field, fields, scope};
use crate::support::wait;

/// Levels of directories below which a program is started.
const LEVELS: usize = 70;

#[test]
fn kernel_exec_has_all_its_fields() {
    let Some(scope) = scope("exec::kernel_exec_has_all_its_fields") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().canonicalize().expect("its path");
    let place = place.to_str().expect("text").to_owned();
    let copy = format!("{place}/copy");
    let (link, script, doomed) = (format!("{place}/link"), format!("{place}/script"), format!("{place}/doomed"));
    std::fs::copy(actor::path(), &copy).expect("a copy");
    std::fs::copy(actor::path(), &doomed).expect("a copy");
    symlink("copy", &link).expect("a link");
    std::fs::write(&script, format!("#!{link} noop\n")).expect("a script");
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("permissions");
    let mut long: Vec<String> = vec!["noop".to_owned()];
    long.extend((0..400).map(|number| format!("{number:0100}")));
    long.push(String::new());

    let sensor = Sensor::trace(&scope, ["event.action in (exec, exit)"]);
    let plain = actor::run(scope.command(&copy).args(["noop", "", "two words", ""]).current_dir("/"));
    let many = actor::run(scope.command(&copy).args(&long));
    let by_link = actor::run(scope.command(&link).arg("noop").current_dir("/usr"));
    let relative = actor::run(scope.command("./copy").arg("noop").current_dir(&place));
    let scripted = actor::run(scope.command(&script).arg("more"));
    let memfd = actor::act(&scope, &["memfd", "hidden"]);
    let deleted = actor::act(&scope, &["deleted", &doomed]);
    let environment = actor::act(&scope, &["environment"]);
    let deep = actor::act(&scope, &["deep", &place, &LEVELS.to_string()]);
    let terminal = actor::act(&scope, &["on-terminal"]);
    let socket = actor::act(&scope, &["on-socket"]);
    let mut command = scope.command(&copy);
    command.args(["noop", "streams"]).stdin(File::open(&script).expect("the script")).stdout(Stdio::piped());
    let mut streams = command.stderr(Stdio::null()).spawn().expect("a process");
    assert!(wait(&mut streams, actor::WITHIN).success());
    let report = sensor.stop();
    assert!(!String::from_utf8_lossy(&report.text).contains("hunter2"), "no other variable is reported");
    let events = report.events();

    let mut problems = Problems::default();
    let last = |what: &str, pid: u32, problems: &mut Problems| -> Value {
        let found = events.by("exec", pid).last().cloned();
        found.unwrap_or_else(|| {
            problems.note(format!("{what}: no exec event"));
            Value::Null
        })
    };
    let event = last("plain", plain.pid, &mut problems);
    problems.fields(
        &event,
        fields! {
            "process.args": [copy, "noop", "", "two words", ""],
            "process.args_count": 5,
            "process.args_bytes": copy.len() + 1 + 5 + 1 + 10 + 1,
            "process.command_line": format!("{copy} noop  two words "),
            "process.executable": copy,
            "process.requested_executable": copy,
            "process.name": "copy",
            "process.interpreter": null,
            "process.executable_memfd": false,
            "process.executable_deleted": false,
            "process.working_directory": "/",
            "process.env_vars": null,
            "process.stdin.kind": "null",
            "process.stdout.kind": "pipe",
            "process.stderr.kind": "pipe",
            "process.stdin.family": null,
            "process.parent.pid": null,
            "process.cgroup.path": format!("/{}", scope.path().file_name().and_then(|name| name.to_str()).expect("text")),
            "event.outcome": "success",
            "event.cut": null,
            "event.racy": null,
            "user.id": "0",
            "user.name": "root",
            "process.real_user.id": "0",
            "process.thread.id": plain.pid,
        },
    );
    let capabilities = field(&event, "process.thread.capabilities.effective").as_array().map_or(0, Vec::len);
    if capabilities < 10 {
        problems.note(format!("{capabilities} effective capabilities of root"));
    }
    for (name, namespace) in [("mnt", "mnt"), ("net", "net"), ("pid", "pid"), ("user", "user")] {
        let link = std::fs::read_link(format!("/proc/self/ns/{namespace}")).expect("a namespace");
        let text = link.to_str().expect("text");
        let number: i64 = text.trim_end_matches(']').rsplit('[').next().expect("text").parse().expect("a number");
        problems.same(name, field(&event, &format!("process.namespace.{name}")), &json!(number));
    }

    let event = last("many", many.pid, &mut problems);
    let whole: usize = copy.len() + 1 + long.iter().map(|one| one.len() + 1).sum::<usize>();
    problems.fields(
        &event,
        fields! {
            "process.args_count": long.len() + 1,
            "process.args_bytes": whole,
            "event.cut": ["process.args", "process.command_line"],
        },
    );
    let args: Vec<&str> =
        field(&event, "process.args").as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let kept: usize = args.iter().map(|one| one.len() + 1).sum();
    // Head and tail each end inside an argument: the head's last has lost its terminator.
    problems.same("bytes kept of long arguments", kept, (32 << 10) + 1);
    problems.same("first arguments", args.get(..3), Some(&[copy.as_str(), "noop", &long[1]][..]));
    let tail: Vec<&str> = long.iter().rev().take(50).map(String::as_str).collect();
    problems.same("last arguments", args.iter().rev().take(50).copied().collect::<Vec<_>>(), tail);

    let event = last("by link", by_link.pid, &mut problems);
    problems.fields(
        &event,
        fields! {
            "process.executable": copy,
            "process.requested_executable": link,
            "process.args": [link, "noop"],
            "process.working_directory": "/usr",
        },
    );
    let event = last("relative", relative.pid, &mut problems);
    problems.fields(
        &event,
        fields! {
            "process.executable": copy,
            "process.requested_executable": "./copy",
            "process.working_directory": place,
        },
    );
    let event = last("script", scripted.pid, &mut problems);
    problems.fields(
        &event,
        fields! {
            "process.executable": copy,
            "process.requested_executable": script,
            "process.interpreter": link,
            "process.args": [link, "noop", script, "more"],
            "process.args_count": 4,
        },
    );
    let event = last("memfd", memfd.pid, &mut problems);
    problems.fields(
        &event,
        fields! {
            "process.executable": "/memfd:hidden",
            "process.executable_memfd": true,
            "process.executable_deleted": false,
            "process.args": ["memfd", "noop"],
            "process.previous.executable": actor::path().canonicalize().expect("a path").to_str(),
        },
    );
    let requested = field(&event, "process.requested_executable").as_str().unwrap_or_default();
    problems.same("requested path of a memfd", requested.starts_with("/dev/fd/"), true);
    let event = last("deleted", deleted.pid, &mut problems);
    problems.fields(
        &event,
        fields! {
            "process.executable": doomed,
            "process.executable_memfd": false,
            "process.executable_deleted": true,
            "process.args": ["deleted", "noop"],
        },
    );
    let event = last("environment", environment.pid, &mut problems);
    problems.fields(
        &event,
        fields! {
            "process.env_vars": ["LD_PRELOAD=/nonexistent/first.so", "LD_LIBRARY_PATH=/nonexistent/late"],
            "event.cut": null,
        },
    );
    let event = last("deep", deep.pid, &mut problems);
    let levels: String = (0..LEVELS).map(|level| format!("/level-{level}")).collect();
    problems.fields(
        &event,
        fields! { "process.working_directory": format!("{place}{levels}"), "process.args.1": null, "event.cut": null },
    );
    let event = last("terminal", terminal.pid, &mut problems);
    problems.fields(
        &event,
        fields! {
            "process.stdin.kind": "terminal",
            "process.stdout.kind": "pipe",
            "process.stderr.kind": "closed",
        },
    );
    let event = last("socket", socket.pid, &mut problems);
    problems.fields(
        &event,
        fields! {
            "process.stdin.kind": "socket",
            "process.stdin.family": "inet",
            "process.stdin.peer.ip": "127.0.0.1",
            "process.stdin.peer.port": socket.fact("port"),
            "process.stdout.kind": "socket",
            "process.stdout.family": "inet6",
            "process.stdout.peer.ip": "::1",
            "process.stdout.peer.port": socket.fact("port6"),
            "process.stderr.kind": "socket",
            "process.stderr.family": "unix",
            "process.stderr.peer.port": null,
        },
    );
    let event = last("streams", streams.id(), &mut problems);
    problems.fields(
        &event,
        fields! {
            "process.stdin.kind": "file",
            "process.stdout.kind": "pipe",
            "process.stderr.kind": "null",
        },
    );
    // The shell that entered the scope and became the program was there before its exec.
    problems.fields(&event, fields! { "process.previous.executable": "/usr/bin/dash" });
    problems.same("as many exits as processes", events.of("exit").count(), 12);
}
