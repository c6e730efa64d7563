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

use super::{
    renew::{self, After, Keeper},
    sense::{self, Told, tell},
};
use crate::{
    api::{Board, Server, Service},
    config::Config,
    confine::{self, Network, Policy},
    detect::RuleSet,
    event::{Kind, Status, json},
    kernel::{self, Client, Role, attach::KindSet},
    pipeline::{
        Stages,
        live::{self, Host, Loaded, Watch},
        renewal::{Renewals, Retired},
        tuning::Tuner,
    },
    rule::Filter,
    scan,
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

/// What is to be watched, and with which rules.
pub(super) struct Job {
    pub(super) rules: RuleSet,
    pub(super) whitelist: Whitelist,
    pub(super) kinds: KindSet,
    /// What files are scanned with.
    pub(super) yara: Option<Arc<scan::Rules>>,
    /// Which events are shown; all if absent.
    pub(super) filter: Option<Filter>,
    /// A recording to be made.
    pub(super) record: Option<PathBuf>,
    /// How long; until a signal if absent.
    pub(super) limit: Option<Duration>,
    /// Where other rules come from meanwhile.
    pub(super) renewal: Option<After>,
    /// What somebody has to see to from the start.
    pub(super) alarm: Option<String>,
}

/// Loads, confines, watches, ends.
pub(super) fn watch(client: Client, settings: Config, job: Job) -> Result<ExitCode, Told> {
    let Job { rules, whitelist, kinds, yara, filter, record, limit, renewal, alarm } = job;
    let (stop, reload) = signals(renewal.is_some())?;
    let writing = (scan::BUILT_IN && !settings.scan.watch.is_empty()).then_some(Kind::FileOpen);
    let kinds = KindSet(kinds.0 | writing.into_iter().collect::<KindSet>().0);
    let loaded = Loaded::load(client, &settings, kinds).map_err(tell)?;
    let host = loaded.host.clone();
    let recorder = record.map(|path| recorder(&path, &host, &settings)).transpose()?;
    let server = server(&settings);
    let mut service = Service::from_environment()
        .map_err(|error| tell(format!("cannot tell the service manager: {error}")))
        .unwrap_or_default();
    confine(&settings, renewal.as_ref().map(|after| &after.keeper))?;
    let board = Board::default();
    server.start(board.clone()).map_err(|error| tell(format!("no thread for the status: {error}")))?;
    let mut stages = sense::stages(&settings, rules, whitelist, host.origin(), host.for_enrichment(), filter)?;
    stages.recorder = recorder;
    // Rules may come later, unless they cannot come at all.
    if scan::BUILT_IN && (renewal.is_some() || yara.is_some()) {
        let scanner = loaded.scanner(&settings.scan, yara);
        stages.scanner = Some(scanner.map_err(|error| tell(format!("nothing can be scanned: {error}")))?);
    }
    let tuner = Tuner::start().map_err(|error| tell(format!("no thread for the matchers: {error}")))?;
    stages.tuner = Some(tuner);
    let scope = settings.cgroup.as_ref().map_or_else(|| "the whole host".to_owned(), |path| path.display().to_string());
    let hashes = hashes(&stages.rules);
    let plan = loaded.plan();
    eprintln!("watching {scope}: {} rules, {}", stages.active_rules(), plan.summary());
    for plan in &plan.kinds {
        if kinds_wants(kinds, &plan.kind) && plan.running().is_none() {
            eprintln!("beewolf: {} events cannot be had here; `beewolf doctor` says why", plan.kind);
        }
    }
    let scans = stages.scanner.as_ref().is_some_and(|scanner| scanner.rules() > 0);
    if !scans && stages.rules.needed_kinds().contains(&Kind::YaraMatch) {
        let why = if scan::BUILT_IN {
            "there are no YARA rules (`scan.yara`, --yara)"
        } else {
            "this program was built without YARA (`--features yara`)"
        };
        eprintln!("beewolf: no file is scanned: {why}");
    }
    let renewals = renewal
        .map(|after| Renewals::start(renew::origin(settings.clone(), after, reload, loaded.attacher())))
        .transpose()
        .map_err(|error| tell(format!("no thread for new rules: {error}")))?;
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
        renewals,
        on_renewal: &mut |retired, stages| eprintln!("beewolf: {}", in_force(retired, stages)),
        alarm,
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

/// What is told when other rules have come into force.
fn in_force(retired: &Retired, stages: &Stages) -> String {
    let generation = stages.rules.generation().unwrap_or_default();
    let mut text = format!("generation {generation} of the rules is in force: {} rules", stages.active_rules());
    if !retired.dropped.rules.is_empty() {
        text.push_str("; forgotten is what these had seen so far: ");
        text.push_str(&retired.dropped.rules.join(", "));
    }
    text
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

/// Gives up everything the engine does not need any more. With a keeper it can go on reading rules.
fn confine(settings: &Config, keeper: Option<&Keeper>) -> Result<(), Told> {
    crate::sink::prepare(&settings.sinks).map_err(tell)?;
    let read = settings.sinks.iter().flat_map(crate::sink::SinkConfig::reads);
    let policy = Policy {
        read: readable()
            .into_iter()
            .chain(read)
            .chain(keeper.into_iter().flat_map(|it| renew::readable(settings, it)))
            .collect(),
        write: settings
            .sinks
            .iter()
            .flat_map(crate::sink::SinkConfig::folders)
            .chain(keeper.and_then(Keeper::folder))
            .collect(),
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

/// Flags for the end and for reading the rules again. A hang-up asks for the latter; for the end, where there
/// are no other rules to be had or the terminal is what hangs up.
fn signals(reloads: bool) -> Result<(Arc<AtomicBool>, Arc<AtomicBool>), Told> {
    let (stop, reload) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let hang_up = if reloads && !std::io::stdin().is_terminal() { &reload } else { &stop };
    let (hup, int, term) = (signal_hook::consts::SIGHUP, signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM);
    for (signal, flag) in [(int, &stop), (term, &stop), (hup, hang_up)] {
        signal_hook::flag::register(signal, Arc::clone(flag)).map_err(tell)?;
    }
    Ok((stop, reload))
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
