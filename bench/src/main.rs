//! Measures the whole sensor on this host, in a cgroup of its own: `make bench-latency`, `make bench-execs`.
//!
//! Prints a table and writes `bench/<name>.json` below the target folder: rows of `case`, `ours`,
//! `peer`, `unit`, `ratio`, `target`, `met`. Needs root. Ends with an error if a target is missed.
//!
//! The same program is the load: started again inside the cgroup with the commands `opens` and `spawns`.
mod load;
mod sensor;
mod table;

use std::{
    io::BufRead,
    path::{Path, PathBuf},
    sync::mpsc::sync_channel,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use sensor::{Scope, Sensor};
use serde_json::Value;
use table::{Row, Target};

/// Opens per second of the latency measurement.
const RATE: u64 = 20_000;
/// One open in this many is of a file that a rule watches.
const ONE_IN: u64 = 100;
/// How long the rest and its cost are looked at.
const REST: Duration = Duration::from_secs(10);

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let seconds = |text: &str| Duration::from_secs(text.parse().expect("seconds"));
    let rows = match words.as_slice() {
        ["opens", folder, time] => return load::opens(Path::new(folder), seconds(time)),
        ["spawns", program, cpu, time] => {
            return load::spawns(Path::new(program), cpu.parse().expect("a CPU"), seconds(time));
        }
        ["latency", beewolf, out, time] => {
            let rows = latency(Path::new(beewolf), seconds(time));
            table::write(&rows, &Path::new(out).join("latency.json"));
            rows
        }
        ["execs", beewolf, out, time] => {
            let rows = execs(Path::new(beewolf), seconds(time));
            table::write(&rows, &Path::new(out).join("execs.json"));
            rows
        }
        _ => panic!("bench latency|execs BEEWOLF OUT SECONDS"),
    };
    table::print(&rows);
    if rows.iter().any(|row| !row.met()) {
        std::process::exit(1);
    }
}

/// Matches the files that the load opens now and then.
const RULE: &str = "id: bench-watched-file
title: Watched file opened
severity: low
when: event.action = file_open and file.path contains /watched-
";

