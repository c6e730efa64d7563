//! A sink with a spool: what is handed in goes to disk first, then to the receiver.
//!
//! ```text
//! pipeline ── alerts ───────────────┐
//!    └─ queue ─> keeper thread ─────┴─> spool ─> courier thread ─> receiver
//!                  └─ forces to disk                └─ acknowledges
//! ```
//!
//! An alert is in the spool when [`Post::alert`] returns: the process may be killed the next moment.
//! That costs the pipeline a write into the page cache. If the disk has not obeyed for seconds, or another
//! thread is stuck in such a write, alerts go through the queue instead, and a kill may cost those that
//! are in it: the pipeline must not stand still. Events, losses and status messages always do; among themselves alerts keep their order, and so
//! do the others.

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, select};

use super::{
    Counters, Failure, Include, Record, SinkConfig, SpoolCounters,
    ledger::Ledger,
    remote::{Backoff, Carrier, Encoder},
    runner::Stop,
};
use crate::{
    event::loss::Lost,
    store::spool::{Entry, Plan, Reader, Spool, SpoolError, WhenFull},
};

/// Longest wait of the pipeline for another thread that is using the spool.
const LOCK_PATIENCE: Duration = Duration::from_millis(100);
/// A disk that takes longer to obey is one to stay away from: frozen, or gone.
const SLOW_DISK: Duration = Duration::from_secs(2);
/// Longest sleep of the courier while there is nothing to carry.
const IDLE: Duration = Duration::from_secs(5);
/// Longest pause that a receiver may ask for.
pub(super) const MAX_WISH: Duration = Duration::from_secs(300);

/// What the threads of one sink share.
pub(super) struct Post {
    spool: Mutex<Spool>,
    /// Something was appended, or the keeper has ended.
    news: Condvar,
    closed: AtomicBool,
    encoder: Arc<dyn Encoder>,
    ledger: Arc<Ledger>,
    /// Alerts in the queue: those that follow must not overtake them.
    queued_alerts: AtomicUsize,
    nudge: Sender<()>,
    nudges: Receiver<()>,
    epoch: Instant,
    /// When the disk was last told to write, in milliseconds from `epoch`; 0 if it has done so.
    syncing_since: AtomicU64,
    damaged: AtomicU64,
    resent: AtomicU64,
    /// What is lost if nobody knows what it was.
    unknown: Lost,
}

impl std::fmt::Debug for Post {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Post").field("counters", &self.counters()).finish_non_exhaustive()
    }
}

/// Where a sink's spool is: below the folder for all, by type and name.
pub(super) fn folder(config: &SinkConfig, name: &str) -> Option<PathBuf> {
    let base = config.spool_folder()?;
    let mut file = format!("{}.", config.sink.name());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
            file.push(char::from(byte));
        } else {
            file.push_str(&format!("%{byte:02x}"));
        }
    }
    // File systems take names of 255 bytes.
    file.truncate(200);
    Some(base.join(file))
}

/// Opens the spool of a sink; nothing if it has none.
pub(super) fn open(config: &SinkConfig, name: &str) -> Result<Option<(Spool, Reader)>, SpoolError> {
    let Some(folder) = folder(config, name) else { return Ok(None) };
    let values = &config.values;
    let when_full = match values.text("spool.when_full") {
        Some("drop_oldest") => WhenFull::DropOldest,
        _ => WhenFull::DropNewest,
    };
    let settings = crate::store::spool::Settings {
        folder,
        max_bytes: values.number("spool.max_bytes"),
        memory_records: values.length("queue").max(1),
        when_full,
    };
    Spool::open(settings).map(Some)
}

fn tag(lost: Lost) -> u8 {
    match lost {
        Lost::Alert => 1,
        Lost::Event => 2,
        Lost::Notice => 3,
        // A sink has no such thing.
        Lost::File => 4,
    }
}

impl Post {
    pub(super) fn new(spool: Spool, encoder: Arc<dyn Encoder>, ledger: Arc<Ledger>, include: Include) -> Self {
        let (nudge, nudges) = bounded(1);
        Self {
            spool: Mutex::new(spool),
            news: Condvar::new(),
            closed: AtomicBool::new(false),
            encoder,
            ledger,
            queued_alerts: AtomicUsize::new(0),
            nudge,
            nudges,
            epoch: Instant::now(),
            syncing_since: AtomicU64::new(0),
            damaged: AtomicU64::new(0),
            resent: AtomicU64::new(0),
            unknown: match include {
                Include::Alerts | Include::Both => Lost::Alert,
                Include::Events => Lost::Event,
            },
        }
    }

    fn spool(&self) -> MutexGuard<'_, Spool> {
        self.spool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn counters(&self) -> SpoolCounters {
        let fill = self.spool().fill();
        SpoolCounters {
            records: fill.records,
            in_memory: fill.in_memory,
            bytes: fill.bytes,
            max_bytes: fill.max_bytes,
            damaged: self.damaged.load(Ordering::Relaxed),
            resent: self.resent.load(Ordering::Relaxed),
        }
    }

