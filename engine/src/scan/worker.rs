//! The thread that scans: a bounded queue of events in, events of matches out.

use std::{
    io,
    os::fd::OwnedFd,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, bounded};
use rustix::fs::fstatfs;

use super::{
    Failed, Limits,
    cache::{Cache, Key},
    counters::Counters,
    examine::{Examiner, Found, Subject, Unread},
    file::{Content, read},
    watch::{Place, Tree, Watched, Writers},
    yara::Rules,
};
use crate::{
    background,
    event::{
        Data, Event, FileIdentity, ProcessKey,
        value::{Bytes, Time},
        yara_match::Trigger,
    },
};

/// Matches that wait to be taken: the pipeline takes them between two batches.
const MATCHES: usize = 256;
/// Scripts that interpret each other; the kernel takes no more than four.
const MAX_INTERPRETERS: usize = 4;
/// Bytes of a script that the kernel looks at for its first line.
const MAX_FIRST_LINE: u64 = 256;
/// File systems on disks (`linux/magic.h`): ext, XFS, Btrfs, F2FS, ZFS, Squashfs, EROFS, and overlays of them.
const KEEPS_TIME: [rustix::fs::FsWord; 8] =
    [0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010, 0x2fc1_2fc1, 0x7371_7368, 0xe0f5_e1e2, 0x794c_7630];

/// Opens files for the scanner, which has no right to.
pub trait Files: Send + Sync {
    /// The file that a process runs.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] if the process has ended.
    fn image(&self, process: ProcessKey) -> io::Result<OwnedFd>;
    /// A file that was run, by its name as a process sees it, or as the host does when there is none.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] if there is none, or the process has ended.
    fn executed(&self, process: Option<ProcessKey>, path: &[u8]) -> io::Result<OwnedFd>;
    /// A file below a watched folder.
    ///
    /// # Errors
    /// What the kernel says.
    fn below(&self, folder: u32, path: &Path) -> io::Result<OwnedFd>;
    /// Watches a folder below a watched one: its number among the notices, and the folder itself.
    ///
    /// # Errors
    /// What the kernel says.
    fn watch(&self, folder: u32, path: &Path) -> io::Result<(i32, OwnedFd)>;
}

/// Folders whose files are scanned when they have been written.
pub struct Watch {
    /// What the kernel tells of them: an inotify descriptor that does not block.
    pub notices: OwnedFd,
    /// Their paths, by number.
    pub folders: Vec<PathBuf>,
    /// Folders that are watched at most, those within others counted each.
    pub limit: usize,
}

/// What the thread is asked to do.
enum Job {
    /// A program was started.
    Started(Arc<Event>),
    /// A file was written.
    Written(Place),
}

/// What the thread needs.
pub struct Setup {
    /// Its bounds.
    pub limits: Limits,
    /// Who opens files.
    pub files: Arc<dyn Files>,
    /// What is watched, if anything is.
    pub watch: Option<Watch>,
    /// What is said of a file when nobody was seen to write it; nothing, where only some processes are watched.
    pub nobody: Option<Event>,
    /// The rules to begin with; without any nothing is scanned.
    pub rules: Option<Arc<Rules>>,
    /// What time it is.
    pub now: fn() -> Time,
}

/// What both ends look at.
struct Shared {
    rules: Mutex<Option<Arc<Rules>>>,
    /// Counts exchanges of the rules.
    version: AtomicU64,
    counters: Mutex<Counters>,
    /// Jobs that found no room.
    refused: AtomicU64,
    writers: Writers,
    watched: Mutex<Watched>,
    stop: AtomicBool,
}

impl Shared {
    fn counters(&self) -> Counters {
        let mut counters = *lock(&self.counters);
        let Watched { folders, beyond, overflows, full } = *lock(&self.watched);
        counters.folders = folders;
        counters.missed.folders = beyond;
        counters.missed.notices = overflows;
        counters.missed.queue = self.refused.load(Ordering::Relaxed).saturating_add(full);
        counters
    }
}

/// The thread's other end. It ends when this is dropped.
pub struct Worker {
    jobs: Sender<Job>,
    matches: Receiver<Box<Event>>,
    shared: Arc<Shared>,
    rules: usize,
    watches: bool,
}

