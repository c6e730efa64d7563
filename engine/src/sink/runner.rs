//! The threads of the sinks: one queue and one thread each, counted to the last record.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, SendTimeoutError, Sender, TrySendError, bounded};

use super::{
    Counters, Failure, Include, Opened, Output, PAUSE, Record, SinkConfig, SinkError,
    ledger::Ledger,
    remote::{Backoff, Remote, Unspooled},
    spooled::{self, Post},
};
use crate::{
    event::{Loss, Severity},
    store::spool::Reader,
};

/// When the threads must end: not yet known, or at that instant.
#[derive(Debug, Default)]
pub(super) struct Stop {
    deadline: Mutex<Option<Instant>>,
    changed: Condvar,
}

impl Stop {
    fn set(&self, deadline: Instant) {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) = Some(deadline);
        self.changed.notify_all();
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn passed(&self) -> bool {
        self.deadline().is_some_and(|at| at <= Instant::now())
    }

    /// Sleeps, but not beyond the deadline; a deadline set meanwhile ends the sleep.
    pub(super) fn sleep(&self, pause: Duration) {
        let guard = self.deadline.lock().unwrap_or_else(PoisonError::into_inner);
        match *guard {
            // The end is near: short naps, so that a receiver that comes back is still served.
            Some(at) => {
                let left = at.saturating_duration_since(Instant::now());
                drop(guard);
                thread::sleep(left.min(pause).min(PAUSE.0));
            }
            None => drop(self.changed.wait_timeout(guard, pause).unwrap_or_else(PoisonError::into_inner)),
        }
    }
}

#[derive(Debug)]
struct Lane {
    name: String,
    include: Include,
    minimum: Severity,
    suppressed: bool,
    status: bool,
    queue: Sender<Record>,
    ledger: Arc<Ledger>,
    post: Option<Arc<Post>>,
    done: Receiver<()>,
    thread: thread::JoinHandle<()>,
}

impl Lane {
    fn wants(&self, record: &Record) -> bool {
        match record {
            Record::Alert(alert) => {
                self.include != Include::Events
                    && alert.rule.severity >= self.minimum
                    && (self.suppressed || alert.suppressed_by.is_none())
            }
            Record::Event(_) => self.include != Include::Alerts,
            Record::Loss(_) => true,
            Record::Status(status) => self.status || status.alarm.is_some(),
        }
    }

    /// Puts an alert into the spool, if there is one. False: it must go through the queue, and is announced there.
    fn spooled(&self, record: &Record) -> bool {
        match (&self.post, record) {
            (Some(post), Record::Alert(_)) => {
                let taken = post.alert(record);
                if !taken {
                    post.alert_queued();
                }
                taken
            }
            (Some(_), Record::Event(_) | Record::Loss(_) | Record::Status(_)) | (None, _) => false,
        }
    }

    /// A record that found no room in the queue.
    fn lose(&self, record: &Record) {
        if let (Some(post), Record::Alert(_)) = (&self.post, record) {
            post.alert_unqueued();
        }
        self.ledger.lost(record);
    }
}

/// The counters of a sink, its spool's included.
fn counters(ledger: &Ledger, post: Option<&Post>, name: &str, queued: usize) -> Counters {
    let mut counters = ledger.counters(name, queued as u64);
    counters.spool = post.map(Post::counters);
    counters.queued += counters.spool.map_or(0, |spool| spool.records);
    counters
}

/// The running outputs.
#[derive(Debug)]
pub struct Sinks {
    lanes: Vec<Lane>,
    stop: Arc<Stop>,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The last counters of each sink.
    pub counters: Vec<Counters>,
    /// Sinks whose receiver still held their thread at the deadline; their queues count as lost.
    pub stuck: Vec<String>,
}

