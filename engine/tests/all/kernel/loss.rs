//! What does not fit into the rings is counted, to the last record.

use rustix::process::{Signal, kill_process};
use serde_json::Value;

use super::{Problems, Sensor, actor, field, fields, scope};

/// Opens while nobody reads: many times what the smallest ring holds.
const OPENS: usize = 5000;

#[test]
fn kernel_losses_are_counted() {
    let Some(scope) = scope("loss::kernel_losses_are_counted") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config.yml");
    std::fs::write(&config, "limits: { ring_bytes: 64KiB }\n").expect("a configuration");
    let target = folder.path().join("opened");
    std::fs::write(&target, "").expect("a file");
    let target = target.to_str().expect("text");

    let sensor = Sensor::trace(&scope, ["--config".as_ref(), config.as_os_str()]);
    kill_process(sensor.engine(), Signal::STOP).expect("the engine runs");
    let before = now();
    actor::act(&scope, &["flood", target, &OPENS.to_string()]);
    let after = now();
    kill_process(sensor.engine(), Signal::CONT).expect("the engine is there");
    // Until the rings are read there is no room for more.
    sensor.wait_for("file_open");
    actor::act(&scope, &["spawn", "afterwards", "3"]);
    let report = sensor.stop();

    let mut problems = Problems::default();
    let lines = report.lines();
    let (events, losses): (Vec<&Value>, Vec<&Value>) =
        lines.iter().partition(|line| field(line, "event.kind") == "event");
    let opened = events.iter().filter(|event| field(event, "file.requested_path") == target).count();
    let lost_of = |kind: &str| -> usize {
        let of_kind = losses.iter().filter(|line| field(line, "loss.kind") == kind);
        of_kind.filter_map(|line| usize::try_from(field(line, "loss.count").as_u64()?).ok()).sum()
    };
    problems.same("written and lost", opened + lost_of("file_open"), OPENS);
    problems.same("some were written", opened > 10, true);
    problems.same("most were lost", opened < OPENS / 2, true);
    for loss in &losses {
        for name in ["first", "last"] {
            let time: Option<jiff::Timestamp> =
                field(loss, &format!("loss.{name}")).as_str().and_then(|text| text.parse().ok());
            if !time.is_some_and(|time| before <= time && time <= after) {
                problems.note(format!("{name} of a loss is {time:?}, not between {before} and {after}"));
            }
        }
    }
    for loss in &losses {
        problems
            .fields(loss, fields! { "event.kind": "pipeline_error", "event.action": "loss", "loss.source": "kernel" });
    }
    // Afterwards it sees as before.
    let marked = |event: &&&Value| {
        field(event, "process.args").as_array().is_some_and(|args| args.iter().any(|arg| arg == "afterwards"))
    };
    problems.same(
        "execs afterwards",
        events.iter().filter(|event| field(event, "event.action") == "exec").filter(marked).count(),
        4,
    );
}

fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
