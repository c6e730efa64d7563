//! Records on disk until their receiver has them: bounded, checksummed, in order.
//!
//! A folder holds segments, files named by the number of their first record, and `state`, which says
//! how far delivery has come. A record is appended, handed out by a [`Reader`], and acknowledged;
//! a segment that is acknowledged wholly is deleted. What a crash, a power loss or a hand leaves
//! damaged is passed over: the records behind it are handed out, and the gap in the numbers is
//! counted. A disk that takes nothing more costs nothing as long as memory has room: records then wait
//! there, in order.
//!
//! Nothing here locks or waits: the caller shares a [`Spool`] between its threads and reads with the
//! [`Reader`] while others append.

mod frame;
mod segment;
mod state;

use std::{
    collections::VecDeque,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

pub use segment::Entry;
use segment::{Records, Step};
use state::{Position, State};

/// What happens to a record when the spool has its largest size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// It is refused: what happened first is kept.
    DropNewest,
    /// The oldest records that are not under way make room, a whole segment at once.
    DropOldest,
}

/// Where and how much.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder of this one spool; it is made if it is not there, its parent too.
    pub folder: PathBuf,
    /// Largest size of all segments, in bytes.
    pub max_bytes: u64,
    /// Most records that wait in memory while the disk takes none.
    pub memory_records: usize,
    /// What gives way when it is full.
    pub when_full: WhenFull,
}

/// Most bytes that wait in memory while the disk takes none.
const MEMORY_BYTES: usize = 16 << 20;
/// How long after a failure the disk is left alone.
const DISK_PAUSE: Duration = Duration::from_secs(1);
/// Numbers that a segment can begin with.
const FIRST: std::ops::Range<u64> = 1..u64::MAX / 2;
/// A file takes at least a block.
const BLOCK: u64 = 4096;

/// Why a spool cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// Another process delivers from this folder. The operator ends it, or gives each sink a folder of its own.
    #[error("{}: in use by another process", .0.display())]
    InUse(PathBuf),
    /// The system refused. The operator mends path, permissions or room.
    #[error("{}: {error}", path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// Why a record was not taken. It is lost.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The disk takes nothing, and memory is full too.
    #[error("the spool cannot be written: {0}")]
    Disk(io::Error),
    /// The spool has its largest size.
    #[error("the spool is full")]
    Full,
    /// No segment can hold it.
    #[error("a record of {0} bytes is too long for the spool")]
    TooLong(usize),
}

/// Records that are gone: how many, and the tag if it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone {
    /// What the caller said of them.
    pub tag: Option<u8>,
    /// How many.
    pub count: u64,
}

/// A record was taken.
#[derive(Debug, Default)]
pub struct Appended {
    /// Older records that had to make room for it.
    pub dropped: Vec<Gone>,
    /// Why it waits in memory instead of on disk.
    pub trouble: Option<io::Error>,
}

/// How much the spool holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fill {
    /// Records that are not acknowledged.
    pub records: u64,
    /// Those of them that wait in memory because the disk takes none.
    pub in_memory: u64,
    /// Size of all segments.
    pub bytes: u64,
    /// Largest size of all segments.
    pub max_bytes: u64,
}

#[derive(Debug)]
struct Segment {
    first: u64,
    bytes: u64,
    /// Tags of the records this process has written, by number from `first`.
    tags: Vec<u8>,
}

/// The writing side, and all that the sides share.
#[derive(Debug)]
pub struct Spool {
    settings: Settings,
    segment_bytes: u64,
    /// Holds the folder for this process.
    _lock: File,
    state: State,
    /// Oldest first.
    segments: VecDeque<Segment>,
    /// The last segment, if this process has made it.
    current: Option<File>,
    /// Earlier segments with bytes that were not yet forced to the disk.
    unsynced: Vec<File>,
    dirty: bool,
    folder_dirty: bool,
    /// Number of the next record.
    next: u64,
    /// Highest number in the segments.
    on_disk: u64,
    acknowledged: u64,
    memory: VecDeque<Entry>,
    memory_bytes: usize,
    failed: Option<Instant>,
    /// The reader has, or may have, what is below.
    reading: u64,
    /// Below were dropped to make room; of those, the ones from `gone_from` on were counted then.
    floor: u64,
    gone_from: u64,
    /// Those that were not, until they are reported.
    uncounted: u64,
}

