//! The snapshot in Prometheus' text format (version 0.0.4).

use super::Snapshot;

/// Sort of a metric.
#[derive(Clone, Copy)]
enum Sort {
    Counter,
    Gauge,
}

/// A sample: its labels and its value.
type Sample<'s> = (Vec<(&'static str, &'s str)>, f64);

/// All metrics.
#[must_use]
pub fn metrics(snapshot: &Snapshot) -> String {
    let mut out = String::new();
    let none = Vec::new;
    family(&mut out, Sort::Gauge, "build_info", "The program.", vec![(vec![("version", &snapshot.version)], 1.0)]);
    family(
        &mut out,
        Sort::Gauge,
        "uptime_seconds",
        "Time since the start.",
        vec![(none(), seconds(snapshot.uptime_ns))],
    );
    family(&mut out, Sort::Gauge, "rules", "Rules that can match.", vec![(none(), number(snapshot.rules))]);
    let generation = snapshot.generation.iter().map(|name| (vec![("generation", name.as_str())], 1.0)).collect();
    family(&mut out, Sort::Gauge, "rules_info", "The texts of the rules.", generation);
    let outcomes = [("done", snapshot.reloads.done), ("refused", snapshot.reloads.refused)];
    family(&mut out, Sort::Counter, "rule_reloads_total", "Exchanges of the rules.", labelled("outcome", outcomes));
    let tunings = vec![(none(), number(snapshot.tunings))];
    family(
        &mut out,
        Sort::Counter,
        "rule_tunings_total",
        "Times the matchers were made for the events that came.",
        tunings,
    );
    let stages = snapshot.events.iter().flat_map(|(kind, counts)| {
        [("written", counts.written), ("read", counts.read), ("judged", counts.judged)]
            .map(|(stage, count)| (vec![("kind", kind.as_str()), ("stage", stage)], number(count)))
    });
    family(&mut out, Sort::Counter, "events_total", "Events by kind and stage.", stages.collect());
    let times = snapshot.events.iter().map(|(kind, it)| (vec![("kind", kind.as_str())], seconds(it.rule_time_ns)));
    family(&mut out, Sort::Counter, "rule_seconds_total", "Time the rules took, by kind of event.", times.collect());
    let losses = snapshot.losses.iter().map(|loss| {
        let kind = loss.kind.as_deref().unwrap_or_default();
        (vec![("source", loss.source.as_str()), ("name", &loss.name), ("kind", kind)], number(loss.count))
    });
    family(&mut out, Sort::Counter, "lost_total", "What was lost, by source.", losses.collect());
    let alerts = &snapshot.alerts;
    let dedup = &alerts.deduplication;
    let outcomes = [("sent", alerts.sent), ("suppressed", alerts.suppressed), ("repeat", dedup.repeats)];
    family(&mut out, Sort::Counter, "alerts_total", "Alerts by what became of them.", labelled("outcome", outcomes));
    let single = |count: u64| vec![(none(), number(count))];
    family(&mut out, Sort::Counter, "alert_updates_total", "Updates that told of repeats.", single(dedup.updates));
    family(&mut out, Sort::Gauge, "findings", "Alerts whose repeats are recognised.", single(dedup.entries));
    family(&mut out, Sort::Counter, "findings_evicted_total", "Findings forgotten early.", single(dedup.evicted));
    let several = &snapshot.correlations;
    family(&mut out, Sort::Gauge, "correlation_groups", "Groups of rules over several events.", single(several.groups));
    family(&mut out, Sort::Gauge, "correlation_entries", "Matches held in these groups.", single(several.entries));
    let happened = [
        ("evicted_group", several.evicted_groups),
        ("evicted_entry", several.evicted_entries),
        ("late", several.late),
        ("untimed", several.untimed),
        ("incomplete", several.incomplete),
        ("repeat", several.repeats),
        ("clock_set_back", several.set_back),
    ];
    family(&mut out, Sort::Counter, "correlation_total", "What happened in these groups.", labelled("what", happened));
    if let Some(scan) = &snapshot.scan {
        family(&mut out, Sort::Gauge, "yara_rules", "YARA rules in force.", single(scan.rules));
        family(&mut out, Sort::Gauge, "watched_folders", "Folders whose files are scanned.", single(scan.folders));
        let outcomes = [("scanned", scan.scanned), ("known", scan.known), ("partial", scan.partial)];
        let doc = "Files by what became of them; those scanned in part are among those scanned.";
        family(&mut out, Sort::Counter, "files_total", doc, labelled("outcome", outcomes));
        family(&mut out, Sort::Counter, "scanned_bytes_total", "Bytes that were scanned.", single(scan.bytes));
        family(&mut out, Sort::Counter, "yara_matches_total", "Matches of YARA rules.", single(scan.matches));
    }
    let queues = || snapshot.queues.iter();
    let lengths = queues().map(|(name, it)| (vec![("queue", name.as_str())], number(it.length)));
    family(&mut out, Sort::Gauge, "queue_length", "What waits: batches, or bytes of a ring.", lengths.collect());
    let capacities = queues().map(|(name, it)| (vec![("queue", name.as_str())], number(it.capacity)));
    family(&mut out, Sort::Gauge, "queue_capacity", "The most that can wait.", capacities.collect());
    let sinks = snapshot.sinks.iter().flat_map(|sink| {
        [("delivered", sink.delivered), ("lost", sink.lost)]
            .map(|(outcome, count)| (vec![("sink", sink.name.as_str()), ("outcome", outcome)], number(count)))
    });
    family(&mut out, Sort::Counter, "sink_records_total", "Records by destination and outcome.", sinks.collect());
    let queued = snapshot.sinks.iter().map(|sink| (vec![("sink", sink.name.as_str())], number(sink.queued)));
    family(&mut out, Sort::Gauge, "sink_queued", "Records that wait for a destination.", queued.collect());
    let spools = || snapshot.sinks.iter().filter_map(|sink| Some((vec![("sink", sink.name.as_str())], sink.spool?)));
    let records = spools().map(|(name, it)| (name, number(it.records)));
    family(&mut out, Sort::Gauge, "spool_records", "Records that the receiver has not confirmed.", records.collect());
    let in_memory = spools().map(|(name, it)| (name, number(it.in_memory)));
    let doc = "Records of the spool that the disk does not take.";
    family(&mut out, Sort::Gauge, "spool_records_in_memory", doc, in_memory.collect());
    let bytes = spools().map(|(name, it)| (name, number(it.bytes)));
    family(&mut out, Sort::Gauge, "spool_bytes", "Size of the spool on disk.", bytes.collect());
    let most = spools().map(|(name, it)| (name, number(it.max_bytes)));
    family(&mut out, Sort::Gauge, "spool_bytes_max", "Largest size of the spool on disk.", most.collect());
    let damaged = spools().map(|(name, it)| (name, number(it.damaged)));
    family(&mut out, Sort::Counter, "spool_damaged_total", "Records found damaged or missing.", damaged.collect());
    let resent = spools().map(|(name, it)| (name, number(it.resent)));
    family(&mut out, Sort::Counter, "spool_resent_total", "Records sent again.", resent.collect());
    let table = &snapshot.processes;
    family(&mut out, Sort::Gauge, "processes", "Processes in the table.", single(table.entries));
    family(&mut out, Sort::Gauge, "processes_capacity", "Most processes in the table.", single(table.capacity));
    family(&mut out, Sort::Gauge, "process_table_bytes", "Bytes of their images, roughly.", single(table.bytes));
    let happened = [
        ("evicted_live", table.evicted_live),
        ("evicted_exited", table.evicted_exited),
        ("expired", table.expired),
        ("unknown_process", table.unknown_process),
        ("unknown_parent", table.unknown_parent),
        ("correction", table.corrections),
        ("missed_exit", table.missed_exits),
    ];
    family(&mut out, Sort::Counter, "process_table_total", "What happened in the table.", labelled("what", happened));
    let memory = [("engine", snapshot.memory.engine_bytes), ("helper", snapshot.memory.helper_bytes)];
    family(&mut out, Sort::Gauge, "resident_bytes", "Resident memory.", labelled("process", memory));
    let programs = || snapshot.programs.iter().map(|(name, it)| (vec![("program", name.as_str())], it));
    let runs = programs().map(|(name, it)| (name, number(it.runs)));
    let doc = "Runs of a program in the kernel; 0 while kernel.bpf_stats_enabled is.";
    family(&mut out, Sort::Counter, "program_runs_total", doc, runs.collect());
    let times = programs().map(|(name, it)| (name, seconds(it.run_time_ns)));
    let doc = "Time a program in the kernel took; 0 while kernel.bpf_stats_enabled is.";
    family(&mut out, Sort::Counter, "program_seconds_total", doc, times.collect());
    let misses = programs().map(|(name, it)| (name, number(it.recursion_misses)));
    let doc = "Runs left out because the program was already running on that CPU.";
    family(&mut out, Sort::Counter, "program_recursion_misses_total", doc, misses.collect());
    out
}

