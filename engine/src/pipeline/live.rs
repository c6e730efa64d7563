//! The live sensor: helper, rings, threads, shutdown.

use std::{
    ffi::OsStr,
    io,
    os::{
        fd::OwnedFd,
        unix::{ffi::OsStrExt, fs::MetadataExt},
    },
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, bounded, never, select};

use super::{
    Stages,
    renewal::{Renewals, Retired},
};
use crate::{
    api::{self, Board, Service, Snapshot},
    config::{self, Config},
    enrich,
    event::{
        Event, Kind, Loss, ProcessKey, Severity, Status,
        id::Origin,
        json::rfc3339,
        loss::{LossSource, Lost},
        value::{Time, Words},
    },
    kernel::{Client, Facts, Opener, StartRequest, attach::KindSet, attach::Plan, helper::HelperError},
    scan::{self, Files, Missed, Setup, Watch as WatchedFolders, Worker},
    sensor::live::{self, Counters, Item, Live},
    store,
};

/// Batches that wait between reader and stages; a batch is what one round of the rings gives.
const QUEUE_BATCHES: usize = 64;
/// Longest sleep of the reader; how soon it notices that it should stop.
const READER_PAUSE: Duration = Duration::from_millis(100);
/// How often losses are looked at.
const LOSS_INTERVAL: Duration = Duration::from_secs(1);
/// How long at the end files are scanned that wait.
const PATIENCE: Duration = Duration::from_secs(2);
/// How late an event may come and still find the window of its alert open, nanoseconds.
const LATEST_NS: i64 = 2_000_000_000;
/// Most rings; CPUs beyond share them.
const MAX_RINGS: usize = 16;