/// The reading side; one per spool.
#[derive(Debug)]
pub struct Reader {
    folder: PathBuf,
    open: Option<(u64, Records)>,
    next: u64,
}

/// What the reader may read next.
#[derive(Debug)]
pub enum Plan {
    /// These, which are in memory.
    Memory(Vec<Entry>),
    /// The records up to this number are nowhere and will not come.
    Missing {
        /// The last of them.
        upto: u64,
    },
    /// Nothing: all that was appended was handed out.
    Nothing,
    /// From the segment that begins with `first` up to the number `upto`.
    Segment {
        /// The segment's name.
        first: u64,
        /// The last number it has.
        upto: u64,
    },
}

/// What was read.
#[derive(Debug, Default)]
pub struct Batch {
    /// The records, in order; may be empty.
    pub entries: Vec<Entry>,
    /// Records that should have been there and were not.
    pub missing: u64,
}

/// Files to be forced to the disk, while others go on appending.
#[derive(Debug)]
pub struct Sync {
    files: Vec<File>,
    folder: Option<PathBuf>,
    upto: u64,
}

impl Sync {
    /// Does it, and waits for it.
    ///
    /// # Errors
    /// The first error of the file system; what it concerned may not survive a power loss.
    pub fn run(&self) -> io::Result<()> {
        let mut result = Ok(());
        for file in &self.files {
            result = result.and(file.sync_data());
        }
        if let Some(folder) = &self.folder {
            result = result.and(File::open(folder).and_then(|folder| folder.sync_all()));
        }
        result
    }
}