impl Worker {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system gives none.
    pub fn start(setup: Setup) -> io::Result<Self> {
        let (jobs, waiting) = bounded(setup.limits.queue);
        let (found, matches) = bounded(MATCHES);
        let rules = setup.rules.as_ref().map_or(0, |rules| rules.count());
        let shared = Arc::new(Shared {
            rules: Mutex::new(setup.rules),
            version: AtomicU64::new(0),
            counters: Mutex::new(Counters::default()),
            refused: AtomicU64::new(0),
            writers: Writers::default(),
            watched: Mutex::new(Watched::default()),
            stop: AtomicBool::new(false),
        });
        let Setup { limits, files, now, nobody, watch, .. } = setup;
        let watches = watch.is_some();
        let folders = watch.as_ref().map(|watch| watch.folders.clone()).unwrap_or_default();
        if let Some(watch) = watch {
            let (files, shared, jobs) = (Arc::clone(&files), Arc::clone(&shared), jobs.clone());
            let thread = std::thread::Builder::new().name("watch".to_owned());
            thread.spawn(move || listen(&*files, &watch, &shared, &jobs))?;
        }
        let theirs = Arc::clone(&shared);
        background::spawn("scan", move || {
            let context = Context { limits, files: &*files, folders, nobody, now, shared: &theirs };
            work(&context, &waiting, &found);
        })?;
        Ok(Self { jobs, matches, shared, rules, watches })
    }

    /// Has the file scanned that a process was started from. Never waits.
    pub fn consider(&self, event: &Arc<Event>) {
        if self.rules > 0 && matches!(event.data, Data::Exec(_)) {
            offer(&self.jobs, &self.shared, Job::Started(Arc::clone(event)));
        } else if self.watches {
            self.shared.writers.consider(event);
        }
    }

    /// Brings other rules into force: files that wait are judged by these.
    pub fn renew(&mut self, rules: Option<Arc<Rules>>) {
        self.rules = rules.as_ref().map_or(0, |rules| rules.count());
        *lock(&self.shared.rules) = rules;
        self.shared.version.fetch_add(1, Ordering::Release);
    }

    /// Rules in force.
    #[must_use]
    pub fn rules(&self) -> usize {
        self.rules
    }

    /// The most files that can wait.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.jobs.capacity().unwrap_or(0)
    }

    /// Events of matches, as they come.
    #[must_use]
    pub fn matches(&self) -> &Receiver<Box<Event>> {
        &self.matches
    }

    /// What it has done.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let mut counters = self.shared.counters();
        counters.waiting = u64::try_from(self.jobs.len()).unwrap_or(u64::MAX);
        counters
    }

    /// Takes no more files, and gives what is found in those that wait, for a while.
    pub fn finish(self, patience: Duration, mut take: impl FnMut(Box<Event>)) -> Counters {
        let Self { jobs, matches, shared, .. } = self;
        let until = Instant::now() + patience;
        shared.stop.store(true, Ordering::Release);
        // The thread ends when it has done the last one, and its end of the channel with it.
        drop(jobs);
        while let Ok(event) = matches.recv_deadline(until) {
            take(event);
        }
        shared.counters()
    }
}

