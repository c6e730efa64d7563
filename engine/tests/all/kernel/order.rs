//! Order over CPUs, and nothing missing.

use std::{collections::HashMap, time::Instant};

use serde::Deserialize;

use super::{Problems, Sensor, actor, scaled, scope};

/// What a line of the output is looked at for; parsing all of it would take longer than the test.
#[derive(Deserialize)]
struct Line<'l> {
    #[serde(borrow)]
    event: About<'l>,
    #[serde(borrow)]
    process: Option<Who<'l>>,
}

#[derive(Deserialize)]
struct About<'l> {
    kind: &'l str,
    action: Option<&'l str>,
    late: Option<bool>,
}

#[derive(Deserialize)]
struct Who<'l> {
    entity_id: &'l str,
    args_count: Option<u32>,
}

/// Each process is moved to another CPU before each of its calls; however the rings are read, its life comes in order.
#[test]
fn kernel_order_holds_over_cpus() {
    let Some(scope) = scope("order::kernel_order_holds_over_cpus") else { return };
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    if cpus < 2 {
        return crate::support::skip("kernel::order::kernel_order_holds_over_cpus", "there is one CPU");
    }
    let count = if std::env::var_os("BEEWOLF_LONG").is_some() { scaled(1_000_000) } else { scaled(20_000) };
    // The output of a million processes does not fit anywhere: they come in parts, under one sensor each.
    let mut left = count;
    while left > 0 {
        let part = left.min(20_000);
        left -= part;
        round(&scope, part, cpus);
    }
}

fn round(scope: &crate::support::Scope, count: usize, cpus: usize) {
    let sensor = Sensor::trace(scope, ["event.action in (fork, exec, connect, exit)"]);
    let began = Instant::now();
    let done = actor::act(scope, &["hop", &count.to_string(), &cpus.to_string()]);
    let took = began.elapsed();
    assert_eq!(done.fact("bad"), 0);
    let report = sensor.stop();
    eprintln!("{count} processes in {took:?}; {}", report.said.lines().last().unwrap_or_default());

    let mut problems = Problems::default();
    // How far each process has come: fork, exec, connect, exit.
    const STEPS: [&str; 4] = ["fork", "exec", "connect", "exit"];
    let mut stages: HashMap<&str, usize> = HashMap::new();
    let mut seen = [0; 4];
    for bytes in report.text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let line: Line<'_> = serde_json::from_slice(bytes).expect("a line of JSON");
        let (Some(who), Some(action)) = (line.process, line.event.action) else {
            problems.note(format!("a line of kind {}: {}", line.event.kind, String::from_utf8_lossy(bytes)));
            continue;
        };
        problems.same("late", line.event.late, None);
        let step = STEPS.iter().position(|step| *step == action).expect("a kind that was asked for");
        seen[step] += 1;
        let stage = stages.entry(who.entity_id).or_default();
        // The load's own processes fork without exec, or exec without fork.
        let own = step == 3 && *stage == 1
            || step == 1 && *stage == 0
            || step == 3 && *stage == 2 && who.args_count == Some(4);
        if *stage != step && !own {
            problems.note(format!("{action} at stage {stage}: {}", String::from_utf8_lossy(bytes)));
        }
        *stage = step + 1;
    }
    // Beside the load itself there are the process that directs it and one per CPU that starts it.
    problems.same("events", seen, [count + cpus, count + 1, count, count + cpus + 1]);
    problems.same("nothing lost", report.said.contains(" 0 lost before the sinks"), true);
    problems.same("nothing late, missing or undecodable", report.said.contains("records missing"), false);
}