impl Spool {
    /// Opens or makes a spool and finds out what is left in it.
    ///
    /// # Errors
    /// [`SpoolError`] if the folder cannot be used; damage inside it is no error.
    pub fn open(settings: Settings) -> Result<(Self, Reader), SpoolError> {
        let folder = settings.folder.clone();
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error| SpoolError::Io { path, error }
        };
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed(&folder))?;
        let lock_path = folder.join("lock");
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC)
            .open(&lock_path)
            .map_err(failed(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(SpoolError::InUse(folder)),
            Err(fs::TryLockError::Error(error)) => return Err(failed(&lock_path)(error)),
        }
        let state_path = folder.join("state");
        let (state, position) = State::open(&state_path).map_err(failed(&state_path))?;
        let mut segments = list(&folder).map_err(failed(&folder))?;
        let on_disk = match segments.back() {
            None => position.written,
            Some(last) => {
                let path = segment::path(&folder, last.first);
                let (highest, torn) = highest(&path).map_err(failed(&path))?;
                // A torn end was a record that was not yet written when the state was.
                let highest = highest.unwrap_or(last.first.saturating_sub(1));
                if torn { (highest + 1).max(position.written) } else { highest.max(position.written) }
            }
        };
        let on_disk = on_disk.max(position.acknowledged);
        let segment_bytes = (settings.max_bytes / 16).clamp(64 << 10, 8 << 20);
        while let Some(empty) = segments.pop_back_if(|segment| segment.first > on_disk) {
            fs::remove_file(segment::path(&folder, empty.first)).unwrap_or_default();
        }
        let mut spool = Self {
            settings,
            segment_bytes,
            _lock: lock,
            state,
            segments,
            current: None,
            unsynced: Vec::new(),
            dirty: false,
            folder_dirty: false,
            next: on_disk + 1,
            on_disk,
            acknowledged: position.acknowledged,
            memory: VecDeque::new(),
            memory_bytes: 0,
            failed: None,
            reading: position.acknowledged + 1,
            floor: 0,
            gone_from: 0,
            uncounted: 0,
        };
        spool.forget_acknowledged();
        let reader = Reader { folder, open: None, next: position.acknowledged + 1 };
        Ok((spool, reader))
    }

    /// Takes a record. What was taken before is kept whatever happens, unless the spool is full and the
    /// oldest give way.
    ///
    /// # Errors
    /// [`Refused`]: the record is lost.
    pub fn append(&mut self, tag: u8, payload: &[u8]) -> Result<Appended, Refused> {
        let size = (frame::HEAD + payload.len()) as u64;
        if payload.len() > frame::MAX_PAYLOAD || size > self.settings.max_bytes / 2 {
            return Err(Refused::TooLong(payload.len()));
        }
        let mut appended = Appended::default();
        if self.failed.is_some_and(|at| at.elapsed() < DISK_PAUSE) {
            let trouble = io::Error::from(io::ErrorKind::StorageFull);
            return self.remember(tag, payload, trouble).map(|()| appended);
        }
        let result = self.write_memory_out(&mut appended.dropped).and_then(|()| {
            let number = self.next;
            self.write(number, tag, payload, &mut appended.dropped)
        });
        match result {
            Ok(()) => {
                self.failed = None;
                self.next += 1;
                Ok(appended)
            }
            Err(Refused::Disk(error)) => {
                self.failed = Some(Instant::now());
                appended.trouble = Some(io::Error::new(error.kind(), error.to_string()));
                self.remember(tag, payload, error).map(|()| appended)
            }
            Err(other) => Err(other),
        }
    }

    fn remember(&mut self, tag: u8, payload: &[u8], trouble: io::Error) -> Result<(), Refused> {
        if self.memory.len() >= self.settings.memory_records || self.memory_bytes + payload.len() > MEMORY_BYTES {
            return Err(Refused::Disk(trouble));
        }
        self.memory_bytes += payload.len();
        self.memory.push_back(Entry { number: self.next, tag, payload: payload.to_vec() });
        self.next += 1;
        Ok(())
    }

    /// Brings to disk what waited in memory, oldest first.
    fn write_memory_out(&mut self, dropped: &mut Vec<Gone>) -> Result<(), Refused> {
        while let Some(entry) = self.memory.pop_front() {
            if let Err(refused) = self.write(entry.number, entry.tag, &entry.payload, dropped) {
                self.memory.push_front(entry);
                return Err(refused);
            }
            self.memory_bytes -= entry.payload.len();
        }
        Ok(())
    }

    fn write(&mut self, number: u64, tag: u8, payload: &[u8], dropped: &mut Vec<Gone>) -> Result<(), Refused> {
        let size = (frame::HEAD + payload.len()) as u64;
        self.make_room(size, dropped)?;
        let full = self.segments.back().is_some_and(|it| it.bytes > 0 && it.bytes + size > self.segment_bytes);
        // A segment that somebody has deleted swallows what is written to it.
        let usable = !full && self.current.as_ref().is_some_and(|it| it.metadata().is_ok_and(|it| it.nlink() > 0));
        if !usable {
            self.start_segment(number).map_err(Refused::Disk)?;
        }
        let Some(file) = &mut self.current else { return Err(Refused::Disk(io::ErrorKind::NotFound.into())) };
        let start = file.metadata().map_err(Refused::Disk)?.len();
        let mut bytes = Vec::with_capacity(frame::HEAD + payload.len());
        frame::write(&mut bytes, number, tag, payload);
        if let Err(error) = file.write_all(&bytes) {
            // If this fails too, the reader passes over the torn record.
            file.set_len(start).unwrap_or_default();
            return Err(Refused::Disk(error));
        }
        self.dirty = true;
        self.on_disk = number;
        if let Some(segment) = self.segments.back_mut() {
            segment.bytes += size;
            segment.tags.push(tag);
        }
        Ok(())
    }

    fn start_segment(&mut self, first: u64) -> io::Result<()> {
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
            .open(segment::path(&self.settings.folder, first))?;
        if let Some(old) = self.current.replace(file).filter(|_| self.dirty) {
            self.unsynced.push(old);
        }
        // An empty segment before it, which a full disk has left, is none.
        while self.segments.back().is_some_and(|last| last.first >= first) {
            self.segments.pop_back();
        }
        self.segments.push_back(Segment { first, bytes: 0, tags: Vec::new() });
        self.folder_dirty = true;
        Ok(())
    }

    fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes.max(BLOCK)).sum()
    }

    fn make_room(&mut self, size: u64, dropped: &mut Vec<Gone>) -> Result<(), Refused> {
        if self.bytes() + size <= self.settings.max_bytes {
            return Ok(());
        }
        if self.acknowledged >= self.on_disk {
            // All of it is delivered, the last segment too.
            self.current = None;
            while let Some(segment) = self.segments.pop_front() {
                self.remove(segment.first);
            }
        }
        while self.bytes() + size > self.settings.max_bytes {
            match self.settings.when_full {
                WhenFull::DropNewest => return Err(Refused::Full),
                WhenFull::DropOldest => {}
            }
            let Some(oldest) = self.segments.pop_front() else { return Err(Refused::Full) };
            if self.segments.is_empty() {
                self.current = None;
            }
            self.remove(oldest.first);
            let end = self.segments.front().map_or(self.on_disk + 1, |segment| segment.first);
            let from = self.reading.max(self.acknowledged + 1).max(oldest.first);
            self.gone_from = if self.floor > self.acknowledged { self.gone_from.min(from) } else { from };
            for number in from..end {
                let tag = usize::try_from(number - oldest.first).ok().and_then(|place| oldest.tags.get(place)).copied();
                match dropped.iter_mut().find(|gone| gone.tag == tag) {
                    Some(gone) => gone.count += 1,
                    None => dropped.push(Gone { tag, count: 1 }),
                }
            }
            self.floor = end;
            self.reading = self.reading.max(end);
        }
        Ok(())
    }

    fn remove(&mut self, first: u64) {
        // One that stays is found again, and acknowledged already, at the next start.
        fs::remove_file(segment::path(&self.settings.folder, first)).unwrap_or_default();
    }

    /// All records up to this number are delivered or counted as lost.
    ///
    /// # Errors
    /// The state could not be written: after a crash the records are delivered once more.
    pub fn acknowledge(&mut self, upto: u64) -> io::Result<()> {
        if upto <= self.acknowledged {
            return Ok(());
        }
        self.acknowledged = upto.min(self.next.saturating_sub(1));
        while let Some(entry) = self.memory.pop_front_if(|entry| entry.number <= upto) {
            self.memory_bytes -= entry.payload.len();
        }
        self.forget_acknowledged();
        self.state.save(Position { acknowledged: self.acknowledged, written: self.on_disk })
    }

    /// Deletes segments of which nothing is needed any more; the one that is written to stays.
    fn forget_acknowledged(&mut self) {
        let mine = usize::from(self.current.is_some());
        while self.segments.len() > mine {
            let end = self.segments.get(1).map_or(self.on_disk + 1, |segment| segment.first);
            if end > self.acknowledged + 1 {
                return;
            }
            if let Some(segment) = self.segments.pop_front() {
                self.remove(segment.first);
            }
        }
    }

    /// What the reader may read next. Reading itself needs no access to the spool.
    pub fn plan(&mut self, reader: &mut Reader, max_records: usize) -> Plan {
        self.skip_dropped(reader);
        let ends = self.segments.iter().skip(1).map(|segment| segment.first).chain([self.on_disk + 1]);
        let found = self.segments.iter().zip(ends).find(|(segment, end)| *end > reader.next && *end > segment.first);
        if let Some((segment, end)) = found {
            self.reading = self.reading.max(end);
            return Plan::Segment { first: segment.first, upto: end - 1 };
        }
        let waiting = self.memory.iter().filter(|entry| entry.number >= reader.next).take(max_records.max(1)).cloned();
        let entries: Vec<Entry> = waiting.collect();
        let first = entries.first().map_or(self.next, |entry| entry.number);
        if reader.next < first {
            Plan::Missing { upto: first - 1 }
        } else if let Some(last) = entries.last() {
            self.reading = self.reading.max(last.number + 1);
            Plan::Memory(entries)
        } else {
            Plan::Nothing
        }
    }

    /// Ends what [`Spool::plan`] began, and returns how many records turned out to be lost without having
    /// been counted.
    pub fn settle(&mut self, reader: &mut Reader, batch: &Batch) -> u64 {
        self.skip_dropped(reader);
        self.reading = reader.next;
        batch.missing + std::mem::take(&mut self.uncounted)
    }

    /// Takes the reader past what was dropped to make room.
    fn skip_dropped(&mut self, reader: &mut Reader) {
        if reader.next < self.floor {
            self.uncounted += self.gone_from.saturating_sub(reader.next);
            self.gone_from = self.gone_from.min(reader.next);
            reader.next = self.floor;
        }
    }

    /// Lets the reader begin again behind the last acknowledged record, and returns how many cannot be had
    /// any more: they were dropped while they were under way.
    pub fn rewind(&mut self, reader: &mut Reader) -> u64 {
        reader.next = self.acknowledged + 1;
        reader.open = None;
        let missing = self.settle(reader, &Batch::default());
        self.acknowledged = self.acknowledged.max(reader.next - 1);
        missing
    }

    /// What must be forced to the disk; nothing if all is.
    pub fn to_sync(&mut self) -> Option<Sync> {
        let mut files = std::mem::take(&mut self.unsynced);
        if std::mem::take(&mut self.dirty) {
            files.extend(self.current.as_ref().and_then(|file| file.try_clone().ok()));
        }
        let folder = std::mem::take(&mut self.folder_dirty).then(|| self.settings.folder.clone());
        (!files.is_empty() || folder.is_some()).then_some(Sync { files, folder, upto: self.on_disk })
    }

    /// Notes that it was: after a power loss so many records are missed if they are not there.
    ///
    /// # Errors
    /// The state could not be written.
    pub fn synced(&mut self, sync: &Sync) -> io::Result<()> {
        self.state.save(Position { acknowledged: self.acknowledged, written: sync.upto })
    }

    /// How much it holds.
    #[must_use]
    pub fn fill(&self) -> Fill {
        Fill {
            records: self.next.saturating_sub(1).saturating_sub(self.acknowledged),
            in_memory: self.memory.len() as u64,
            bytes: self.segments.iter().map(|segment| segment.bytes).sum(),
            max_bytes: self.settings.max_bytes,
        }
    }
}