impl Sinks {
    /// Opens every sink and starts its thread. Sinks without a name of their own, or with one already
    /// taken, get a number: `file`, `file-2`.
    ///
    /// # Errors
    /// [`SinkError`] names the first sink that cannot be opened; those before it are stopped.
    pub fn start(configs: &[SinkConfig]) -> Result<Self, SinkError> {
        let mut sinks = Self { lanes: Vec::with_capacity(configs.len()), stop: Arc::default() };
        let mut taken: HashMap<&str, u32> = HashMap::new();
        for config in configs {
            let uses = taken.entry(config.name()).or_default();
            *uses += 1;
            let name = if *uses == 1 { config.name().to_owned() } else { format!("{}-{uses}", config.name()) };
            let output = config.sink.open(config).map_err(|error| SinkError::Open {
                name: name.clone(),
                sink: config.sink.name(),
                error,
            })?;
            sinks.lanes.push(start(config, name, output, Arc::clone(&sinks.stop))?);
        }
        Ok(sinks)
    }

    /// Hands a record to every sink that wants it; never waits for a receiver. A full queue is a counted loss.
    pub fn offer(&self, record: &Record) {
        for lane in self.wanting(record) {
            lane.ledger.offered();
            if lane.spooled(record) {
                continue;
            }
            match lane.queue.try_send(record.clone()) {
                Ok(()) => {}
                Err(TrySendError::Full(record) | TrySendError::Disconnected(record)) => lane.lose(&record),
            }
        }
    }

    /// Hands a record to every sink that wants it and waits for room in its queue, at most `patience`
    /// per sink: for a replay, which has time and would otherwise outrun every receiver.
    pub fn wait_for(&self, record: &Record, patience: Duration) {
        for lane in self.wanting(record) {
            lane.ledger.offered();
            if lane.spooled(record) {
                continue;
            }
            match lane.queue.send_timeout(record.clone(), patience) {
                Ok(()) => {}
                Err(SendTimeoutError::Timeout(record) | SendTimeoutError::Disconnected(record)) => lane.lose(&record),
            }
        }
    }

    /// Those with a spool come first: an alert that anybody has seen anywhere is then safe from the end of
    /// the process.
    fn wanting(&self, record: &Record) -> impl Iterator<Item = &Lane> {
        let (first, then) = (self.lanes.iter(), self.lanes.iter());
        let spooled = first.filter(|lane| lane.post.is_some());
        spooled.chain(then.filter(|lane| lane.post.is_none())).filter(|lane| lane.wants(record))
    }

    /// Whether any sink takes events, so that the pipeline can spare the work.
    #[must_use]
    pub fn wants_events(&self) -> bool {
        self.lanes.iter().any(|lane| lane.include != Include::Alerts)
    }

    /// The counters of each sink.
    #[must_use]
    pub fn counters(&self) -> Vec<Counters> {
        self.lanes
            .iter()
            .map(|lane| counters(&lane.ledger, lane.post.as_deref(), &lane.name, lane.queue.len()))
            .collect()
    }

    /// What the sinks have lost since the last call, by kind.
    #[must_use]
    pub fn take_losses(&self) -> Vec<Loss> {
        self.lanes.iter().flat_map(|lane| lane.ledger.take(&lane.name)).collect()
    }

    /// Delivers what is queued, for at most `patience`, and ends the threads. What is left then stays in
    /// the spool, for the next start; of a sink without one it is lost and counted.
    #[must_use]
    pub fn stop(self, patience: Duration) -> Report {
        let deadline = Instant::now() + patience;
        self.stop.set(deadline);
        let mut report = Report { counters: Vec::with_capacity(self.lanes.len()), stuck: Vec::new() };
        // Dropping the queues lets the threads end when they are empty.
        let ends: Vec<_> =
            self.lanes.into_iter().map(|lane| (lane.name, lane.ledger, lane.post, lane.done, lane.thread)).collect();
        for (name, ledger, post, done, thread) in ends {
            // Somewhat more than the deadline: a thread that is not stuck, but has to wait for a CPU, counts its rest as lost itself.
            let grace = deadline + Duration::from_secs(1);
            let ended = done.recv_deadline(grace) != Err(crossbeam_channel::RecvTimeoutError::Timeout);
            if ended && thread.join().is_ok() {
                report.counters.push(counters(&ledger, post.as_deref(), &name, 0));
            } else {
                let written_off = || ledger.written_off(&name);
                report.counters.push(post.map_or_else(written_off, |post| spooled::written_off(&post, &name)));
                report.stuck.push(name);
            }
        }
        report
    }
}