    /// Takes an alert at once. False: it must go through the queue.
    pub(super) fn alert(&self, record: &Record) -> bool {
        if self.queued_alerts.load(Ordering::Acquire) > 0 || self.disk_is_slow() {
            return false;
        }
        let payload = self.encoder.encode(record);
        let start = Instant::now();
        let spool = loop {
            match self.spool.try_lock() {
                Ok(spool) => break spool,
                Err(TryLockError::Poisoned(broken)) => break broken.into_inner(),
                Err(TryLockError::WouldBlock) if start.elapsed() < LOCK_PATIENCE => thread::yield_now(),
                Err(TryLockError::WouldBlock) => return false,
            }
        };
        self.append(spool, record, &payload);
        // A full channel has woken the keeper already.
        match self.nudge.try_send(()) {
            Ok(()) | Err(TrySendError::Full(()) | TrySendError::Disconnected(())) => true,
        }
    }

    /// An alert goes into the queue; taken back by whoever takes it out.
    pub(super) fn alert_queued(&self) {
        self.queued_alerts.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn alert_unqueued(&self) {
        self.queued_alerts.fetch_sub(1, Ordering::AcqRel);
    }

    fn append(&self, mut spool: MutexGuard<'_, Spool>, record: &Record, payload: &[u8]) {
        let sort = record.sort();
        let result = spool.append(tag(sort.0), payload);
        drop(spool);
        match result {
            Ok(appended) => {
                self.ledger.taken();
                if let Some(error) = appended.trouble {
                    self.ledger.note(&error);
                }
                for gone in appended.dropped {
                    self.lost(gone.tag, gone.count);
                }
            }
            Err(refused) => {
                self.ledger.note(&std::io::Error::other(refused.to_string()));
                self.ledger.lost(record);
            }
        }
        self.news.notify_one();
    }

    fn lost(&self, tag_of_it: Option<u8>, count: u64) {
        let lost = [Lost::Alert, Lost::Event, Lost::Notice].into_iter().find(|lost| Some(tag(*lost)) == tag_of_it);
        self.ledger.lost_many(lost.unwrap_or(self.unknown), count);
    }

    /// Records are not there that should be: the disk was damaged, or somebody has cut a file.
    fn missing(&self, count: u64) {
        if count > 0 {
            self.damaged.fetch_add(count, Ordering::Relaxed);
            self.ledger.note(&std::io::Error::other(format!("{count} records in the spool were damaged or removed")));
            self.lost(None, count);
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }

    fn disk_is_slow(&self) -> bool {
        let since = self.syncing_since.load(Ordering::Acquire);
        let patience = u64::try_from(SLOW_DISK.as_millis()).unwrap_or(u64::MAX);
        since > 0 && self.now().saturating_sub(since) > patience
    }

    fn sync(&self) {
        let Some(sync) = self.spool().to_sync() else { return };
        self.syncing_since.store(self.now(), Ordering::Release);
        let result = sync.run();
        self.syncing_since.store(0, Ordering::Release);
        if let Err(error) = result.and_then(|()| self.spool().synced(&sync)) {
            self.ledger.note(&error);
        }
    }
}

/// The keeper: brings the queue to the spool and the spool to the disk.
pub(super) fn keep(post: &Post, records: &Receiver<Record>, interval: Duration) {
    let mut due: Option<Instant> = None;
    loop {
        let wait = due.map_or(IDLE, |at| at.saturating_duration_since(Instant::now()));
        select! {
            recv(records) -> record => match record {
                Ok(record) => {
                    let payload = post.encoder.encode(&record);
                    post.append(post.spool(), &record, &payload);
                    if matches!(record, Record::Alert(_)) {
                        post.alert_unqueued();
                    }
                    due = due.or_else(|| Some(Instant::now() + interval));
                }
                // The sensor ends, and the queue is empty.
                Err(_) => break,
            },
            recv(post.nudges) -> _ => due = due.or_else(|| Some(Instant::now() + interval)),
            default(wait) => {}
        }
        if due.is_some_and(|at| at <= Instant::now()) {
            due = None;
            post.sync();
        }
    }
    post.sync();
    let spool = post.spool();
    post.closed.store(true, Ordering::Release);
    drop(spool);
    post.news.notify_one();
}

/// The courier: brings the spool to the receiver.
pub(super) fn carry(post: &Post, reader: Reader, carrier: Box<dyn Carrier>, stop: &Stop) {
    let doubt = carrier.doubt();
    Courier {
        post,
        reader,
        carrier,
        stop,
        doubt,
        hand: VecDeque::new(),
        sent: VecDeque::new(),
        backoff: Backoff::new(),
    }
    .run();
}

/// Records that were sent together and may still be lost: the last one's number, how many, and when.
struct Sent {
    last: u64,
    count: u64,
    at: Instant,
}

struct Courier<'a> {
    post: &'a Post,
    reader: Reader,
    carrier: Box<dyn Carrier>,
    stop: &'a Stop,
    doubt: Duration,
    /// Read and not yet sent.
    hand: VecDeque<Entry>,
    sent: VecDeque<Sent>,
    backoff: Backoff,
}

impl Courier<'_> {
    fn run(mut self) {
        loop {
            if !self.sent.is_empty() && !self.carrier.alive() {
                self.again();
                self.wait(None);
                continue;
            }
            while let Some(sure) = self.sent.pop_front_if(|sent| sent.at.elapsed() >= self.doubt) {
                self.delivered(sure.last, sure.count);
            }
            if self.hand.is_empty() && !self.fetch() {
                break;
            }
            if self.stop.passed() {
                break;
            }
            if !self.hand.is_empty() {
                self.send();
            }
        }
        if !self.sent.is_empty() && self.carrier.settle(self.stop.deadline().unwrap_or_else(Instant::now)) {
            while let Some(sent) = self.sent.pop_front() {
                self.delivered(sent.last, sent.count);
            }
        }
    }

