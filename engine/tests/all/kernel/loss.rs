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
    // Twice, since the second report must not tell of the first blindness again.
    let blind = [(); 2].map(|()| {
        kill_process(sensor.engine(), Signal::STOP).expect("the engine runs");
        let from = now();
        actor::act(&scope, &["flood", target, &OPENS.to_string()]);
        let until = now();
        kill_process(sensor.engine(), Signal::CONT).expect("the engine is there");
        sensor.wait_for("loss");
        // The reader tells twice a second what the kernel has counted, and that is told once a second.
        std::thread::sleep(std::time::Duration::from_secs(2));
        (from, until)
    });
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
    problems.same("written and lost", opened + lost_of("file_open"), 2 * OPENS);
    problems.same("some were written", opened > 10, true);
    problems.same("most were lost", opened < OPENS, true);
    for loss in &losses {
        let [first, last] = ["first", "last"].map(|name| -> Option<jiff::Timestamp> {
            field(loss, &format!("loss.{name}")).as_str().and_then(|text| text.parse().ok())
        });
        let told = first.zip(last);
        // Only the first loss of all is known to the moment; a later one began after the last look at the counters.
        let [(from, until), (_, end)] = blind;
        let fits = |(first, last)| (from <= first && last <= until) || (until < first && last <= end);
        if !told.is_some_and(fits) {
            problems.note(format!("a loss from {first:?} to {last:?}, while blind: {blind:?}"));
        }
    }
    problems.same("reports", losses.len() >= 2, true);
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
