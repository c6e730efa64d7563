//! Whom the sensor may see, and whom not.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use super::{Problems, Sensor, actor, field, fields, scaled, scope};
use crate::support::wait;

#[test]
fn kernel_a_noisy_neighbour_leaves_no_trace() {
    let Some(scope) = scope("scope::kernel_a_noisy_neighbour_leaves_no_trace") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let neighbour = folder.path().join("noisy-neighbour");
    let marker = folder.path().join("neighbours-file");
    std::fs::copy(actor::path(), &neighbour).expect("a copy");
    std::fs::write(&marker, "").expect("a file");
    let inside = scope.child("inside");

    let sensor = Sensor::trace::<&str>(&scope, []);
    let mut outside = Command::new(&neighbour);
    outside.arg("noise").arg(&marker).arg(scaled(20_000).to_string());
    let mut outside = outside.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("a neighbour");
    let within = actor::act(&scope, &["spawn", "within", "20"]);
    let sockets = actor::run(Command::new(&neighbour).arg("sockets"));
    let born = actor::run(Command::new(&neighbour).arg("into-cgroup").arg(&inside));
    assert!(wait(&mut outside, actor::WITHIN).success());
    let report = sensor.stop();

    let mut problems = Problems::default();
    let text = String::from_utf8_lossy(&report.text);
    let child = born.fact("child");
    for line in report.lines() {
        for pid in [outside.id(), sockets.pid, born.pid] {
            for name in ["process.pid", "process.parent.pid", "process.thread.id"] {
                if field(&line, name) == pid {
                    problems.note(format!("{name} is {pid}, a neighbour's: {line}"));
                }
            }
            if field(&line, "process.ancestors.pid").as_array().is_some_and(|all| all.iter().any(|one| one == pid)) {
                problems.note(format!("an ancestor is {pid}, a neighbour: {line}"));
            }
        }
    }
    if let Some(at) = text.find("neighbours-file") {
        problems.note(format!("the neighbour's file: {}", &text[at.saturating_sub(300)..at + 15]));
    }
    let events = report.events();
    // What it starts inside runs its own program: that name is the child's own.
    for event in events.0.iter().filter(|event| event.to_string().contains("noisy-neighbour")) {
        problems.same("whose event names the neighbour's program", field(event, "process.pid").as_i64(), Some(child));
        problems.fields(event, fields! { "process.parent.pid": null, "process.ancestors.count": 0 });
    }
    for kind in ["fork", "exec", "exit"] {
        problems.one(&format!("{kind} of the child that was born inside"), events.by(kind, child));
    }
    problems.same(
        "execs inside",
        events.of("exec").filter(|event| field(event, "process.parent.pid") == within.pid).count(),
        20,
    );
    problems.same("sockets inside", events.of("connect").count() + events.of("bind").count(), 0);
}

#[test]
fn kernel_who_enters_the_scope_is_known() {
    let Some(scope) = scope("scope::kernel_who_enters_the_scope_is_known") else { return };
    let sensor = Sensor::trace::<&str>(&scope, []);
    let mut moved = Command::new(actor::path());
    moved
        .args(["open-when-told", "/dev/null", "a word"])
        .current_dir("/usr")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut moved = moved.spawn().expect("a process");
    std::fs::write(scope.path().join("cgroup.procs"), moved.id().to_string()).expect("moved");
    let mut line = moved.stdin.take().expect("a pipe");
    line.write_all(b"1").expect("told");
    // Its arguments are read from /proc when the sensor learns of it, while it runs.
    sensor.wait_for("file_open");
    line.write_all(b"2").expect("told");
    drop(line);
    assert!(wait(&mut moved, actor::WITHIN).success());
    let events = sensor.stop().events();

    let mut problems = Problems::default();
    let program = actor::path().to_str();
    for event in &events.0 {
        problems.fields(
            event,
            fields! {
                "process.executable": program,
                "process.args": [program, Some("open-when-told"), Some("/dev/null"), Some("a word")],
                "process.working_directory": "/usr",
                "process.parent.pid": null,
                "process.pid": moved.id(),
            },
        );
    }
    problems.same("opens", events.of("file_open").count(), 2);
    problems.same("exits", events.of("exit").count(), 1);
    problems.same("all events", events.0.len(), 3);
}