/// Tells of files that were written, until it is told to stop or the kernel tells nothing more.
fn listen(files: &dyn Files, watch: &Watch, shared: &Shared, jobs: &Sender<Job>) {
    let mut tree = Tree::new(files, watch.folders.len(), watch.limit);
    tree.add_all();
    while !shared.stop.load(Ordering::Acquire) {
        if let Err(error) = tree.listen(&watch.notices) {
            tracing::error!(%error, "folders are not watched any more");
            tree.watched.overflows += 1;
            tree.watched.folders = 0;
            *lock(&shared.watched) = tree.watched;
            return;
        }
        while let Some(place) = tree.due() {
            offer(jobs, shared, Job::Written(place));
        }
        *lock(&shared.watched) = tree.watched;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn offer(jobs: &Sender<Job>, shared: &Shared, job: Job) {
    if jobs.try_send(job).is_err() {
        shared.refused.fetch_add(1, Ordering::Relaxed);
    }
}

/// What the thread has all the time.
struct Context<'c> {
    limits: Limits,
    files: &'c dyn Files,
    folders: Vec<PathBuf>,
    nobody: Option<Event>,
    now: fn() -> Time,
    shared: &'c Shared,
}

/// Scans until nobody asks any more.
fn work(context: &Context<'_>, jobs: &Receiver<Job>, found: &Sender<Box<Event>>) {
    let mut cache = Cache::new(context.limits.cache_entries);
    let hasher = ahash::RandomState::new();
    let mut waiting = None;
    loop {
        let version = context.shared.version.load(Ordering::Acquire);
        let rules = lock(&context.shared.rules).clone();
        // What was found before was found by other rules.
        cache.clear();
        let mut scan = rules.as_deref().map(|rules| Scan {
            examiner: Examiner::new(rules, context.limits),
            names_matter: rules.names_matter(),
            context,
            cache: &mut cache,
            hasher: &hasher,
        });
        loop {
            let Some(job) = waiting.take().or_else(|| jobs.recv().ok()) else { return };
            if context.shared.version.load(Ordering::Acquire) != version {
                waiting = Some(job);
                break;
            }
            let Some(scan) = &mut scan else { continue };
            for event in scan.job(&job) {
                if found.send(Box::new(event)).is_err() {
                    return;
                }
            }
        }
    }
}

struct Scan<'s> {
    examiner: Examiner<'s>,
    names_matter: bool,
    context: &'s Context<'s>,
    cache: &'s mut Cache,
    hasher: &'s ahash::RandomState,
}

