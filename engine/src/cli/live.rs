//! The live sensor behind `run` and `trace`: two processes, confinement, the end.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::sense::{self, Told, tell};
use crate::{
    api::{Board, Server, Service},
    config::Config,
    confine::{self, Network, Policy},
    detect::RuleSet,
    event::{Kind, Status, json},
    kernel::{self, Client, Role, attach::KindSet},
    pipeline::live::{self, Host, Loaded, Watch},
    rule::Filter,
    store::recording::{Header, RuleHash, Writer},
    whitelist::Whitelist,
};

/// Splits into helper and engine and goes on as the engine.
pub(super) fn split_and(engine: impl FnOnce(Client) -> Result<ExitCode, Told>) -> ExitCode {
    match kernel::split() {
        Ok(Role::Helper(code)) => ExitCode::from(code),
        Ok(Role::Engine(client)) => engine(client).unwrap_or_else(Into::into),
        Err(error) => tell(format!("cannot start the helper process: {error}")).into(),
    }
}

/// Loads, confines, watches, ends.
#[expect(clippy::too_many_arguments, reason = "one call each from run and trace, each argument a thing of its own")]
pub(super) fn watch(
    client: Client,
    settings: Config,
    rules: RuleSet,
    whitelist: Whitelist,
    kinds: KindSet,
    filter: Option<Filter>,
    record: Option<PathBuf>,
    limit: Option<Duration>,
) -> Result<ExitCode, Told> {
    let stop = stop_flag()?;
    let loaded = Loaded::load(client, &settings, kinds).map_err(tell)?;
    let host = loaded.host.clone();
    let recorder = record.map(|path| recorder(&path, &host, &settings)).transpose()?;
    let server = server(&settings);
    let mut service = Service::from_environment()
        .map_err(|error| tell(format!("cannot tell the service manager: {error}")))
        .unwrap_or_default();
    confine(&settings)?;
    let board = Board::default();
    server.start(board.clone()).map_err(|error| tell(format!("no thread for the status: {error}")))?;
    let mut stages = sense::stages(&settings, rules, whitelist, host.origin(), host.for_enrichment(), filter)?;
    stages.recorder = recorder;
    let scope = settings.cgroup.as_ref().map_or_else(|| "the whole host".to_owned(), |path| path.display().to_string());
    let hashes = hashes(&stages.rules);
    eprintln!("watching {scope}: {} rules, {}", stages.active_rules(), loaded.plan.summary());
    for plan in &loaded.plan.kinds {
        if kinds_wants(kinds, &plan.kind) && plan.running().is_none() {
            eprintln!("beewolf: {} events cannot be had here; `beewolf doctor` says why", plan.kind);
        }
    }
    // Where standard output is a terminal the console shows it already.
    let (here, out) = (std::io::stderr().is_terminal(), std::io::stdout().is_terminal());
    let mut on_status = |status: &Status| match (here, out) {
        (_, true) => {}
        (true, false) => eprintln!("\x1b[2m{}\x1b[0m", status.message),
        (false, false) => eprintln!("{}", status.message),
    };
    service.ready(&format!("watching {scope}: {} rules", stages.active_rules()));
    let watch = Watch {
        limit,
        status_interval: settings.status_interval,
        on_status: &mut on_status,
        board: &board,
        scope: &scope,
        processes: settings.limits.process_table_entries,
        service: &mut service,
    };
    let outcome = live::run(loaded, &mut stages, &stop, watch);
    let interrupted = if stopped(&stop) { ", stopped by a signal" } else { "" };
    if let Some(recorder) = stages.recorder.take() {
        let manifest = recorder.finish(hashes).map_err(tell)?;
        eprintln!(
            "beewolf: recorded {} events, {}",
            manifest.events.values().sum::<u64>(),
            if manifest.complete { "complete" } else { "not complete: see the manifest" }
        );
    }
    sense::finish(stages, &settings, interrupted);
    match outcome {
        Ok(outcome) => {
            let counters = outcome.counters;
            if counters.missing > 0 || counters.undecodable > 0 || outcome.recursion_misses > 0 || counters.late > 0 {
                eprintln!(
                    "beewolf: {} records missing, {} undecodable, {} late, {} runs left out by the kernel",
                    counters.missing, counters.undecodable, counters.late, outcome.recursion_misses
                );
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => Err(tell(error)),
    }
}

/// Opens the sockets of the status. A sensor that cannot say how it is doing still watches: what failed is told.
fn server(settings: &Config) -> Server {
    let mut server = Server::default();
    if let Some(path) = &settings.status_socket
        && let Err(error) = server.listen_local(path)
    {
        eprintln!("beewolf: no status socket: {error}");
    }
    if let Some(address) = settings.loopback
        && let Err(error) = server.listen_tcp(address)
    {
        eprintln!("beewolf: no metrics: {error}");
    }
    server
}

fn kinds_wants(kinds: KindSet, name: &str) -> bool {
    Kind::ALL.iter().any(|kind| kind.name() == name && kinds.contains(*kind))
}

fn hashes(rules: &RuleSet) -> Vec<RuleHash> {
    rules
        .rules()
        .iter()
        .map(|rule| RuleHash { id: rule.facts.id.clone(), content_hash: rule.facts.content_hash.clone() })
        .collect()
}

fn recorder(path: &Path, host: &Host, settings: &Config) -> Result<Writer, Told> {
    let header = Header {
        host: host.name.clone(),
        kernel: host.kernel.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        boot_id: host.boot_id.clone(),
        created: json::rfc3339(live::wall_clock_ns()),
        ..Header::default()
    };
    Writer::create(path, header, settings.recording).map_err(tell)
}

/// Gives up everything the engine does not need any more.
fn confine(settings: &Config) -> Result<(), Told> {
    crate::sink::prepare(&settings.sinks).map_err(tell)?;
    let read = settings.sinks.iter().flat_map(crate::sink::SinkConfig::reads);
    let policy = Policy {
        read: readable().into_iter().chain(read).collect(),
        write: settings.sinks.iter().flat_map(crate::sink::SinkConfig::folders).collect(),
        network: Network::Connect,
    };
    let report = confine::apply(&policy).map_err(tell)?;
    tracing::info!(?report, "confined");
    Ok(())
}

/// Kinds that must be watched: those of the rules, or of the filter where events are shown.
pub(super) fn kinds_of(rules: &RuleSet) -> impl Iterator<Item = Kind> {
    // Processes are followed whatever the rules ask for: every alert names its ancestors.
    rules.needed_kinds().into_iter().chain([Kind::Exec, Kind::Exit, Kind::Fork])
}

/// A flag that SIGINT and SIGTERM set.
fn stop_flag() -> Result<Arc<AtomicBool>, Told> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).map_err(tell)?;
    }
    Ok(stop)
}

/// Whether the flag is set: the user has asked for the end.
fn stopped(stop: &AtomicBool) -> bool {
    stop.load(Ordering::Acquire)
}

/// What a confined engine may read beside what it has open already.
fn readable() -> Vec<PathBuf> {
    ["/etc/passwd", "/proc", "/sys/fs/cgroup"]
        .iter()
        .map(Path::new)
        .filter(|path| path.exists())
        .map(Path::to_owned)
        .collect()
}
