//! Folders whose files are scanned when they have been written: what inotify(7) tells of them.
//!
//! The kernel tells when the last descriptor that a file could be written through is closed, however
//! that came about. It watches one folder at a time and not what is in it, so every folder within is
//! watched as well, as it comes. Who wrote a file is not told; the events of the kernel's programs
//! say who opened it ([`Writers`]).

use std::{
    collections::{HashMap, HashSet, VecDeque},
    io,
    mem::MaybeUninit,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use lru::LruCache;
use rustix::{
    event::{PollFd, PollFlags, poll},
    fs::{
        Dir, FileType,
        inotify::{ReadFlags, Reader, remove_watch},
    },
    io::Errno,
    time::Timespec,
};

use super::worker::Files;
use crate::event::{Data, Event, file_open::Access};

/// How long after a notice a file is scanned: one that is written in several steps is scanned once, and its
/// opening has come through the rings by then.
const SETTLE: Duration = Duration::from_millis(100);
/// Files that settle at a time.
const MAX_SETTLING: usize = 65_536;
/// Folders inside each other.
const MAX_DEPTH: usize = 64;
/// Bytes of notices that are read at once.
const BUFFER: usize = 64 << 10;
/// How soon the thread notices that it should end.
const PAUSE: Duration = Duration::from_millis(200);
/// Files whose last writers are known.
const WRITERS: usize = 8192;

/// A file or folder below a watched one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    /// Number of the watched folder.
    pub(super) folder: u32,
    /// The path from there.
    pub(super) below: PathBuf,
}

/// What the watching thread has done and could not do.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Watched {
    pub(super) folders: u64,
    pub(super) beyond: u64,
    pub(super) overflows: u64,
    pub(super) full: u64,
}

/// Who opened files for writing last.
pub(super) struct Writers(Mutex<LruCache<i64, Arc<Event>>>);

impl Default for Writers {
    fn default() -> Self {
        let entries = std::num::NonZeroUsize::new(WRITERS).unwrap_or(std::num::NonZeroUsize::MIN);
        Self(Mutex::new(LruCache::new(entries)))
    }
}

impl Writers {
    /// Remembers an event that opens a file for writing.
    pub(super) fn consider(&self, event: &Arc<Event>) {
        if let Data::FileOpen(open) = &event.data
            && open.access.contains(Access::Write)
            && let Some(inode) = open.inode
        {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).put(inode.0, Arc::clone(event));
        }
    }

    /// The last of them for a file: of the same device, or of the same name, since some file systems show
    /// another device than the kernel has.
    pub(super) fn of(&self, inode: u64, device: u64, path: &Path) -> Option<Arc<Event>> {
        let inode = i64::try_from(inode).ok()?;
        let event = Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&inode)?);
        let Data::FileOpen(open) = &event.data else { return None };
        let same_device = open.device.and_then(|number| u64::try_from(number).ok()) == Some(device);
        let name = path.file_name().map(OsStrExt::as_bytes);
        (same_device || open.name.as_deref() == name).then_some(event)
    }
}

/// Everything that is watched.
pub(super) struct Tree<'t> {
    files: &'t dyn Files,
    folders: usize,
    limit: usize,
    by_watch: HashMap<i32, Place>,
    /// Files that have been told of, by when they are due.
    settling: VecDeque<(Instant, Place)>,
    pending: HashSet<Place>,
    pub(super) watched: Watched,
}

impl<'t> Tree<'t> {
    pub(super) fn new(files: &'t dyn Files, folders: usize, limit: usize) -> Self {
        Self {
            files,
            folders,
            limit,
            by_watch: HashMap::new(),
            settling: VecDeque::new(),
            pending: HashSet::new(),
            watched: Watched::default(),
        }
    }

    /// Watches every folder that was named, and all in it.
    pub(super) fn add_all(&mut self) {
        for folder in (0u32..).take(self.folders) {
            self.add(Place { folder, below: PathBuf::new() }, false);
        }
    }