impl Scan<'_> {
    fn job(&mut self, job: &Job) -> Vec<Event> {
        match job {
            Job::Started(event) => self.executed(event),
            Job::Written(place) => self.written(place),
        }
    }

    /// A file that was written in a watched folder.
    fn written(&mut self, place: &Place) -> Vec<Event> {
        let folder = usize::try_from(place.folder).ok().and_then(|number| self.context.folders.get(number));
        let path = folder.map(|folder| folder.join(&place.below)).unwrap_or_default();
        let opened =
            self.context.files.below(place.folder, &place.below).and_then(|file| Ok((Content::of(&file)?, file)));
        let (content, file) = match opened {
            Ok(opened) => opened,
            // A pipe, a socket: nothing that was written stays in it.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => return Vec::new(),
            // A link, or beyond a mount that is not looked at.
            Err(error) if matches!(error.raw_os_error(), Some(libc::ELOOP | libc::EXDEV)) => return Vec::new(),
            Err(error) => return self.missed(&error),
        };
        let writer = self.context.shared.writers.of(content.identity.inode, content.identity.device, &path);
        let Some(cause) = writer.as_deref().or(self.context.nobody.as_ref()) else {
            self.count(|counters| counters.missed.unknown_writer += 1);
            return Vec::new();
        };
        let path = path.as_os_str().as_bytes();
        self.file(&file, None, &Subject { trigger: Trigger::Write, cause: Some(cause), path: Some(path) })
    }

    /// The file a program was started from, and the script if there is one.
    fn executed(&mut self, event: &Event) -> Vec<Event> {
        let Data::Exec(exec) = &event.data else { return Vec::new() };
        let process = &event.process;
        let memfd = process.executable_memfd == Some(true);
        let trigger = if memfd { Trigger::Memfd } else { Trigger::Exec };
        let subject = Subject { trigger, cause: Some(event), path: process.executable.as_deref() };
        let known = exec.image.and_then(|image| self.known(image, &subject));
        let mut events = match known {
            Some(found) => self.tell(&subject, &found, exec.image),
            None => match self.image(event, exec.image) {
                Ok(file) => self.file(&file, exec.image, &subject),
                Err(error) => self.missed(&error),
            },
        };
        let mut next = process.interpreter.as_ref().and_then(|_| script(event));
        // The interpreter of a script may be a script.
        for _ in 0..MAX_INTERPRETERS {
            let Some(path) = next.take() else { break };
            let subject = Subject { trigger: Trigger::Script, cause: Some(event), path: Some(&path) };
            let named = |who| self.context.files.executed(who, &path);
            let file =
                named(Some(event.key)).or_else(|error| namesakes(event).find_map(|who| named(who).ok()).ok_or(error));
            match file {
                Ok(file) => {
                    let interpreter = interpreter(&file).filter(|it| Some(it) != process.executable.as_ref());
                    // The last one is a program, which has been scanned.
                    if interpreter.is_some() || Some(&path) != process.interpreter.as_ref() {
                        events.extend(self.file(&file, None, &subject));
                    }
                    next = interpreter;
                }
                Err(error) => events.extend(self.missed(&error)),
            }
        }
        events
    }

    /// The file that a process runs, or ran: then the one of its name, if it is the same file.
    fn image(&self, event: &Event, identity: Option<FileIdentity>) -> io::Result<OwnedFd> {
        // Some file systems show other numbers than the kernel has; then the device differs, too.
        let fits =
            |known: FileIdentity, found: FileIdentity| known.inode == found.inode || known.device != found.device;
        let ended = match self.context.files.image(event.key) {
            // It may run something else by now. What runs cannot be written, but loses names and changes rights.
            Ok(file) => {
                let found = Content::of(&file)?.identity;
                if identity.is_none_or(|known| fits(known, found)) {
                    return Ok(file);
                }
                io::Error::from(io::ErrorKind::NotFound)
            }
            Err(error) => error,
        };
        let (Some(path), Some(known)) = (&event.process.executable, identity) else { return Err(ended) };
        let is_same = |file: &OwnedFd| {
            Content::of(file).is_ok_and(|it| fits(known, it.identity) && known.changed_ns == it.identity.changed_ns)
        };
        namesakes(event).find_map(|who| self.context.files.executed(who, path).ok().filter(is_same)).ok_or(ended)
    }

    /// What is known of a file from before.
    fn known(&mut self, file: FileIdentity, subject: &Subject<'_>) -> Option<Found> {
        let key = self.key(file, subject);
        let found = self.cache.get(&key)?;
        self.count(|counters| counters.known += 1);
        Some(found)
    }

    fn key(&self, file: FileIdentity, subject: &Subject<'_>) -> Key {
        Key { file, name: if self.names_matter { self.hasher.hash_one(subject.path) } else { 0 } }
    }

    /// Scans a file, unless it is known.
    fn file(&mut self, file: &OwnedFd, kernel: Option<FileIdentity>, subject: &Subject<'_>) -> Vec<Event> {
        let Content { identity, size } = match Content::of(file) {
            Ok(content) => content,
            Err(error) => return self.missed(&error),
        };
        let keeps = subject.trigger != Trigger::Write && changes_tell(file);
        if let Some(found) = keeps.then(|| self.known(identity, subject)).flatten() {
            return self.tell(subject, &found, Some(identity));
        }
        let Time(now_ns) = (self.context.now)();
        let found = match self.examiner.examine(file, size, subject.path) {
            Ok(found) => found,
            Err(Unread::File(error)) => return self.missed(&error),
            Err(Unread::Rules(Failed::Timeout)) => {
                self.count(|counters| counters.missed.timeout += 1);
                return Vec::new();
            }
            Err(Unread::Rules(Failed::Broken(reason))) => {
                tracing::warn!(%reason, "not scanned");
                self.count(|counters| counters.missed.broken += 1);
                return Vec::new();
            }
        };
        self.count(|counters| {
            counters.scanned += 1;
            counters.bytes = counters.bytes.saturating_add(found.scanned);
            counters.partial += u64::from(found.scanned < found.size);
        });
        // Nothing is known of a file that was changed meanwhile.
        if keeps && Content::of(file).is_ok_and(|after| after.identity == identity) {
            // What the event said of the file may be older than the file that was read.
            for identity in kernel.filter(|it| it.changed_ns == identity.changed_ns).into_iter().chain([identity]) {
                let key = self.key(identity, subject);
                self.cache.put(key, found.clone(), now_ns);
            }
        }
        self.tell(subject, &found, Some(identity))
    }

    /// The events of a file in which something was found.
    fn tell(&mut self, subject: &Subject<'_>, found: &Found, identity: Option<FileIdentity>) -> Vec<Event> {
        let told = found.hits.len().min(self.context.limits.matches);
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        if !found.hits.is_empty() {
            self.count(|counters| {
                counters.matches += count(told);
                counters.missed.matches += count(found.hits.len() - told);
            });
        }
        let now = (self.context.now)();
        found.hits.iter().take(told).map(|hit| subject.event(found, hit, identity, now)).collect()
    }

    fn missed(&self, error: &io::Error) -> Vec<Event> {
        self.count(|counters| {
            if error.kind() == io::ErrorKind::NotFound {
                counters.missed.gone += 1;
            } else {
                tracing::debug!(%error, "a file cannot be read");
                counters.missed.unreadable += 1;
            }
        });
        Vec::new()
    }

    fn count(&self, add: impl FnOnce(&mut Counters)) {
        add(&mut lock(&self.context.shared.counters));
    }
}