fn labelled<const N: usize>(label: &'static str, values: [(&'static str, u64); N]) -> Vec<Sample<'static>> {
    values.into_iter().map(|(value, count)| (vec![(label, value)], number(count))).collect()
}

/// Counts as Prometheus has them: exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "Prometheus' numbers are such")]
fn number(count: u64) -> f64 {
    count as f64
}

fn seconds(ns: u64) -> f64 {
    std::time::Duration::from_nanos(ns).as_secs_f64()
}

fn family(out: &mut String, sort: Sort, name: &str, doc: &str, samples: Vec<Sample<'_>>) {
    if samples.is_empty() {
        return;
    }
    let sort = match sort {
        Sort::Counter => "counter",
        Sort::Gauge => "gauge",
    };
    out.push_str(&format!("# HELP beewolf_{name} {doc}\n# TYPE beewolf_{name} {sort}\n"));
    for (labels, value) in samples {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        out.push_str(&format!("beewolf_{name}{labels} {value}\n"));
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::super::{Kind, Loss, Sink, Spool};
    use super::*;

    #[test]
    fn metrics_have_help_type_and_escaped_labels() {
        let mut snapshot = Snapshot { version: "1.2.3".to_owned(), uptime_ns: 1_500_000_000, ..Snapshot::default() };
        snapshot.events.insert("exec".to_owned(), Kind { written: 3, read: 2, judged: 1, rule_time_ns: 2_000 });
        let name = "a\"b\\c\nd".to_owned();
        let spool = Some(Spool { records: 5, ..Spool::default() });
        snapshot.sinks.push(Sink { name, delivered: 7, spool, ..Sink::default() });
        snapshot.losses.push(Loss { source: "kernel".to_owned(), name: "ring".to_owned(), kind: None, count: 4 });
        let text = metrics(&snapshot);
        for line in [
            "# TYPE beewolf_events_total counter",
            "beewolf_build_info{version=\"1.2.3\"} 1",
            "beewolf_uptime_seconds 1.5",
            "beewolf_events_total{kind=\"exec\",stage=\"written\"} 3",
            "beewolf_rule_seconds_total{kind=\"exec\"} 0.000002",
            "beewolf_lost_total{source=\"kernel\",name=\"ring\",kind=\"\"} 4",
            "beewolf_sink_records_total{sink=\"a\\\"b\\\\c\\nd\",outcome=\"delivered\"} 7",
            "beewolf_spool_records{sink=\"a\\\"b\\\\c\\nd\"} 5",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        let mut seen = std::collections::HashSet::new();
        for line in text.lines() {
            let name = line.trim_start_matches("# HELP ").trim_start_matches("# TYPE ");
            let name = name.split([' ', '{']).next().expect("a name");
            assert!(name.starts_with("beewolf_"), "{line}");
            assert!(!line.starts_with("# HELP") || seen.insert(name.to_owned()), "{name} twice");
        }
    }
}