/// Why the sensor does not start or has stopped.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The helper could not load the probes.
    #[error("cannot sense: {0}")]
    Helper(#[from] HelperError),
    /// The rings or counters cannot be mapped or read.
    #[error("cannot read the kernel's rings: {0}")]
    Rings(#[from] io::Error),
    /// A folder cannot be watched.
    #[error("{}: cannot be watched: {error}", path.display())]
    Folder {
        /// What was asked for.
        path: PathBuf,
        /// What the kernel says.
        error: io::Error,
    },
    /// The scope is no cgroup of version 2.
    #[error("{}: {why}", path.display())]
    Scope {
        /// What was asked for.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// Facts about the host that go into every event.
#[derive(Clone, Debug)]
pub struct Host {
    /// `/etc/machine-id`; empty if there is none, which makes entity ids unique per boot only.
    pub machine_id: String,
    /// This boot.
    pub boot_id: String,
    /// Its name.
    pub name: String,
    /// Release of the kernel.
    pub kernel: String,
}

impl Host {
    /// Looks.
    #[must_use]
    pub fn look() -> Self {
        let text = |path: &str| {
            let bytes = store::read_capped(Path::new(path), 4096).unwrap_or_default();
            String::from_utf8_lossy(&bytes).trim().to_owned()
        };
        let system = rustix::system::uname();
        Self {
            machine_id: text("/etc/machine-id"),
            boot_id: text("/proc/sys/kernel/random/boot_id"),
            name: system.nodename().to_string_lossy().into_owned(),
            kernel: system.release().to_string_lossy().into_owned(),
        }
    }

    /// What ids are made of.
    #[must_use]
    pub fn origin(&self) -> Origin {
        Origin::new(&self.machine_id, &self.boot_id)
    }

    /// What enrichment needs.
    #[must_use]
    pub fn for_enrichment(&self) -> enrich::Host {
        enrich::Host {
            name: self.name.as_bytes().into(),
            boot_id: self.boot_id.as_bytes().into(),
            boot_to_wall_ns: live::wall_offset_ns(),
        }
    }
}

/// The scope's cgroup: its id and its depth below the root.
fn scope(path: &Path) -> Result<(u64, u32), LiveError> {
    let failed = |why: String| LiveError::Scope { path: path.to_owned(), why };
    let absolute = std::fs::canonicalize(path).map_err(|error| failed(error.to_string()))?;
    let root = crate::kernel::probe::Host::look()
        .cgroup2
        .ok_or_else(|| failed("no cgroup version 2 is mounted on this host".to_owned()))?;
    let below = absolute
        .strip_prefix(&root)
        .map_err(|_| failed(format!("not a cgroup of version 2 (those are below {root})")))?;
    let level = u32::try_from(below.components().count()).unwrap_or(u32::MAX);
    if level == 0 {
        return Err(failed("the root cgroup is the whole host; leave the scope out".to_owned()));
    }
    let id = std::fs::metadata(&absolute).map_err(|error| failed(error.to_string()))?.ino();
    Ok((id, level))
}

/// The probes are loaded, nothing is read yet: the state in which the engine confines itself.
pub struct Loaded {
    client: Client,
    live: Live,
    plan: Arc<Mutex<Plan>>,
    /// The host.
    pub host: Host,
    /// Folders that are watched, by number.
    folders: Vec<PathBuf>,
    scoped: bool,
    seeds: Vec<crate::event::Seed>,
}

/// Has the helper open what the engine may not.
struct ByHelper(Opener);

impl Files for ByHelper {
    fn image(&self, process: ProcessKey) -> io::Result<OwnedFd> {
        self.0.image(process)
    }

    fn executed(&self, process: Option<ProcessKey>, path: &[u8]) -> io::Result<OwnedFd> {
        self.0.executed(process, Path::new(OsStr::from_bytes(path)))
    }

    fn below(&self, folder: u32, path: &Path) -> io::Result<OwnedFd> {
        self.0.below(folder, path)
    }

    fn watch(&self, folder: u32, path: &Path) -> io::Result<(i32, OwnedFd)> {
        self.0.watch(folder, path)
    }
}

/// Attaches what rules need that come later.
#[derive(Clone)]
pub struct Attacher {
    client: Client,
    plan: Arc<Mutex<Plan>>,
}

impl Attacher {
    /// Has the helper attach these kinds too; those that are there stay. Gives what runs then.
    ///
    /// # Errors
    /// If the helper does not answer or cannot read the kernel's types.
    pub fn attach(&self, kinds: KindSet) -> Result<Plan, HelperError> {
        let settled = |plan: &Plan| {
            let of = |kind: Kind| plan.kinds.iter().find(|one| one.kind == kind.name());
            Kind::ALL
                .iter()
                .filter(|kind| kind.is_from_kernel() && kinds.contains(**kind))
                .all(|kind| of(*kind).is_some_and(|it| it.is_settled()))
        };
        let before = self.plan.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if settled(&before) {
            return Ok(before);
        }
        let plan = self.client.attach(kinds)?;
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = plan.clone();
        Ok(plan)
    }
}

impl Loaded {
    /// Has the helper load what `kinds` need, maps the rings and reads the processes that are there.
    ///
    /// # Errors
    /// [`LiveError`] if the kernel refuses or the scope is none.
    pub fn load(client: Client, config: &Config, kinds: KindSet) -> Result<Self, LiveError> {
        let (scope_cgroup, scope_level) = config.cgroup.as_deref().map_or(Ok((0, 0)), scope)?;
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let rings = u32::try_from(processors.min(MAX_RINGS)).unwrap_or(1);
        let ring_bytes = config.limits.ring_bytes;
        let folders = if scan::BUILT_IN { name_folders(&client, &config.scan.watch)? } else { Vec::new() };
        let started = client.start(StartRequest { kinds: kinds.0, rings, ring_bytes, scope_level, scope_cgroup })?;
        let host = Host::look();
        let mut live = Live::new(started.rings, ring_bytes, &started.counters, host.origin(), &host.boot_id)?;
        let mut seeds = Vec::new();
        match client.iterate() {
            Ok(iterator) => live.read_seeds(iterator, |mut seed| {
                enrich::procfs::complete_arguments(Path::new("/proc"), &mut seed);
                seeds.push(seed);
            })?,
            Err(HelperError::Refused(reason)) => {
                tracing::warn!(%reason, "no task iterator: processes are read from /proc");
                // A scope must not show what is outside it; without the iterator nothing is known of the others.
                if config.cgroup.is_none() {
                    seeds.extend(enrich::procfs::read_procfs(Path::new("/proc"), None)?);
                }
            }
            Err(error) => return Err(error.into()),
        }
        let (plan, scoped) = (Arc::new(Mutex::new(started.plan)), config.cgroup.is_some());
        Ok(Self { client, live, plan, host, folders, scoped, seeds })
    }

    /// What runs.
    #[must_use]
    pub fn plan(&self) -> Plan {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A scanner of what processes run and of the folders that were named.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn scanner(&self, config: &config::Scan, rules: Option<Arc<scan::Rules>>) -> io::Result<Worker> {
        let notices = if self.folders.is_empty() { None } else { Some(self.client.files().notices()?) };
        let watch =
            notices.map(|notices| WatchedFolders { notices, folders: self.folders.clone(), limit: config.folders });
        // A scope must not show what is outside it.
        let nobody = (!self.scoped).then(|| {
            let host = self.host.for_enrichment();
            Event { host_name: Some(host.name), boot_id: Some(host.boot_id), ..Event::new(Kind::YaraMatch) }
        });
        let files = Arc::new(ByHelper(self.client.files()));
        Worker::start(Setup { limits: config.limits, files, watch, nobody, rules, now })
    }

    /// For what comes later.
    #[must_use]
    pub fn attacher(&self) -> Attacher {
        Attacher { client: self.client.clone(), plan: Arc::clone(&self.plan) }
    }
}

/// Tells the helper which folders will be watched.
fn name_folders(client: &Client, paths: &[PathBuf]) -> Result<Vec<PathBuf>, LiveError> {
    let mut folders = Vec::new();
    for path in paths {
        let failed = |error: io::Error| LiveError::Folder { path: path.clone(), error };
        client.files().folder(path).map_err(failed)?;
        folders.push(path.clone());
    }
    Ok(folders)
}

/// The reader thread and what it shares.
struct Reader {
    items: Receiver<Vec<Item>>,
    counters: Arc<Mutex<Counters>>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<io::Result<()>>,
}

fn start_reader(mut live: Live) -> io::Result<Reader> {
    let (sender, items) = bounded(QUEUE_BATCHES);
    let counters = Arc::new(Mutex::new(Counters::default()));
    let stop = Arc::new(AtomicBool::new(false));
    let (shared, stopping) = (Arc::clone(&counters), Arc::clone(&stop));
    let thread = std::thread::Builder::new().name("rings".to_owned()).spawn(move || {
        let mut counted = Instant::now();
        loop {
            // Read before the drain: what came before the stop is still handed on.
            let stopping = stopping.load(Ordering::Acquire);
            let mut batch = Vec::new();
            if stopping {
                live.finish(|item| batch.push(item));
            } else {
                live.wait(READER_PAUSE)?;
                live.round(|item| batch.push(item));
            }
            if !batch.is_empty() && sender.send(batch).is_err() {
                return Ok(());
            }
            if stopping || counted.elapsed() >= LOSS_INTERVAL / 2 {
                counted = Instant::now();
                *shared.lock().unwrap_or_else(PoisonError::into_inner) = live.counters();
            }
            if stopping {
                return Ok(());
            }
        }
    })?;
    Ok(Reader { items, counters, stop, thread })
}

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The sensor's own numbers at the end.
    pub counters: Counters,
    /// Runs the kernel left out because a program was already running on the CPU.
    pub recursion_misses: u64,
}

/// Losses already reported, so that each is reported once.
#[derive(Default)]
struct Reported {
    lost: [u64; Kind::ALL.len()],
    other: u64,
    late: u64,
    undecodable: u64,
    misses: u64,
    unscanned: [(&'static str, u64); Missed::REASONS],
    /// When the counters of the last report were read, nanoseconds on the boot clock.
    read_ns: u64,
}

/// How to run, and who is told how it goes.
pub struct Watch<'w> {
    /// Stop after this time.
    pub limit: Option<Duration>,
    /// Time between two status messages.
    pub status_interval: Option<Duration>,
    /// Takes the sentence of each.
    pub on_status: &'w mut (dyn FnMut(&Status) + Send),
    /// Where the numbers are published, each second.
    pub board: &'w Board,
    /// What is watched, in words.
    pub scope: &'w str,
    /// Most entries of the process table.
    pub processes: usize,
    /// Hears that the pipeline comes round.
    pub service: &'w mut Service,
    /// Where other rules come from while it runs.
    pub renewals: Option<Renewals>,
    /// Hears that other rules are in force: those before, and the new ones.
    pub on_renewal: &'w mut (dyn FnMut(&Retired, &Stages) + Send),
    /// What somebody has to see to from the start.
    pub alarm: Option<String>,
}

/// Runs until `stop` is set or the limit has passed, in a thread that begins and ends with it.
///
/// A thread has a heap of its own, and what is freed goes back to the heap it came from: the first rules lie in the
/// caller's. If events took their memory there, each would wait while these rules are freed beside them.
///
/// # Errors
/// [`LiveError`] if the helper ends or the rings cannot be read any more; what was read is delivered.
pub fn run(loaded: Loaded, stages: &mut Stages, stop: &AtomicBool, watch: Watch<'_>) -> Result<Outcome, LiveError> {
    std::thread::scope(|scope| {
        let events = std::thread::Builder::new().name("events".to_owned());
        let events = events.spawn_scoped(scope, || follow(loaded, stages, stop, watch))?;
        events.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Takes what the sensor sees through the stages until there is no more.
fn follow(loaded: Loaded, stages: &mut Stages, stop: &AtomicBool, watch: Watch<'_>) -> Result<Outcome, LiveError> {
    let Watch { limit, status_interval, on_status, board, scope, processes, service, renewals, on_renewal, alarm } =
        watch;
    let Loaded { client, live, plan, host, seeds, .. } = loaded;
    for seed in seeds {
        stages.seed(seed);
    }
    if let Some(message) = alarm {
        raise(stages, Severity::Critical, message, &host);
    }
    let started = Instant::now();
    let reader = start_reader(live)?;
    let mut reported = Reported::default();
    // At once: whoever asks how it is doing wants to know.
    let (mut looked, mut told) = (None::<Instant>, Instant::now());
    let mut facts = Facts::default();
    let mut matches = stages.scanner.as_ref().map_or_else(never, |scanner| scanner.matches().clone());
    let (mut failure, mut renewed, mut refused) = (None, 0, 0);
    while !stop.load(Ordering::Acquire) && limit.is_none_or(|limit| started.elapsed() < limit) {
        select! {
            recv(reader.items) -> batch => match batch {
                Ok(batch) => take(stages, batch),
                // The reader ends by itself only on an error, which its thread returns.
                Err(_) => break,
            },
            recv(matches) -> event => match event {
                Ok(event) => stages.found(event),
                Err(_) => {
                    matches = never();
                    stages.scanner = None;
                    raise(stages, Severity::High, "files are not scanned any more: the thread has ended".to_owned(), &host);
                }
            },
            default(READER_PAUSE) => {}
        }
        service.alive();
        stages.tune();
        if let Some(renewals) = &renewals
            && let Some(renewal) = renewals.next()
        {
            let retired = stages.renew(renewal);
            renewed += 1;
            on_renewal(&retired, stages);
            renewals.retire(retired);
        }
        let refusals = renewals.as_ref().map_or(0, Renewals::refused);
        if refusals > refused {
            refused = refusals;
            let generation = stages.rules.generation().unwrap_or_default();
            let message = format!("the new rules cannot be used: those of generation {generation} stay in force");
            raise(stages, Severity::High, message, &host);
        }
        if looked.is_none_or(|looked| looked.elapsed() >= LOSS_INTERVAL) {
            looked = Some(Instant::now());
            match client.look() {
                // The helper is at work for the thread that reads rules: the next second will do.
                Ok(seen) => facts = seen.unwrap_or(facts),
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
            let plan = plan.lock().unwrap_or_else(PoisonError::into_inner).clone();
            report(&reader.counters, facts.recursion_misses(), &mut reported, stages, &host);
            let counters = reader.counters.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let mut snapshot = snapshot(stages, &counters, &facts, &host);
            snapshot.uptime_ns = nanoseconds(started.elapsed());
            snapshot.scope = scope.to_owned();
            snapshot.sensing = plan.summary();
            snapshot.reloads = api::Reloads { done: renewed, refused };
            snapshot.processes.capacity = number(processes);
            let waiting = api::Queue { length: number(reader.items.len()), capacity: number(QUEUE_BATCHES) };
            snapshot.queues.insert("batches".to_owned(), waiting);
            board.publish(snapshot);
            let Time(ns) = now();
            stages.tick(Time(ns.saturating_sub(LATEST_NS)));
        }
        if status_interval.is_some_and(|interval| told.elapsed() >= interval) {
            told = Instant::now();
            let status = status(stages, &plan.lock().unwrap_or_else(PoisonError::into_inner), &host);
            service.status(&status.message);
            on_status(&status);
            stages.status(status);
        }
    }
    service.stopping();
    // Detach first, so that the rings can be emptied for good.
    if failure.is_none() {
        match client.look().and_then(|seen| client.detach().map(|()| seen)) {
            Ok(seen) => facts = seen.unwrap_or(facts),
            Err(error) => failure = Some(error),
        }
    }
    reader.stop.store(true, Ordering::Release);
    for batch in &reader.items {
        take(stages, batch);
    }
    if let Some(scanner) = stages.scanner.take() {
        let counters = scanner.finish(PATIENCE, |event| stages.found(event));
        report_unscanned(&counters, &mut reported, stages, &host);
    }
    let misses = facts.recursion_misses();
    let ended = reader.thread.join().unwrap_or_else(|_| Err(io::Error::other("the reader thread panicked")));
    report(&reader.counters, misses, &mut reported, stages, &host);
    let counters = reader.counters.lock().unwrap_or_else(PoisonError::into_inner).clone();
    ended?;
    match failure {
        Some(error) => Err(error.into()),
        None => Ok(Outcome { counters, recursion_misses: misses }),
    }
}

fn take(stages: &mut Stages, batch: Vec<Item>) {
    for item in batch {
        match item {
            Item::Event(event) => stages.event(event),
            Item::Seed(mut seed) => {
                enrich::procfs::complete_arguments(Path::new("/proc"), &mut seed);
                stages.seed(*seed);
            }
        }
    }
}

/// Now, on the wall clock, nanoseconds since the epoch.
#[must_use]
pub fn wall_clock_ns() -> i64 {
    now().0
}

/// Now, on the wall clock.
#[must_use]
pub fn now() -> Time {
    let boot = i64::try_from(live::boot_clock_ns()).unwrap_or(i64::MAX);
    Time(boot.saturating_add(live::wall_offset_ns()))
}

fn report(counters: &Mutex<Counters>, misses: u64, reported: &mut Reported, stages: &mut Stages, host: &Host) {
    let counters = counters.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let offset = live::wall_offset_ns();
    let wall = |boot_ns: u64| i64::try_from(boot_ns).ok().map(|ns| Time(ns.saturating_add(offset)));
    let host_name = Some(host.name.as_bytes().into());
    let mut losses = Vec::new();
    for lost in &counters.lost {
        let before = match lost.kind {
            Some(kind) => reported.lost.get_mut(kind as usize),
            None => Some(&mut reported.other),
        };
        let Some(before) = before else { continue };
        if lost.count > *before {
            losses.push(Loss {
                name: Some("ring".to_owned()),
                kind: lost.kind,
                // The kernel remembers the first since the start; these were lost after the last look at its counters.
                first: wall(lost.first_ns.max(reported.read_ns).min(lost.last_ns)),
                last: wall(lost.last_ns),
                rules: lost.kind.map(|kind| stages.blind_to(kind)).unwrap_or_default(),
                ..Loss::new(LossSource::Kernel, Lost::Event, lost.count - *before)
            });
            *before = lost.count;
        }
    }
    for (now_count, before, source, name) in [
        (counters.undecodable, &mut reported.undecodable, LossSource::Kernel, "record that cannot be decoded"),
        (misses, &mut reported.misses, LossSource::Kernel, "program that would have re-entered itself"),
        (counters.late, &mut reported.late, LossSource::Merge, "order: delivered late"),
    ] {
        if now_count > *before {
            losses.push(Loss {
                name: Some(name.to_owned()),
                last: Some(now()),
                ..Loss::new(source, Lost::Event, now_count - *before)
            });
            *before = now_count;
        }
    }
    reported.read_ns = counters.read_ns;
    for loss in losses {
        stages.loss(Loss { host_name: host_name.clone(), ..loss });
    }
    if let Some(counters) = stages.scanner.as_ref().map(Worker::counters) {
        report_unscanned(&counters, reported, stages, host);
    }
    stages.report_forgotten(host_name.clone());
    for loss in stages.sinks.take_losses() {
        stages.own_loss(Loss { host_name: host_name.clone(), ..loss });
    }
}

/// Reports files that were not scanned.
fn report_unscanned(counters: &scan::Counters, reported: &mut Reported, stages: &mut Stages, host: &Host) {
    for ((name, count), (_, before)) in counters.missed.named().into_iter().zip(&mut reported.unscanned) {
        let new = count.saturating_sub(std::mem::replace(before, count));
        if new > 0 {
            stages.own_loss(Loss {
                name: Some(name.to_owned()),
                host_name: Some(host.name.as_bytes().into()),
                last: Some(now()),
                rules: stages.blind_to(Kind::YaraMatch),
                ..Loss::new(LossSource::Scan, Lost::File, new)
            });
        }
    }
}

/// Tells what somebody has to see to, wherever alerts go.
fn raise(stages: &Stages, severity: Severity, message: String, host: &Host) {
    stages.status(Status {
        time: Some(now()),
        host_name: Some(host.name.as_bytes().into()),
        message,
        numbers: Vec::new(),
        alarm: Some(severity),
    });
}

fn status(stages: &Stages, plan: &Plan, host: &Host) -> Status {
    let tally = &stages.tally;
    let sinks = stages.sinks.counters();
    let undelivered: u64 = sinks.iter().map(|sink| sink.lost).sum();
    let lost = tally.lost.saturating_add(undelivered);
    let processes = u64::try_from(stages.enricher.counters().entries).unwrap_or(u64::MAX);
    let active = u64::try_from(stages.active_rules()).unwrap_or(u64::MAX);
    Status {
        time: Some(now()),
        host_name: Some(host.name.as_bytes().into()),
        message: format!(
            "{} events, {lost} lost, {} alerts ({} suppressed), {active} rules, {}",
            tally.total(),
            tally.alerts,
            tally.suppressed,
            plan.summary()
        ),
        numbers: vec![
            ("events", tally.total()),
            ("lost", lost),
            ("alerts", tally.alerts),
            ("suppressed", tally.suppressed),
            ("rules", active),
            ("processes", processes),
        ],
        alarm: None,
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// All numbers of the sensor, but for what only its main loop knows.
fn snapshot(stages: &Stages, counters: &Counters, facts: &Facts, host: &Host) -> Snapshot {
    let tally = &stages.tally;
    let sinks = stages.sinks.counters();
    let mut snapshot = Snapshot {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        host: host.name.clone(),
        time: rfc3339(now().0),
        rules: number(stages.active_rules()),
        generation: stages.rules.generation().map(str::to_owned),
        tunings: tally.tunings,
        memory: api::Memory { engine_bytes: store::resident_bytes(), helper_bytes: facts.resident_bytes },
        ..Snapshot::default()
    };
    for (place, kind) in Kind::ALL.iter().enumerate() {
        let at = |counts: &[u64]| counts.get(place).copied().unwrap_or(0);
        let counts = api::Kind {
            written: at(&counters.written),
            read: at(&counters.read),
            judged: at(&tally.events),
            rule_time_ns: at(&tally.rule_time_ns),
        };
        snapshot.events.insert(kind.name().to_owned(), counts);
    }
    let mut lose = |source: LossSource, name: &str, kind: Option<Kind>, count: u64| {
        if count > 0 {
            let (source, name) = (source.word().to_owned(), name.to_owned());
            snapshot.losses.push(api::Loss { source, name, kind: kind.map(|kind| kind.name().to_owned()), count });
        }
    };
    for lost in &counters.lost {
        lose(LossSource::Kernel, "ring", lost.kind, lost.count);
    }
    lose(LossSource::Kernel, "undecodable", None, counters.undecodable);
    lose(LossSource::Kernel, "recursion", None, facts.recursion_misses());
    lose(LossSource::Merge, "late", None, counters.late);
    let several = stages.state.counters();
    lose(LossSource::Detect, "evicted", None, several.evicted_entries);
    lose(LossSource::Detect, "late", None, several.late);
    lose(LossSource::Detect, "untimed", None, several.untimed);
    if let Some(scanner) = &stages.scanner {
        let scan::Counters { scanned, bytes, known, partial, matches, waiting, folders, missed } = scanner.counters();
        for (name, count) in missed.named() {
            lose(LossSource::Scan, name, None, count);
        }
        let rules = number(scanner.rules());
        snapshot.scan = Some(api::Scan { rules, scanned, bytes, known, partial, matches, folders });
        snapshot.queues.insert("scan".to_owned(), api::Queue { length: waiting, capacity: number(scanner.capacity()) });
    }
    for sink in &sinks {
        lose(LossSource::Sink, &sink.name, None, sink.lost);
    }
    let dedup = stages.dedup.counters();
    snapshot.alerts = api::Alerts {
        sent: tally.alerts,
        suppressed: tally.suppressed,
        deduplication: api::Deduplication {
            entries: number(dedup.entries),
            repeats: dedup.repeats,
            updates: dedup.updates,
            evicted: dedup.evicted,
        },
    };
    snapshot.correlations = api::Correlations {
        groups: number(several.groups),
        entries: number(several.entries),
        evicted_groups: several.evicted_groups,
        evicted_entries: several.evicted_entries,
        late: several.late,
        untimed: several.untimed,
        incomplete: several.incomplete,
        repeats: several.repeats,
        set_back: several.set_back,
    };
    for (place, (length, capacity)) in counters.rings.iter().copied().enumerate() {
        snapshot.queues.insert(format!("ring_{place}"), api::Queue { length, capacity });
    }
    snapshot.sinks = sinks
        .into_iter()
        .map(|sink| api::Sink {
            name: sink.name,
            delivered: sink.delivered,
            lost: sink.lost,
            queued: sink.queued,
            spool: sink.spool.map(|spool| api::Spool {
                records: spool.records,
                in_memory: spool.in_memory,
                bytes: spool.bytes,
                max_bytes: spool.max_bytes,
                damaged: spool.damaged,
                resent: spool.resent,
            }),
            last_error: sink.last_error,
        })
        .collect();
    let table = stages.enricher.counters();
    snapshot.processes = api::Processes {
        entries: number(table.entries),
        capacity: 0,
        retained: number(table.retained),
        bytes: number(table.bytes),
        evicted_live: table.evicted_live,
        evicted_exited: table.evicted_exited,
        expired: table.expired,
        unknown_process: table.unknown_process,
        unknown_parent: table.unknown_parent,
        corrections: table.corrections,
        missed_exits: table.missed_exits,
    };
    for (name, program) in &facts.programs {
        let one = api::Program {
            runs: program.runs,
            run_time_ns: program.run_time_ns,
            recursion_misses: program.recursion_misses,
        };
        snapshot.programs.insert(name.clone(), one);
    }
    snapshot
}
