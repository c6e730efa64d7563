//! `fork` and `exit`.

use super::{Problems, Sensor, actor, field, fields, scope};

#[test]
fn kernel_forks_and_exits_are_seen() {
    let Some(scope) = scope("process::kernel_forks_and_exits_are_seen") else { return };
    let sensor = Sensor::trace(&scope, ["event.action in (fork, exec, exit)"]);
    let forks = actor::act(&scope, &["forks"]);
    let exits = actor::act(&scope, &["exits"]);
    let events = sensor.stop().events();

    let mut problems = Problems::default();
    let actor = actor::path().canonicalize().expect("a path");
    for (number, way) in ["fork", "vfork", "clone", "clone3"].into_iter().enumerate() {
        let child = forks.fact(way);
        if let Some(event) = problems.one(way, events.by("fork", child)) {
            problems.fields(
                event,
                fields! {
                    "process.parent.pid": forks.pid,
                    "process.parent.executable": actor.to_str(),
                    "process.parent.args": [actor::path().to_str(), "forks"],
                    "process.executable": actor.to_str(),
                    "process.name": actor.file_name().and_then(|name| name.to_str()),
                    "process.ancestors.pid": [forks.pid],
                },
            );
        }
        if let Some(event) = problems.one(way, events.by("exit", child)) {
            problems.fields(event, fields! { "process.exit_code": number + 1, "process.exit_signal": null });
        }
    }
    for (name, code, signal) in [
        ("code", Some(7), None),
        ("kill", None, Some(9)),
        ("abort", None, Some(6)),
        ("group", Some(3), None),
        ("leader_first", Some(9), None),
        ("one_by_one", Some(0), None),
    ] {
        let child = exits.fact(name);
        problems.one(name, events.by("fork", child));
        let Some(event) = problems.one(name, events.by("exit", child)) else { continue };
        problems.fields(
            event,
            fields! {
                "process.exit_code": code,
                "process.exit_signal": signal,
                "process.parent.pid": exits.pid,
                "process.executable": actor.to_str(),
                "event.outcome": "success",
            },
        );
        if name == "code" {
            let run_time = field(event, "event.duration").as_i64().unwrap_or_default();
            if !(100_000_000..5_000_000_000).contains(&run_time) {
                problems.note(format!("a run time of {run_time} ns instead of 0.1 s"));
            }
        }
    }
    // Threads are no processes.
    problems.same("forks", events.of("fork").count(), 10);
    problems.same("exits", events.of("exit").count(), 12);
}