/// The interpreter that the first line of a script names, as the kernel reads it; none of a program.
fn interpreter(file: &OwnedFd) -> Option<Bytes> {
    let mut bytes = Vec::new();
    read(file, MAX_FIRST_LINE, &mut bytes).ok()?;
    let line = bytes.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?.trim_ascii_start();
    let path = line.split(|byte| matches!(byte, b' ' | b'\t' | 0)).next()?;
    path.starts_with(b"/").then(|| path.into())
}

/// Whether every change of a file's bytes gives it another time: not where memory is the file, and not where
/// somebody else keeps the time.
fn changes_tell(file: &OwnedFd) -> bool {
    fstatfs(file).is_ok_and(|facts| KEEPS_TIME.contains(&facts.f_type))
}

/// Who may know a file by the name that an ended process knew it by: its parent, and outside of containers the host.
fn namesakes(event: &Event) -> impl Iterator<Item = Option<ProcessKey>> {
    let parent = (event.parent_key != ProcessKey::default()).then_some(Some(event.parent_key));
    let host = event.container_id.is_none().then_some(None);
    parent.into_iter().chain(host)
}

/// The path of the script that a process was started from, absolute.
fn script(event: &Event) -> Option<Bytes> {
    let process = &event.process;
    let asked = process.requested_executable.as_deref()?;
    if asked.starts_with(b"/") {
        return Some(asked.into());
    }
    let folder = process.working_directory.as_deref()?;
    Some([folder, b"/", asked].concat().into())
}

#[cfg(test)]
#[cfg(feature = "yara")]
mod tests {
    use std::{os::unix::fs::MetadataExt, sync::atomic::AtomicUsize};

    use rustix::fs::{
        CWD, Mode, OFlags,
        inotify::{self, CreateFlags, WatchFlags},
        openat,
    };

    use super::*;
    use crate::{
        event::{Exec, Kind, Process, value::Value},
        rule::{Diagnostics, Source},
    };

    /// Opens files as the helper does, without asking who may.
    struct Direct {
        /// What the process runs, as long as it runs.
        image: Mutex<Option<PathBuf>>,
        root: PathBuf,
        notices: OwnedFd,
        opened: AtomicUsize,
    }

