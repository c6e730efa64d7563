//! `beewolf status`: how the running sensor is doing.

use std::{io::Write, path::PathBuf, process::ExitCode, time::Duration};

use super::sense::{Told, tell};
use crate::{
    api::{self, Snapshot},
    config::{self, Config},
    sink::printable,
};

/// Asks the running sensor.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    /// Socket of the sensor; without it the one that the configuration names.
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Configuration file; without it /etc/beewolf/beewolf.yml if there is one, else the defaults.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// All numbers as JSON.
    #[arg(long, conflicts_with = "metrics")]
    json: bool,
    /// All numbers as Prometheus has them.
    #[arg(long)]
    metrics: bool,
}

/// Asks and prints.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    match status(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(told) => told.into(),
    }
}

fn status(arguments: &Arguments) -> Result<(), Told> {
    let socket = match &arguments.socket {
        Some(path) => path.clone(),
        None => configured(arguments)?,
    };
    let failed = |error: std::io::Error| tell(format!("no sensor answers at {}: {error}", socket.display()));
    let page = if arguments.metrics { "/metrics" } else { "/status" };
    let body = (0..STARTING_TRIES)
        .find_map(|_| match api::ask(&socket, page) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                std::thread::sleep(STARTING_PAUSE);
                None
            }
            answer => Some(answer),
        })
        .ok_or_else(|| tell(format!("the sensor at {} is still starting", socket.display())))?
        .map_err(failed)?;
    let text = if arguments.json || arguments.metrics {
        body
    } else {
        let snapshot: Snapshot = serde_json::from_slice(&body)
            .map_err(|error| tell(format!("{} gave no status of this version: {error}", socket.display())))?;
        readable(&snapshot).into_bytes()
    };
    std::io::stdout().write_all(&text).map_err(tell)
}

/// The first numbers of a sensor come with its first second: how often they are asked for.
const STARTING_TRIES: u32 = 40;
/// The time between.
const STARTING_PAUSE: Duration = Duration::from_millis(250);

/// The socket that the configuration names.
fn configured(arguments: &Arguments) -> Result<PathBuf, Told> {
    let path = arguments.config.clone().or_else(|| {
        let default = PathBuf::from(config::DEFAULT_PATH);
        default.exists().then_some(default)
    });
    let settings = match path {
        None => Config::default(),
        Some(path) => Config::load(&path).map_err(tell)?,
    };
    settings.status_socket.ok_or_else(|| tell("the configuration has `status.enabled: false`: no sensor answers"))
}

/// The numbers a person asks for first.
fn readable(snapshot: &Snapshot) -> String {
    let uptime = Duration::from_nanos(snapshot.uptime_ns).as_secs();
    let (hours, minutes, seconds) = (uptime / 3600, uptime / 60 % 60, uptime % 60);
    let mut lines = vec![format!(
        "beewolf {} on {}: watching {} for {hours}:{minutes:02}:{seconds:02}, {} rules, {}",
        snapshot.version, snapshot.host, snapshot.scope, snapshot.rules, snapshot.sensing
    )];
    if let Some(generation) = &snapshot.generation {
        let reloads = snapshot.reloads;
        lines.push(format!(
            "rules        generation {generation}, exchanged {} times, {} times refused",
            reloads.done, reloads.refused
        ));
    }
    lines.push(format!("{:<12} {:>14} {:>14} {:>14} {:>12}", "events", "written", "read", "judged", "rules ns"));
    for (kind, it) in snapshot.events.iter().filter(|(_, it)| it.written > 0 || it.judged > 0) {
        let each = it.rule_time_ns.checked_div(it.judged).unwrap_or(0);
        lines.push(format!("  {kind:<10} {:>14} {:>14} {:>14} {each:>12}", it.written, it.read, it.judged));
    }
    let alerts = &snapshot.alerts;
    lines.push(format!(
        "alerts       {} sent, {} repeats of them, {} suppressed",
        alerts.sent, alerts.deduplication.repeats, alerts.suppressed
    ));
    let several = &snapshot.correlations;
    lines.push(format!(
        "correlations {} groups with {} matches, {} groups dropped",
        several.groups, several.entries, several.evicted_groups
    ));
    if let Some(scan) = &snapshot.scan {
        lines.push(format!(
            "scan         {} YARA rules, {} files scanned ({}), {} known, {} matches, {} folders watched",
            scan.rules,
            scan.scanned,
            mebibytes(scan.bytes),
            scan.known,
            scan.matches,
            scan.folders
        ));
    }
    if snapshot.losses.is_empty() {
        lines.push("lost         nothing".to_owned());
    }
    for loss in &snapshot.losses {
        let kind = loss.kind.as_deref().map_or_else(String::new, |kind| format!(" {kind}"));
        lines.push(format!("lost         {}{kind}: {} ({})", loss.source, loss.count, loss.name));
    }
    for sink in &snapshot.sinks {
        let error = sink.last_error.as_deref().map_or_else(String::new, |error| format!(" ({error})"));
        lines.push(format!(
            "sink         {}: {} delivered, {} lost, {} waiting{error}",
            sink.name, sink.delivered, sink.lost, sink.queued
        ));
    }
    for (name, queue) in &snapshot.queues {
        lines.push(format!("queue        {name}: {} of {}", queue.length, queue.capacity));
    }
    let table = &snapshot.processes;
    lines.push(format!(
        "processes    {} of {}, {} running ones dropped",
        table.entries, table.capacity, table.evicted_live
    ));
    let memory = snapshot.memory;
    lines.push(format!(
        "memory       engine {}, helper {}",
        mebibytes(memory.engine_bytes),
        mebibytes(memory.helper_bytes)
    ));
    for (name, program) in snapshot.programs.iter().filter(|(_, program)| program.runs > 0) {
        let each = program.run_time_ns.checked_div(program.runs).unwrap_or(0);
        lines.push(format!("program      {name}: {} runs, {each} ns each", program.runs));
    }
    let mut text = String::new();
    for line in lines {
        // Names come from the other end of a socket.
        text.push_str(&printable(line.as_bytes(), 4096));
        text.push('\n');
    }
    text
}

/// `12.3 MiB`.
fn mebibytes(bytes: u64) -> String {
    let tenths = bytes / ((1 << 20) / 10);
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}
