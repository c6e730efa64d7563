//! `process.entity_id`: the same from everywhere, unique, stable.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::Path,
    process::Stdio,
};

use beewolf::{enrich::procfs, event::id::Origin};
use serde_json::Value;

use super::{Problems, Sensor, actor, field, fields, scope, scope_and_mounts, slow};
use crate::support::{Scope, read, wait};

/// The entity id of a running process as `/proc` gives it.
fn entity_of(pid: u32) -> String {
    let text = |path: &str| read(Path::new(path));
    let origin = Origin::new(&text("/etc/machine-id"), &text("/proc/sys/kernel/random/boot_id"));
    let mut seeds = procfs::read_procfs(Path::new("/proc"), None).expect("/proc");
    let seed = seeds.find(|seed| seed.key.pid == pid).expect("the process is there");
    String::from_utf8(origin.entity(seed.key).to_vec()).expect("base32")
}

fn waiting(scope: &Scope) -> std::process::Child {
    let mut command = scope.command(actor::path());
    command.args(["open-when-told", "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("a process");
    let mut said = std::io::BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    std::io::BufRead::read_line(&mut said, &mut line).expect("a line");
    assert!(line.starts_with("ready"), "{line}");
    child
}

#[test]
fn kernel_entity_ids_agree() {
    let Some(scope) = scope("identity::kernel_entity_ids_agree") else { return };
    let mut before = waiting(&scope);
    let sensor = Sensor::trace::<&str>(&scope, []);
    let mut after = waiting(&scope);
    let ids = [&before, &after].map(|child| entity_of(child.id()));
    for child in [&mut before, &mut after] {
        child.stdin.take().expect("a pipe").write_all(b"\n").expect("told");
        assert!(wait(child, actor::WITHIN).success());
    }
    let thread = actor::act(&scope, &["exec-in-thread"]);
    let events = sensor.stop().events();

    let mut problems = Problems::default();
    let program = actor::path().to_str();
    for (child, id) in [&before, &after].into_iter().zip(&ids) {
        // The one that was there before is known from the task iterator, the other from its exec.
        for kind in ["file_open", "exit"] {
            // Where the kernel's own open of an executable is seen, that is the shell's doing.
            let own =
                events.by(kind, child.id()).filter(|event| field(event, "file.path") != program.unwrap_or_default());
            let Some(event) = problems.one(kind, own) else { continue };
            problems.fields(
                event,
                fields! { "process.entity_id": id, "process.executable": program, "process.args.3": null },
            );
            problems.same("arguments", field(event, "process.args").as_array().map(Vec::len), Some(3));
        }
    }
    if let Some(event) = problems.one("exec", events.by("exec", after.id())) {
        problems.fields(event, fields! { "process.entity_id": ids[1] });
    }

    // A thread that is not the leader execs: it becomes the process, which stays the same.
    problems.same("the actor's own idea of its id", thread.fact("leader"), i64::from(thread.pid));
    let execs: Vec<_> = events.by("exec", thread.pid).collect();
    problems.same("execs", execs.len(), 2);
    let exit = problems.one("exit", events.by("exit", thread.pid));
    let of = |name: &str| -> BTreeSet<String> {
        execs.iter().copied().chain(exit).map(|event| field(event, name).to_string()).collect()
    };
    problems.same("entity ids over exec", of("process.entity_id").len(), 1);
    problems.same("exec ids: one each", of("process.exec_id").len(), 2);
    problems.same("starts over exec", of("process.start").len(), 1);
    if let (Some(last), Some(exit)) = (execs.last(), exit) {
        problems.fields(last, fields! { "process.args": [program, Some("noop"), Some("from-a-thread")] });
        problems.same("exec id at the end", field(exit, "process.exec_id"), field(last, "process.exec_id"));
        problems.fields(
            exit,
            fields! { "process.args": [program, Some("noop"), Some("from-a-thread")], "process.exit_code": 0 },
        );
    }
    problems.same("events of the thread's own id", events.by("exit", thread.fact("thread")).count(), 0);
}

/// Process ids come back; entity ids do not.
#[test]
fn kernel_entity_ids_outlive_process_ids() {
    const LIMIT: &str = "/proc/sys/kernel/pid_max";
    let Some(scope) = scope_and_mounts("identity::kernel_entity_ids_outlive_process_ids") else { return };
    // A guest is ours: its ids may come back soon. On this host only a pid namespace can be told to, from Linux 6.14 on,
    // and there it is the namespace's numbers that come back, not those of the initial one.
    let before = slow().then(|| read(Path::new(LIMIT)));
    let sensor = Sensor::trace(&scope, ["event.action in (fork, exec, exit)"]);
    if before.is_some() {
        std::fs::write(LIMIT, "500").expect("a limit");
    }
    let count = 1000;
    let done = if before.is_some() {
        actor::act(&scope, &["spawn", "again", &count.to_string()])
    } else {
        let mut command = scope.command(actor::path());
        command.args(["pid-namespace", &count.to_string()]);
        if per_namespace() {
            command.env("ACTOR_PID_MAX", "301");
        }
        actor::run(&mut command)
    };
    if let Some(limit) = before {
        std::fs::write(LIMIT, limit.trim()).expect("the old limit");
    }
    let events = sensor.stop().events();

    let mut problems = Problems::default();
    let mut lives: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for event in &events.0 {
        lives.entry(field(event, "process.entity_id").as_str().unwrap_or_default()).or_default().push(event);
    }
    let children: Vec<_> = lives.values().filter(|life| field(life[0], "event.action") == "fork").collect();
    let extra = usize::from(!slow());
    problems.same("processes", children.len(), count + extra);
    let parents: BTreeSet<String> =
        children.iter().map(|life| field(life[0], "process.parent.entity_id").to_string()).collect();
    problems.same("parents", parents.len(), 1 + extra);
    for life in children {
        let actions: Vec<_> = life.iter().filter_map(|event| field(event, "event.action").as_str()).collect();
        let init = !slow() && field(life[0], "process.parent.pid") == done.pid;
        problems.same(
            "one life",
            actions.as_slice(),
            if init { &["fork", "exit"][..] } else { &["fork", "exec", "exit"] },
        );
        let pids: BTreeSet<_> = life.iter().map(|event| field(event, "process.pid").as_i64()).collect();
        problems.same("process ids of one entity", pids.len(), 1);
        for event in life {
            problems.same(
                "the parent's program",
                field(event, "process.parent.executable").as_str(),
                actor::path().to_str(),
            );
        }
    }
    if slow() {
        let pids: BTreeSet<_> = events.of("fork").map(|event| field(event, "process.pid").as_i64()).collect();
        problems.same("process ids came back", pids.len() < count, true);
    }
}

/// Whether each pid namespace has a limit of its own (Linux 6.14).
fn per_namespace() -> bool {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let mut numbers = release.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(6), Some(14))
}