    fn open(path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        Ok(openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC | flags, Mode::empty())?)
    }

    impl Files for Direct {
        fn image(&self, _: ProcessKey) -> io::Result<OwnedFd> {
            self.opened.fetch_add(1, Ordering::Relaxed);
            open(lock(&self.image).as_ref().ok_or(io::ErrorKind::NotFound)?, OFlags::empty())
        }
        fn executed(&self, process: Option<ProcessKey>, path: &[u8]) -> io::Result<OwnedFd> {
            self.opened.fetch_add(1, Ordering::Relaxed);
            if process.is_some() {
                return Err(io::ErrorKind::NotFound.into());
            }
            open(Path::new(std::ffi::OsStr::from_bytes(path)), OFlags::empty())
        }
        fn below(&self, _: u32, path: &Path) -> io::Result<OwnedFd> {
            open(&self.root.join(path), OFlags::NOFOLLOW)
        }
        fn watch(&self, _: u32, path: &Path) -> io::Result<(i32, OwnedFd)> {
            let folder = open(&self.root.join(path), OFlags::DIRECTORY)?;
            let flags = WatchFlags::CLOSE_WRITE | WatchFlags::CREATE | WatchFlags::MOVE;
            Ok((inotify::add_watch(&self.notices, self.root.join(path), flags)?, folder))
        }
    }

    struct Case {
        folder: tempfile::TempDir,
        files: Arc<Direct>,
        worker: Worker,
    }

    fn rules(word: &str) -> Arc<Rules> {
        let source = Source::new("test.yar", format!("rule found_{word} {{ strings: $x = \"{word}\" condition: $x }}"));
        Arc::new(Rules::compile(&[source], &mut Diagnostics::default()).expect("rules"))
    }

    /// Long after any file of the test was changed.
    fn later() -> Time {
        Time(i64::MAX / 2)
    }

    fn start(limits: Limits, nobody: Option<Event>) -> Case {
        // On a disk, where what was scanned is known again.
        let beside = std::env::current_exe().expect("a program");
        let folder = tempfile::tempdir_in(beside.parent().expect("a folder")).expect("a folder");
        let notices = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).expect("inotify");
        let watch = Watch {
            notices: notices.try_clone().expect("a descriptor"),
            folders: vec![folder.path().to_owned()],
            limit: 3,
        };
        let root = folder.path().to_owned();
        let files = Arc::new(Direct { image: Mutex::new(None), root, notices, opened: AtomicUsize::new(0) });
        let setup = Setup {
            limits,
            files: Arc::clone(&files) as Arc<dyn Files>,
            watch: Some(watch),
            nobody,
            rules: Some(rules("needle")),
            now: later,
        };
        let worker = Worker::start(setup).expect("a thread");
        let until = Instant::now() + Duration::from_secs(20);
        while worker.counters().folders == 0 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        Case { folder, files, worker }
    }

    const LIMITS: Limits =
        Limits { max_bytes: 1 << 20, timeout: Duration::from_secs(20), queue: 64, cache_entries: 16, matches: 4 };

    impl Case {
        fn write(&self, name: &str, text: &str) -> PathBuf {
            let path = self.folder.path().join(name);
            std::fs::write(&path, text).expect("written");
            path
        }

        fn next(&self) -> Option<Box<Event>> {
            self.worker.matches().recv_timeout(Duration::from_secs(20)).ok()
        }

        /// Waits until as many files were scanned or missed.
        fn settled(&self, done: impl Fn(&Counters) -> bool) -> Counters {
            let until = Instant::now() + Duration::from_secs(20);
            loop {
                let counters = self.worker.counters();
                if done(&counters) || Instant::now() > until {
                    return counters;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }

    fn started(path: &Path) -> Arc<Event> {
        let content = Content::of(std::fs::File::open(path).expect("a file")).expect("a file");
        let image = FileIdentity { generation: 5, ..content.identity };
        let process = Process {
            executable: Some(path.as_os_str().as_bytes().into()),
            user_name: Some((*b"somebody").into()),
            ..Process::default()
        };
        let data = Data::Exec(Exec { image: Some(image), ..Exec::default() });
        let mut event = Event { process: Arc::new(process), data, ..Event::new(Kind::Exec) };
        event.id = Some((*b"boot.0.7").into());
        event.cut.add("process.args");
        event.cut.add("file.path");
        Arc::new(event)
    }

    fn text(event: &Event, field: &str) -> String {
        let value = event.value(field);
        if let Value::Bytes(bytes) = value { String::from_utf8_lossy(bytes).into_owned() } else { format!("{value:?}") }
    }

    #[test]
    fn what_is_found_in_a_program_is_told_of_its_process_and_known_the_next_time() {
        // Watched and told of, too, were it not for the scope.
        let case = start(LIMITS, None);
        let path = case.write("program", "hay needle hay");
        *lock(&case.files.image) = Some(path.clone());
        let event = started(&path);
        case.worker.consider(&event);
        let found = case.next().expect("a match");
        assert_eq!(text(&found, "event.id"), "boot.0.7.yara.test.found_needle");
        assert_eq!(text(&found, "yara.trigger"), "exec");
        assert_eq!(text(&found, "file.name"), "program");
        assert_eq!(text(&found, "process.executable"), path.display().to_string());
        assert_eq!(found.cut.0, ["process.args"], "what was cut of the file that was opened is not of this one");
        assert_eq!(text(&found, "file.hash.sha256").len(), 64);
        let opened = case.files.opened.load(Ordering::Relaxed);
        case.worker.consider(&event);
        assert!(case.next().is_some(), "it is told each time");
        assert_eq!(case.files.opened.load(Ordering::Relaxed), opened, "but not read again");
        assert_eq!(case.worker.counters().known, 1);
    }

    #[test]
    fn a_program_that_changes_its_rights_once_it_runs_is_scanned() {
        let case = start(LIMITS, None);
        let path = case.write("program", "needle");
        *lock(&case.files.image) = Some(path.clone());
        let event = started(&path);
        // The clock of file systems ticks every few milliseconds.
        std::thread::sleep(Duration::from_millis(50));
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("set");
        case.worker.consider(&event);
        assert_eq!(text(&case.next().expect("a match"), "file.name"), "program");
        // By now it runs another file.
        *lock(&case.files.image) = Some(case.write("other", "needle"));
        std::fs::remove_file(&path).expect("removed");
        case.worker.consider(&event);
        assert_eq!(case.settled(|it| it.missed.gone > 0).missed.gone, 1);
    }

    #[test]
    fn interpreters_that_are_scripts_are_followed() {
        let case = start(LIMITS, None);
        let inner = case.write("inner", "#! /bin/sh -e\n# needle\n");
        let outer = case.write("outer", &format!("#!{} one two\ntrue\n", inner.display()));
        let bytes = |path: &Path| -> Option<Bytes> { Some(path.as_os_str().as_bytes().into()) };
        let process = Process {
            executable: bytes(Path::new("/usr/bin/not-there")),
            requested_executable: bytes(&outer),
            interpreter: bytes(Path::new("/bin/sh")),
            ..Process::default()
        };
        let event = Event { process: Arc::new(process), ..Event::new(Kind::Exec) };
        case.worker.consider(&Arc::new(event));
        let found = case.next().expect("a match");
        assert_eq!((text(&found, "file.name"), text(&found, "yara.trigger")), ("inner".into(), "script".into()));
        let counters = case.settled(|it| it.scanned == 2);
        assert_eq!((counters.scanned, counters.missed.gone), (2, 1), "both scripts, and the program has ended");
    }

    #[test]
    fn an_ended_process_has_its_file_found_by_name_if_it_is_the_same() {
        let case = start(LIMITS, None);
        let path = case.write("program", "needle");
        case.worker.consider(&started(&path));
        assert!(case.next().is_some());
        let event = started(&path);
        std::fs::remove_file(&path).expect("removed");
        case.write("other", "");
        case.write("program", "needle, but another file");
        case.worker.consider(&event);
        // It is known by what the kernel said of it.
        assert!(case.next().is_some());
        let mut other = (*event).clone();
        if let Data::Exec(Exec { image: Some(image), .. }) = &mut other.data {
            image.changed_ns += 1;
        }
        case.worker.consider(&Arc::new(other));
        assert_eq!(case.settled(|it| it.missed.gone > 0).missed.gone, 1);
    }

    #[test]
    fn files_written_in_watched_folders_are_scanned_once_they_are_closed() {
        let host = Event { host_name: Some((*b"host").into()), ..Event::new(Kind::YaraMatch) };
        let case = start(LIMITS, Some(host));
        case.write("quiet", "hay");
        case.write("loud", "needle");
        let found = case.next().expect("a match");
        assert_eq!((text(&found, "yara.trigger"), text(&found, "host.name")), ("write".into(), "host".into()));
        assert_eq!(text(&found, "file.path"), case.folder.path().join("loud").display().to_string());
        // A folder that comes later, with what is in it already.
        std::fs::create_dir(case.folder.path().join("new")).expect("a folder");
        case.write("new/loud", "needle");
        assert_eq!(text(&case.next().expect("a match"), "file.name"), "loud");
        // One that is moved in, and a file that is.
        let elsewhere = tempfile::tempdir_in(case.folder.path().parent().expect("a parent")).expect("a folder");
        std::fs::write(elsewhere.path().join("moved"), "needle").expect("written");
        std::fs::rename(elsewhere.path().join("moved"), case.folder.path().join("new/moved")).expect("moved");
        assert_eq!(text(&case.next().expect("a match"), "file.name"), "moved");
        // A folder that is moved is watched under its new name.
        std::fs::rename(case.folder.path().join("new"), case.folder.path().join("newer")).expect("moved");
        let mut names: Vec<String> = (0..2).map(|_| text(&case.next().expect("a match"), "file.path")).collect();
        names.sort();
        let below = |name: &str| case.folder.path().join(name).display().to_string();
        assert_eq!(names, [below("newer/loud"), below("newer/moved")]);
        case.write("newer/loud", "another needle");
        assert_eq!(text(&case.next().expect("a match"), "file.path"), below("newer/loud"));
        // A link leads elsewhere, and nothing is read through it.
        std::os::unix::fs::symlink("/etc/hostname", case.folder.path().join("link")).expect("a link");
        // Beyond the bound.
        for name in ["a", "b"] {
            std::fs::create_dir(case.folder.path().join(name)).expect("a folder");
        }
        let counters = case.settled(|it| it.missed.folders > 0);
        assert_eq!((counters.folders, counters.missed.folders), (3, 1));
        assert_eq!(counters.missed.unreadable, 0);
    }

    #[test]
    fn a_file_that_nobody_in_scope_wrote_is_not_read() {
        let case = start(LIMITS, None);
        let path = case.write("loud", "needle");
        assert_eq!(case.settled(|it| it.missed.unknown_writer > 0).missed.unknown_writer, 1);
        let facts = std::fs::metadata(&path).expect("facts");
        let mut event = Event::new(Kind::FileOpen);
        if let Data::FileOpen(open) = &mut event.data {
            open.access = [crate::event::file_open::Access::Write].into_iter().collect();
            open.inode = i64::try_from(facts.ino()).ok().map(crate::event::value::Numeric);
            open.name = Some((*b"loud").into());
        }
        event.process = Arc::new(Process { pid: Some(7), ..Process::default() });
        case.worker.consider(&Arc::new(event));
        case.write("loud", "needle again");
        let found = case.next().expect("a match");
        assert_eq!(found.process.pid, Some(7));
    }

    #[test]
    fn other_rules_judge_what_waits_and_know_nothing_of_before() {
        let mut case = start(LIMITS, None);
        let path = case.write("program", "needle thread");
        *lock(&case.files.image) = Some(path.clone());
        let event = started(&path);
        case.worker.consider(&event);
        assert_eq!(text(&case.next().expect("a match"), "yara.rule.name"), "found_needle");
        case.worker.renew(Some(rules("thread")));
        case.worker.consider(&event);
        assert_eq!(text(&case.next().expect("a match"), "yara.rule.name"), "found_thread");
        case.worker.renew(None);
        case.worker.consider(&event);
        assert_eq!(case.worker.rules(), 0);
        case.worker.renew(Some(rules("hay")));
        case.worker.consider(&event);
        assert_eq!(case.settled(|it| it.scanned == 3).matches, 2);
    }

    #[test]
    fn what_finds_no_room_is_counted_and_what_is_long_is_scanned_in_part() {
        let case = start(Limits { queue: 1, max_bytes: 4096, ..LIMITS }, None);
        let path = case.write("program", &format!("needle{}", "x".repeat(5000)));
        *lock(&case.files.image) = Some(path.clone());
        for _ in 0..1000 {
            case.worker.consider(&started(&path));
        }
        assert!(case.worker.counters().missed.queue > 0);
        let found = case.next().expect("a match");
        assert_eq!(text(&found, "yara.partial"), "Bool(true)");
        assert_eq!(
            (text(&found, "yara.scanned_bytes"), text(&found, "file.size")),
            ("Int(4096)".into(), "Int(5006)".into())
        );
        assert_eq!(text(&found, "file.hash.sha256"), "Absent");
        let mut last = 0;
        let counters = case.worker.finish(Duration::from_secs(20), |_| last += 1);
        assert_eq!(counters.scanned, 1, "the others were known");
    }
}