    /// Watches a folder and all in it. Files of one that has just come are taken for written.
    pub(super) fn add(&mut self, place: Place, is_new: bool) {
        let mut waiting = vec![place];
        while let Some(place) = waiting.pop() {
            if self.by_watch.len() >= self.limit || place.below.components().count() > MAX_DEPTH {
                self.watched.beyond += 1;
                continue;
            }
            let (watch, folder) = match self.files.watch(place.folder, &place.below) {
                Ok(done) => done,
                // It has gone again.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                // A file system that does not say of its entries what they are.
                Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                    if is_new {
                        self.written(place);
                    }
                    continue;
                }
                Err(error) => {
                    tracing::debug!(%error, ?place, "a folder cannot be watched");
                    self.watched.beyond += 1;
                    continue;
                }
            };
            self.by_watch.insert(watch, place.clone());
            self.entries(&place, folder, is_new, &mut waiting);
        }
        self.count();
    }

    fn entries(&mut self, place: &Place, folder: OwnedFd, is_new: bool, waiting: &mut Vec<Place>) {
        let entries = match Dir::new(folder) {
            Ok(entries) => entries,
            Err(error) => {
                tracing::debug!(%error, ?place, "a folder cannot be read");
                return;
            }
        };
        for entry in entries.map_while(Result::ok) {
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            let place = Place { folder: place.folder, below: place.below.join(std::ffi::OsStr::from_bytes(name)) };
            let sort = entry.file_type();
            if sort == FileType::RegularFile && is_new {
                self.written(place);
            } else if matches!(sort, FileType::Directory | FileType::Unknown) {
                if waiting.len() < self.limit {
                    waiting.push(place);
                } else {
                    self.watched.beyond += 1;
                }
            }
        }
    }

    /// Has a file wait until it has settled.
    fn written(&mut self, place: Place) {
        // What was moved away stays in the queue until it would have been due.
        if self.settling.len() >= MAX_SETTLING {
            self.watched.full += 1;
        } else if self.pending.insert(place.clone()) {
            self.settling.push_back((Instant::now() + SETTLE, place));
        }
    }

    /// Takes what the kernel has to tell, and waits for it for a moment.
    ///
    /// # Errors
    /// If the kernel tells nothing any more.
    pub(super) fn listen(&mut self, notices: &OwnedFd) -> io::Result<()> {
        let due = self.settling.front().map_or(PAUSE, |(due, _)| due.saturating_duration_since(Instant::now()));
        let wait = due.min(PAUSE);
        let wait = Timespec { tv_sec: 0, tv_nsec: i64::from(wait.subsec_nanos()) };
        match poll(&mut [PollFd::new(notices, PollFlags::IN)], Some(&wait)) {
            Ok(0) | Err(Errno::INTR) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let mut buffer = vec![MaybeUninit::uninit(); BUFFER];
        let mut reader = Reader::new(notices, &mut buffer);
        loop {
            let (watch, flags, name) = match reader.next() {
                Ok(notice) => (notice.wd(), notice.events(), notice.file_name().map(|name| name.to_bytes().to_vec())),
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            self.notice(notices, watch, flags, name.as_deref());
            if reader.is_buffer_empty() {
                break;
            }
        }
        self.count();
        Ok(())
    }

    fn notice(&mut self, notices: &OwnedFd, watch: i32, flags: ReadFlags, name: Option<&[u8]>) {
        if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
            self.watched.overflows += 1;
            // Folders that came meanwhile are found; what was written meanwhile is not.
            self.by_watch.clear();
            self.add_all();
            return;
        }
        if flags.contains(ReadFlags::IGNORED) {
            self.by_watch.remove(&watch);
            return;
        }
        let (Some(parent), Some(name)) = (self.by_watch.get(&watch), name) else { return };
        let place = Place { folder: parent.folder, below: parent.below.join(std::ffi::OsStr::from_bytes(name)) };
        if flags.contains(ReadFlags::MOVED_FROM) {
            // Where it is now is told next, if that is watched.
            self.pending.remove(&place);
            let moved = |it: &Place| it.folder == place.folder && it.below.starts_with(&place.below);
            for (watch, _) in self.by_watch.extract_if(|_, it| moved(it)) {
                if let Err(error) = remove_watch(notices, watch) {
                    tracing::debug!(%error, "a folder that has gone stays watched");
                }
            }
        } else if flags.contains(ReadFlags::ISDIR) {
            // One that was moved keeps its number, which now stands for the new path.
            self.add(place, true);
        } else {
            self.written(place);
        }
    }

    /// Files that have settled.
    pub(super) fn due(&mut self) -> Option<Place> {
        loop {
            let (due, _) = self.settling.front()?;
            if *due > Instant::now() {
                return None;
            }
            let (_, place) = self.settling.pop_front()?;
            // Otherwise it was moved away meanwhile.
            if self.pending.remove(&place) {
                return Some(place);
            }
        }
    }

    fn count(&mut self) {
        self.watched.folders = u64::try_from(self.by_watch.len()).unwrap_or(u64::MAX);
    }
}
