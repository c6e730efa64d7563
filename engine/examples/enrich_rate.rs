//! How many events one core enriches in a second:
//! `cargo run --release --no-default-features --example enrich_rate`.
//!
//! Two loads: file opens of a thousand running processes, and a million processes that live for three
//! events each in a pid space of 300. Events are made beforehand; only the enricher is timed.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use beewolf::{
    enrich::{Enricher, Host, Limits, Users},
    event::{Event, Kind, Process, ProcessKey, id::Origin, value::Numeric},
};

const MS: u64 = 1_000_000;
const BATCHES: u64 = 1000;
const RUNNING: u32 = 1000;
const PID_SPACE: u64 = 300;
const SHELL: ProcessKey = ProcessKey { pid: 1, start_boot_ns: 1 };

fn main() {
    let host = Host { name: b"host"[..].into(), boot_id: b"boot"[..].into(), boot_to_wall_ns: 0 };
    let origin = Origin::new("machine", "boot");
    let mut enricher = Enricher::new(Limits::default(), origin, host, Users::from_file("/etc/passwd"));
    let mut shell = exec(SHELL, 1);
    enricher.apply(&mut shell);
    let running: Vec<_> =
        (2..RUNNING + 2).map(|pid| ProcessKey { pid, start_boot_ns: u64::from(pid) * MS + 1 }).collect();
    for key in &running {
        enricher.apply(&mut event(Kind::Fork, *key, key.start_boot_ns));
        enricher.apply(&mut exec(*key, key.start_boot_ns + MS));
    }

    measure("file opens of running processes", &mut enricher, |batch| {
        running.iter().map(|key| event(Kind::FileOpen, *key, (2000 + batch) * MS)).collect()
    });
    measure("fork, exec and exit of short-lived processes", &mut enricher, |batch| {
        (batch * 1000..(batch + 1) * 1000)
            .flat_map(|number| {
                let pid = u32::try_from(number % PID_SPACE).unwrap_or(0) + RUNNING + 2;
                let key = ProcessKey { pid, start_boot_ns: (5000 + number) * MS + 1 };
                let end = key.start_boot_ns + 2;
                [event(Kind::Fork, key, key.start_boot_ns), exec(key, end - 1), event(Kind::Exit, key, end)]
            })
            .collect()
    });
    println!("{:?}", enricher.counters());
}

fn measure(load: &str, enricher: &mut Enricher, make: impl Fn(u64) -> Vec<Event>) {
    let (mut events, mut spent) = (0, Duration::ZERO);
    for batch in 0..BATCHES {
        let mut all = make(batch);
        let start = Instant::now();
        all.iter_mut().for_each(|event| enricher.apply(event));
        spent += start.elapsed();
        events += all.len();
    }
    let each = spent.as_secs_f64() / events as f64;
    println!("{load}: {events} events, {:.0} ns each, {:.0} events/s", each * 1e9, 1.0 / each);
}

/// An event as the sensor gives it.
fn event(kind: Kind, key: ProcessKey, boot_ns: u64) -> Event {
    let mut event = Event::new(kind);
    (event.key, event.parent_key, event.boot_ns) = (key, SHELL, boot_ns);
    (event.user_id, event.cgroup_id) = (Some(Numeric(0)), Some(7));
    event.process = Arc::new(Process { name: Some(b"worker"[..].into()), ..Process::default() });
    event
}

fn exec(key: ProcessKey, boot_ns: u64) -> Event {
    let mut event = event(Kind::Exec, key, boot_ns);
    let args: [&[u8]; 4] = [b"/usr/bin/worker", b"--config", b"/etc/worker/worker.conf", b"--verbose"];
    event.process = Arc::new(Process {
        executable: Some(b"/usr/bin/worker"[..].into()),
        args: args.into_iter().map(Into::into).collect(),
        working_directory: Some(b"/var/lib/worker"[..].into()),
        ..Process::default()
    });
    event.cgroup_path = Some(b"/system.slice/worker.service"[..].into());
    event
}