    /// Reads what is next, and waits for it for a while. False at the end.
    fn fetch(&mut self) -> bool {
        let (max_records, max_bytes) = self.carrier.batch();
        let mut spool = self.post.spool();
        let plan = spool.plan(&mut self.reader, max_records);
        if matches!(plan, Plan::Nothing) {
            if self.post.closed.load(Ordering::Acquire) {
                return false;
            }
            let due = self.sent.front().map(|sent| self.doubt.saturating_sub(sent.at.elapsed()));
            let wait = due.unwrap_or(IDLE).min(IDLE);
            drop(self.post.news.wait_timeout(spool, wait).unwrap_or_else(PoisonError::into_inner));
            return true;
        }
        drop(spool);
        match self.reader.read(plan, max_records, max_bytes) {
            Ok(batch) => {
                let missing = self.post.spool().settle(&mut self.reader, &batch);
                self.post.missing(missing);
                self.hand = batch.entries.into();
                if self.hand.is_empty() && missing > 0 {
                    self.pass(self.reader.next_number() - 1, 0);
                }
            }
            Err(error) => {
                self.post.ledger.note(&error);
                self.wait(None);
            }
        }
        true
    }

    fn send(&mut self) {
        match self.carrier.send(self.hand.make_contiguous()) {
            Ok(count) => {
                let sent: Vec<Entry> = self.hand.drain(..count.clamp(1, self.hand.len())).collect();
                if let Some(last) = sent.last() {
                    self.pass(last.number, sent.len() as u64);
                }
            }
            Err(Failure::Lost(error)) => {
                self.post.ledger.note(&error);
                if let Some(entry) = self.hand.pop_front() {
                    self.post.lost(Some(entry.tag), 1);
                    self.pass(entry.number, 0);
                }
            }
            Err(Failure::PreviousLost(error)) => {
                self.post.ledger.note(&error);
                self.post.ledger.previous_lost();
                self.wait(None);
            }
            Err(Failure::Again(error)) => {
                self.post.ledger.note(&error);
                self.again();
                self.wait(None);
            }
            Err(Failure::Later(error, wish)) => {
                self.post.ledger.note(&error);
                self.again();
                self.wait(Some(wish));
            }
        }
    }

    /// Nothing up to this number needs to be sent any more, unless the connection turns out to be broken.
    fn pass(&mut self, last: u64, count: u64) {
        if self.doubt.is_zero() {
            self.delivered(last, count);
        } else {
            self.sent.push_back(Sent { last, count, at: Instant::now() });
        }
    }

    fn delivered(&mut self, last: u64, count: u64) {
        self.backoff.reset();
        self.post.ledger.delivered(count);
        let result = self.post.spool().acknowledge(last);
        if let Err(error) = result {
            self.post.ledger.note(&error);
        }
    }

    /// The connection is gone, and with it perhaps what was sent last.
    fn again(&mut self) {
        if self.doubt.is_zero() {
            return;
        }
        self.hand.clear();
        let again = self.sent.drain(..).map(|sent| sent.count).sum();
        self.post.resent.fetch_add(again, Ordering::Relaxed);
        let missing = self.post.spool().rewind(&mut self.reader);
        self.post.missing(missing);
    }

    fn wait(&mut self, wish: Option<Duration>) {
        let pause = self.backoff.pause();
        self.stop.sleep(wish.map_or(pause, |wish| wish.clamp(pause, MAX_WISH)));
    }
}

/// The last counters of a sink with a spool whose threads do not come back: what is in the spool is not
/// lost, what never reached it is.
pub(super) fn written_off(post: &Post, name: &str) -> Counters {
    let mut counters = post.ledger.counters(name, 0);
    counters.lost = counters.lost.saturating_add(post.ledger.not_taken());
    counters
}