/// From an open to its alert on standard output, at a fixed rate.
fn latency(beewolf: &Path, time: Duration) -> Vec<Row> {
    let folder = tempfile::tempdir().expect("a folder");
    let rules = folder.path().join("rules");
    std::fs::create_dir(&rules).expect("a folder");
    std::fs::write(rules.join("watched.yml"), RULE).expect("a rule");
    let files = folder.path().join("files");
    load::make_files(&files, time);
    let scope = Scope::new("bench-latency");
    let (mut sensor, stdout) = Sensor::start(beewolf, &scope, &rules, folder.path());

    // Reads the alerts and notes when each line is here.
    let (sender, receiver) = sync_channel(1);
    let reader = std::thread::spawn(move || {
        let mut latencies = Vec::new();
        for line in stdout.lines() {
            let line = line.expect("text");
            let arrived = nanoseconds(SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970"));
            let alert: Value = serde_json::from_str(&line).expect("JSON");
            if alert["event"]["kind"] == "alert" {
                let happened: jiff::Timestamp = alert["@timestamp"].as_str().expect("a time").parse().expect("a time");
                let happened = u64::try_from(happened.as_nanosecond()).expect("after 1970");
                latencies.push(arrived.saturating_sub(happened));
            }
        }
        sender.send(()).expect("the measurement waits");
        latencies
    });

    std::thread::sleep(Duration::from_secs(1));
    let before = sensor.usage();
    std::thread::sleep(REST);
    let rest = sensor.usage().since(&before);
    let before = sensor.usage();
    let mut load = scope.start(&["opens", &text(&files), &time.as_secs().to_string()]);
    std::thread::sleep(time.saturating_sub(Duration::from_millis(200)));
    let busy = sensor.usage().since(&before);
    let made = load.output();
    let summary = sensor.stop();
    receiver.recv_timeout(Duration::from_secs(60)).expect("standard output ends");
    let mut latencies = reader.join().expect("the reader");
    latencies.sort_unstable();

    let [opens, hits] = numbers(&made);
    let seen = summary.events("file_open");
    eprintln!("{opens} opens made, {seen} seen; {hits} of watched files, {} alerts; {summary}", latencies.len());
    let at = |share: f64| {
        let place = (latencies.len().saturating_sub(1)) as f64 * share;
        let place = place as usize;
        latencies.get(place).map_or(f64::NAN, |ns| *ns as f64 / 1e6)
    };
    let alerts = latencies.len() as f64;
    vec![
        Row::new("open to alert on stdout at 20,000 events/s, p50", at(0.5), "ms", Target::None),
        Row::new("open to alert on stdout at 20,000 events/s, p99", at(0.99), "ms", Target::AtMost(5.0)),
        Row::new("open to alert on stdout at 20,000 events/s, p99.9", at(0.999), "ms", Target::None),
        Row::new("open to alert on stdout at 20,000 events/s, most", at(1.0), "ms", Target::None),
        Row::new(
            "opens made per second",
            opens as f64 / time.as_secs_f64(),
            "1/s",
            Target::AtLeast(0.99 * RATE as f64),
        ),
        Row::new("alerts missing", hits as f64 - alerts, "alerts", Target::AtMost(0.0)),
        Row::new("records lost", summary.lost as f64, "records", Target::AtMost(0.0)),
        Row::new("CPU of the sensor at 20,000 events/s", busy.cpu_percent, "% of a CPU", Target::None),
        Row::new("memory of the sensor at 20,000 events/s", busy.mebibytes, "MiB", Target::None),
        Row::new("CPU of the sensor at rest", rest.cpu_percent, "% of a CPU", Target::None),
        Row::new("memory of the sensor at rest", rest.mebibytes, "MiB", Target::None),
    ]
}

/// As many execs as the machine makes.
fn execs(beewolf: &Path, time: Duration) -> Vec<Row> {
    let folder = tempfile::tempdir().expect("a folder");
    let rules = folder.path().join("rules");
    std::fs::create_dir(&rules).expect("a folder");
    std::fs::write(rules.join("watched.yml"), RULE.replace("file_open and file.path", "exec and process.executable"))
        .expect("a rule");
    let program = folder.path().join("tiny");
    load::write_tiny(&program);
    let scope = Scope::new("bench-execs");
    let (mut sensor, stdout) = Sensor::start(beewolf, &scope, &rules, folder.path());
    let reader = std::thread::spawn(move || stdout.lines().count());

    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let before = sensor.usage();
    let mut loads: Vec<_> = (0..cpus)
        .map(|cpu| scope.start(&["spawns", &text(&program), &cpu.to_string(), &time.as_secs().to_string()]))
        .collect();
    let mut most_processes = 0;
    let mut capacity = 0;
    let until = std::time::Instant::now() + time;
    while std::time::Instant::now() < until {
        std::thread::sleep(Duration::from_millis(500));
        let status = sensor.status();
        most_processes = most_processes.max(status["processes"]["entries"].as_u64().unwrap_or(0));
        capacity = status["processes"]["capacity"].as_u64().unwrap_or(0);
    }
    let busy = sensor.usage().since(&before);
    let made: u64 = loads.iter_mut().map(|load| numbers::<1>(&load.output())[0]).sum();
    let summary = sensor.stop();
    reader.join().expect("the reader");

    // Each worker's own program starts inside the scope and ends there.
    let workers = cpus as u64;
    let expected = [("fork", made), ("exec", made + workers), ("exit", made + workers)];
    let mut rows = vec![
        Row::new("execs per second, all CPUs", made as f64 / time.as_secs_f64(), "1/s", Target::None),
        Row::new("records lost", summary.lost as f64, "records", Target::AtMost(0.0)),
    ];
    for (kind, expected) in expected {
        let seen = summary.events(kind);
        eprintln!("{kind}: {expected} made, {seen} seen");
        rows.push(Row::new(
            &format!("{kind} events missing or too many"),
            seen.abs_diff(expected) as f64,
            "events",
            Target::AtMost(0.0),
        ));
    }
    rows.push(Row::new("most processes in the table", most_processes as f64, "", Target::AtMost(capacity as f64)));
    rows.push(Row::new("CPU of the sensor", busy.cpu_percent, "% of a CPU", Target::None));
    rows.push(Row::new("memory of the sensor", busy.mebibytes, "MiB", Target::None));
    eprintln!("{summary}");
    rows
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).expect("this century")
}

fn text(path: &Path) -> String {
    path.to_str().expect("a path of ours").to_owned()
}

/// The numbers that a load printed.
fn numbers<const N: usize>(printed: &str) -> [u64; N] {
    let numbers: Vec<u64> = printed.split_whitespace().map(|word| word.parse().expect("a number")).collect();
    numbers.try_into().unwrap_or_else(|_| panic!("the load said `{printed}`"))
}

/// This program, to be started again.
fn this_program() -> PathBuf {
    std::env::current_exe().expect("this program's path")
}