fn start(config: &SinkConfig, name: String, opened: Opened, stop: Arc<Stop>) -> Result<Lane, SinkError> {
    let ledger = Arc::new(Ledger::default());
    let output = match opened {
        Opened::Local(output) => output,
        Opened::Remote(remote) => match spooled::open(config, &name) {
            Ok(Some((spool, reader))) => {
                let post = Post::new(spool, Arc::clone(&remote.encoder), Arc::clone(&ledger), config.include());
                return start_spooled(config, name, remote, Arc::new(post), reader, ledger, stop);
            }
            Ok(None) => Box::new(Unspooled(remote)),
            Err(error) => {
                let error = io::Error::other(error.to_string());
                return Err(SinkError::Open { name, sink: config.sink.name(), error });
            }
        },
    };
    let (queue, records) = bounded(config.values.length("queue").max(1));
    let (ended, done) = bounded::<()>(1);
    let book = Arc::clone(&ledger);
    let thread = spawn("sink", &name, move || {
        work(output, &records, &book, &stop);
        // Dropping it tells `stop`, also if the thread ends by a panic.
        drop(ended);
    })?;
    Ok(lane(config, name, queue, ledger, None, done, thread))
}

fn start_spooled(
    config: &SinkConfig,
    name: String,
    remote: Remote,
    post: Arc<Post>,
    reader: Reader,
    ledger: Arc<Ledger>,
    stop: Arc<Stop>,
) -> Result<Lane, SinkError> {
    let (queue, records) = bounded(config.values.length("queue").max(1));
    let (ended, done) = bounded::<()>(1);
    let interval = config.values.duration("spool.sync");
    let keeping = Arc::clone(&post);
    let keeper = spawn("spool", &name, move || spooled::keep(&keeping, &records, interval))?;
    let carrying = Arc::clone(&post);
    let thread = spawn("sink", &name, move || {
        spooled::carry(&carrying, reader, remote.carrier, &stop);
        // The keeper ends when the queue is empty; if it broke, what it had is counted by `written_off`.
        let kept = keeper.join();
        drop(ended);
        if let Err(panic) = kept {
            std::panic::resume_unwind(panic);
        }
    })?;
    Ok(lane(config, name, queue, ledger, Some(post), done, thread))
}

/// Threads have names of 15 bytes.
fn spawn(what: &str, name: &str, body: impl FnOnce() + Send + 'static) -> Result<thread::JoinHandle<()>, SinkError> {
    thread::Builder::new()
        .name(format!("{what}-{name}").chars().take(15).collect())
        .spawn(body)
        .map_err(|error| SinkError::Thread { name: name.to_owned(), error })
}

fn lane(
    config: &SinkConfig,
    name: String,
    queue: Sender<Record>,
    ledger: Arc<Ledger>,
    post: Option<Arc<Post>>,
    done: Receiver<()>,
    thread: thread::JoinHandle<()>,
) -> Lane {
    Lane {
        include: config.include(),
        minimum: config.minimum_severity(),
        suppressed: config.values.boolean("suppressed"),
        status: config.values.boolean("status"),
        name,
        queue,
        ledger,
        post,
        done,
        thread,
    }
}

fn work(mut output: Box<dyn Output>, records: &Receiver<Record>, ledger: &Ledger, stop: &Stop) {
    let mut backoff = Backoff::new();
    for record in records {
        let mut retried = false;
        loop {
            if stop.passed() {
                ledger.lost(&record);
                break;
            }
            match output.deliver(&record) {
                Ok(()) => {
                    ledger.delivered(1);
                    backoff.reset();
                    break;
                }
                Err(Failure::Lost(error)) => {
                    ledger.note(&error);
                    ledger.lost(&record);
                    break;
                }
                Err(Failure::PreviousLost(error)) => {
                    ledger.note(&error);
                    ledger.previous_lost();
                    if std::mem::replace(&mut retried, true) {
                        stop.sleep(PAUSE.0);
                    }
                }
                Err(Failure::Again(error)) => {
                    ledger.note(&error);
                    stop.sleep(backoff.pause());
                }
                Err(Failure::Later(error, wish)) => {
                    ledger.note(&error);
                    stop.sleep(wish.clamp(backoff.pause(), spooled::MAX_WISH));
                }
            }
        }
    }
}