/// The segments of a folder, oldest first.
fn list(folder: &Path) -> io::Result<VecDeque<Segment>> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if let Some(first) =
            entry.file_name().to_str().and_then(segment::first_of).filter(|first| FIRST.contains(first))
        {
            segments.push(Segment { first, bytes: entry.metadata()?.len(), tags: Vec::new() });
        }
    }
    segments.sort_unstable_by_key(|segment| segment.first);
    Ok(segments.into())
}

/// The highest number in a segment, and whether its end is damaged.
fn highest(path: &Path) -> io::Result<(Option<u64>, bool)> {
    let mut records = Records::open(path)?;
    let (mut highest, mut torn) = (None, false);
    loop {
        match records.step()? {
            Step::Record(entry) => (highest, torn) = (highest.max(Some(entry.number)), false),
            Step::Damage => torn = true,
            Step::End => return Ok((highest, torn)),
        }
    }
}

impl Reader {
    /// Number of the record that comes next.
    #[must_use]
    pub fn next_number(&self) -> u64 {
        self.next
    }

    /// Reads what was planned, at most so much, but at least one record.
    ///
    /// # Errors
    /// The segment cannot be read for now; nothing is lost by trying again.
    pub fn read(&mut self, plan: Plan, max_records: usize, max_bytes: usize) -> io::Result<Batch> {
        match plan {
            Plan::Nothing => Ok(Batch::default()),
            Plan::Memory(entries) => {
                self.open = None;
                self.next = entries.last().map_or(self.next, |entry| entry.number + 1);
                Ok(Batch { entries, missing: 0 })
            }
            Plan::Missing { upto } => {
                let mut batch = Batch::default();
                self.miss(upto + 1, &mut batch);
                Ok(batch)
            }
            Plan::Segment { first, upto } => self.read_segment(first, upto, max_records, max_bytes),
        }
    }

    fn read_segment(&mut self, first: u64, upto: u64, max_records: usize, max_bytes: usize) -> io::Result<Batch> {
        let mut batch = Batch::default();
        let mut records = match self.open.take().filter(|(open, _)| *open == first) {
            Some((_, records)) => records,
            None => match Records::open(&segment::path(&self.folder, first)) {
                Ok(records) => records,
                // Deleted by hand.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    self.miss(upto + 1, &mut batch);
                    return Ok(batch);
                }
                Err(error) => return Err(error),
            },
        };
        let mut bytes = 0;
        let mut again = false;
        while self.next <= upto && batch.entries.len() < max_records.max(1) && bytes < max_bytes.max(1) {
            match records.step()? {
                Step::Record(entry) if entry.number < self.next => {}
                Step::Record(entry) if entry.number > upto => {
                    records.put_back(&entry);
                    self.miss(upto + 1, &mut batch);
                }
                Step::Record(entry) => {
                    self.miss(entry.number, &mut batch);
                    self.next = entry.number + 1;
                    bytes += entry.payload.len();
                    batch.entries.push(entry);
                }
                // Somebody may have cut the file below us: what came after is then nearer to its begin.
                Step::Damage | Step::End if !again => {
                    records.rewind();
                    again = true;
                }
                Step::Damage => {}
                Step::End => self.miss(upto + 1, &mut batch),
            }
        }
        self.open = Some((first, records));
        Ok(batch)
    }

    fn miss(&mut self, next: u64, batch: &mut Batch) {
        batch.missing += next.saturating_sub(self.next);
        self.next = next;
    }
}

#[cfg(test)]
mod tests;
