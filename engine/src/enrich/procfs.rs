//! Processes that run already, as `/proc` shows them: the fallback where the kernel's task iterator
//! is not to be had, and the source of arguments for seeds that came from it.
//!
//! `/proc` is a moving picture: processes vanish between two reads, and what vanishes is left out.
//! Each process is read through one open directory, which never turns into another process that got
//! the same id. Every file has a limit.

use std::{
    collections::HashMap,
    fs::{File, ReadDir},
    io::{self, Read},
    os::{
        fd::{AsFd, OwnedFd},
        unix::{ffi::OsStrExt, fs::MetadataExt},
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags},
    time::{ClockId, clock_gettime},
};

use crate::event::{
    Process, ProcessKey, Seed,
    id::TICK_NS,
    value::{Bytes, Numeric},
};

/// Arguments up to this size are kept whole; of longer ones [`HEAD_BYTES`] and [`TAIL_BYTES`].
const WHOLE_BYTES: usize = 32 << 10;
/// Bytes kept from the start of long arguments.
const HEAD_BYTES: usize = 24 << 10;
/// Bytes kept from their end.
const TAIL_BYTES: usize = 8 << 10;
/// The most bytes of arguments looked at; the kernel takes at most 6 MiB.
const MAX_ARGUMENT_BYTES: u64 = 8 << 20;
/// The most bytes of `stat`, `status` and `cgroup`.
const MAX_FILE_BYTES: u64 = 64 << 10;
/// Parents whose start is remembered during one walk.
const MAX_STARTS: usize = 65_536;
/// `statfs` type of a version 2 cgroup hierarchy (linux/magic.h).
const CGROUP2_MAGIC: i64 = 0x6367_7270;

/// Reads the processes below `root`, which is `/proc` of the initial pid namespace; with `only`, those
/// in the cgroup of that path and the ones below it.
///
/// # Errors
/// When `root` cannot be listed. Processes that cannot be read are left out.
pub fn read_procfs(root: &Path, only: Option<&[u8]>) -> io::Result<impl Iterator<Item = Seed> + use<>> {
    Ok(Walk {
        entries: std::fs::read_dir(root)?,
        root: root.to_owned(),
        only: only.map(Into::into),
        cgroup_mount: cgroup_mount(),
        starts: HashMap::default(),
    })
}

/// Adds the arguments of a seed that came without them. Nothing is added if its process has ended.
pub fn complete_arguments(root: &Path, seed: &mut Seed) {
    let Some(folder) = open_process(root, seed.key.pid) else { return };
    if !seed.process.args.is_empty() {
        return;
    }
    let mut image = seed.process.clone();
    read_arguments(&folder, &mut image);
    // Looked at after the arguments: a process that has started another program meanwhile shows the
    // other's arguments, and by then the kernel's name for it is another too.
    let Some(stat) = read(&folder, "stat").and_then(|text| Stat::parse(&text)) else { return };
    let same_image = seed.comm.as_ref().is_none_or(|comm| *comm == stat.name);
    if stat.start_ticks == seed.key.start_boot_ns / TICK_NS && same_image {
        seed.process = image;
        // An exec of a program of the same name cannot be told: the later time lets the table drop
        // the seed for the exec.
        seed.read_ns = now_ns();
    }
}

struct Walk {
    entries: ReadDir,
    root: PathBuf,
    only: Option<Bytes>,
    cgroup_mount: Option<PathBuf>,
    starts: HashMap<u32, u64, ahash::RandomState>,
}

impl Iterator for Walk {
    type Item = Seed;

    fn next(&mut self) -> Option<Seed> {
        loop {
            // An entry that cannot be read is a process that has just ended.
            let Ok(entry) = self.entries.next()? else { continue };
            let pid = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
            if let Some(seed) = pid.and_then(|pid| self.seed(pid)) {
                return Some(seed);
            }
        }
    }
}

impl Walk {
    fn seed(&mut self, pid: u32) -> Option<Seed> {
        let folder = open_process(&self.root, pid)?;
        let stat = Stat::parse(&read(&folder, "stat")?)?;
        if stat.has_ended {
            return None;
        }
        let cgroup_path = read(&folder, "cgroup").and_then(|text| cgroup_of(&text));
        if let Some(only) = &self.only {
            let below = cgroup_path.as_ref()?.strip_prefix(&**only)?;
            if !below.is_empty() && !below.starts_with(b"/") && !only.ends_with(b"/") {
                return None;
            }
        }
        let mut process = Process { name: Some(stat.name.clone()), ..Process::default() };
        process.user_id = read(&folder, "status").and_then(|text| effective_user(&text)).map(Numeric);
        read_executable(&folder, &mut process);
        read_arguments(&folder, &mut process);
        self.remember(pid, stat.start_ticks);
        Some(Seed {
            key: key(pid, stat.start_ticks),
            parent_key: self.parent(stat.parent, stat.start_ticks),
            process,
            comm: Some(stat.name),
            cgroup_id: cgroup_path.as_ref().and_then(|path| self.cgroup_id(path)),
            cgroup_path,
            // Taken last: see `Seed::read_ns`.
            read_ns: now_ns(),
        })
    }

    /// The parent's key, if it is really the parent: a process younger than its child has got the id
    /// of one that ended.
    fn parent(&mut self, pid: u32, child_ticks: u64) -> ProcessKey {
        let known = self.starts.get(&pid).copied();
        let start = known.or_else(|| {
            let stat = read(&open_process(&self.root, pid)?, "stat")?;
            Stat::parse(&stat).map(|stat| stat.start_ticks)
        });
        match start {
            Some(ticks) if pid != 0 && ticks <= child_ticks => {
                self.remember(pid, ticks);
                key(pid, ticks)
            }
            _ => ProcessKey::default(),
        }
    }

    fn remember(&mut self, pid: u32, ticks: u64) {
        if self.starts.len() < MAX_STARTS {
            self.starts.insert(pid, ticks);
        }
    }

    /// The id of a cgroup is the inode number of its folder.
    fn cgroup_id(&self, path: &[u8]) -> Option<i64> {
        let below = Path::new(std::ffi::OsStr::from_bytes(path.strip_prefix(b"/")?));
        // A cgroup outside our cgroup namespace is shown as `/../..`.
        if below.components().any(|part| part == std::path::Component::ParentDir) {
            return None;
        }
        let found = std::fs::metadata(self.cgroup_mount.as_ref()?.join(below)).ok()?;
        i64::try_from(found.ino()).ok()
    }
}

fn key(pid: u32, start_ticks: u64) -> ProcessKey {
    ProcessKey { pid, start_boot_ns: start_ticks.saturating_mul(TICK_NS) }
}

/// Where the version 2 hierarchy is mounted: alone, or beside version 1 as systemd's hybrid layout has it.
fn cgroup_mount() -> Option<PathBuf> {
    ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
        .into_iter()
        .find(|path| rustix::fs::statfs(*path).is_ok_and(|found| i128::from(found.f_type) == i128::from(CGROUP2_MAGIC)))
        .map(PathBuf::from)
}

/// Nanoseconds on the boot clock.
fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let (seconds, ns) = (u64::try_from(now.tv_sec), u64::try_from(now.tv_nsec));
    seconds.unwrap_or_default().saturating_mul(1_000_000_000).saturating_add(ns.unwrap_or_default())
}

fn open_process(root: &Path, pid: u32) -> Option<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(CWD, root.join(pid.to_string()), flags, Mode::empty()).ok()
}

fn open(folder: &impl AsFd, name: &str) -> Option<File> {
    rustix::fs::openat(folder, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok().map(File::from)
}

fn read(folder: &impl AsFd, name: &str) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    open(folder, name)?.take(MAX_FILE_BYTES).read_to_end(&mut text).ok()?;
    Some(text)
}

/// What is used of `/proc/PID/stat` (proc(5)).
#[derive(Debug, PartialEq)]
struct Stat {
    name: Bytes,
    /// A zombie without other threads.
    has_ended: bool,
    parent: u32,
    start_ticks: u64,
}

impl Stat {
    fn parse(text: &[u8]) -> Option<Self> {
        // The name may hold blanks and parentheses: it ends at the last one.
        let open = text.iter().position(|byte| *byte == b'(')?;
        let close = text.iter().rposition(|byte| *byte == b')')?;
        let name = text.get(open + 1..close)?;
        let rest = std::str::from_utf8(text.get(close + 1..)?).ok()?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        // Field 3, the state, is the first one here.
        let field = |number: usize| fields.get(number - 3).copied();
        let threads: u64 = field(20)?.parse().ok()?;
        Some(Self {
            name: name.into(),
            has_ended: matches!(field(3)?, "Z" | "X") && threads <= 1,
            parent: field(4)?.parse().ok()?,
            start_ticks: field(22)?.parse().ok()?,
        })
    }
}

/// The second number of the line `Uid:` in `/proc/PID/status`.
fn effective_user(text: &[u8]) -> Option<i64> {
    let line = text.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"Uid:"))?;
    std::str::from_utf8(line).ok()?.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// The path in the version 2 hierarchy; where there is none, in systemd's own of version 1.
fn cgroup_of(text: &[u8]) -> Option<Bytes> {
    let path = |start: &[u8]| {
        text.split(|byte| *byte == b'\n').find_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let (number, rest) = (line.get(..colon)?, line.get(colon + 1..)?);
            let path = rest.strip_prefix(start)?;
            (start != b":" || number == b"0").then(|| Bytes::from(path))
        })
    };
    path(b":").or_else(|| path(b"name=systemd:"))
}

/// The running image. A file without a name any more is told from one whose name ends in
/// ` (deleted)` by its link count.
fn read_executable(folder: &impl AsFd, process: &mut Process) {
    let Ok(link) = rustix::fs::readlinkat(folder, "exe", Vec::new()) else { return };
    let path = link.as_bytes();
    let is_deleted = rustix::fs::statat(folder, "exe", AtFlags::empty()).is_ok_and(|found| found.st_nlink == 0);
    let named = if is_deleted { path.strip_suffix(b" (deleted)").unwrap_or(path) } else { path };
    let is_memfd = is_deleted && named.starts_with(b"/memfd:");
    process.executable = Some(named.into());
    process.executable_memfd = is_memfd.then_some(true);
    process.executable_deleted = (is_deleted && !is_memfd).then_some(true);
}

fn read_arguments(folder: &impl AsFd, process: &mut Process) {
    if let Some(file) = open(folder, "cmdline")
        && let Ok(arguments) = Arguments::read(file.take(MAX_ARGUMENT_BYTES))
    {
        arguments.put(process);
    }
}

/// Arguments as the kernel keeps them, each with a zero byte behind it.
#[derive(Default)]
struct Arguments {
    head: Vec<u8>,
    /// What lies beyond the head, only its end if there is much.
    tail: Vec<u8>,
    bytes: usize,
    zeros: usize,
    ends_open: bool,
}

impl Arguments {
    fn read(mut from: impl Read) -> io::Result<Self> {
        let mut all = Self::default();
        let mut chunk = [0; 4096];
        loop {
            let got = match from.read(&mut chunk) {
                Ok(0) => return Ok(all),
                Ok(got) => chunk.get(..got).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            all.bytes += got.len();
            all.zeros += got.iter().filter(|byte| **byte == 0).count();
            all.ends_open = got.last().is_some_and(|byte| *byte != 0);
            let (head, tail) = got.split_at(got.len().min(HEAD_BYTES - all.head.len()));
            all.head.extend_from_slice(head);
            all.tail.extend_from_slice(tail);
            // Up to the size kept whole nothing may go.
            if all.bytes > WHOLE_BYTES {
                all.tail.drain(..all.tail.len().saturating_sub(TAIL_BYTES));
            }
        }
    }

    fn put(mut self, process: &mut Process) {
        let is_cut = self.bytes > self.head.len() + self.tail.len();
        if !is_cut {
            self.head.append(&mut self.tail);
        }
        process.args.clear();
        for part in [&self.head, &self.tail] {
            // The last argument's zero byte is an end, not a separator.
            let part = part.strip_suffix(b"\0").unwrap_or(part);
            if !part.is_empty() || (self.bytes > 0 && !is_cut && process.args.is_empty()) {
                process.args.extend(part.split(|byte| *byte == 0).map(Bytes::from));
            }
        }
        process.args_count = i64::try_from(self.zeros + usize::from(self.ends_open)).ok();
        process.args_bytes = i64::try_from(self.bytes).ok();
        if is_cut {
            process.cut.add("process.args");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;
    use crate::event::id::Origin;

    fn own_seed(pid: u32) -> Seed {
        let mut all = read_procfs(Path::new("/proc"), None).expect("/proc");
        all.find(|seed| seed.key.pid == pid).expect("a running process")
    }

    #[test]
    fn this_very_process_is_found_as_it_is() {
        let seed = own_seed(std::process::id());
        let executable = std::env::current_exe().expect("a path");
        assert_eq!(seed.process.executable.as_deref(), Some(executable.as_os_str().as_bytes()));
        let args: Vec<Bytes> = std::env::args_os().map(|arg| arg.as_bytes().into()).collect();
        assert_eq!(seed.process.args, args);
        assert_eq!(seed.process.args_count, i64::try_from(args.len()).ok());
        let user = rustix::process::geteuid().as_raw();
        assert_eq!(seed.process.user_id, Some(Numeric(i64::from(user))));
        assert_eq!(seed.parent_key.pid, std::os::unix::process::parent_id());
        assert!(seed.parent_key.start_boot_ns <= seed.key.start_boot_ns);
        assert!(seed.key.start_boot_ns < seed.read_ns && seed.read_ns <= now_ns());
        let own = std::fs::File::open("/proc/self/cgroup").expect("/proc");
        let mut text = Vec::new();
        own.take(4096).read_to_end(&mut text).expect("text");
        assert_eq!(seed.cgroup_path, cgroup_of(&text));
    }

    #[test]
    fn entity_ids_agree_between_proc_and_the_exact_start() {
        let origin = Origin::new("machine", "boot");
        // A child made within one tick has a start that is known on both sides.
        for _ in 0..50 {
            let before = now_ns();
            let mut child = Command::new("sleep").arg("30").stdin(Stdio::null()).spawn().expect("sleep is installed");
            let after = now_ns();
            let seed = own_seed(child.id());
            let mut late = Seed { key: seed.key, ..Seed::default() };
            complete_arguments(Path::new("/proc"), &mut late);
            child.kill().expect("own child");
            child.wait().expect("own child");
            assert_eq!(seed.parent_key.pid, std::process::id());
            assert!((before / TICK_NS..=after / TICK_NS).contains(&(seed.key.start_boot_ns / TICK_NS)));
            if before / TICK_NS == after / TICK_NS {
                let exact = ProcessKey { pid: child.id(), start_boot_ns: before + (after - before) / 2 };
                assert_eq!(origin.entity(exact), origin.entity(seed.key));
                assert_eq!(late.process.args, [Bytes::from(&b"sleep"[..]), Bytes::from(&b"30"[..])]);
                return;
            }
        }
        panic!("no child was made within one tick in 50 tries");
    }

    #[test]
    fn arguments_are_not_taken_from_another_process_with_the_same_id() {
        let own = own_seed(std::process::id());
        let start_boot_ns = own.key.start_boot_ns - TICK_NS;
        let mut former = Seed { key: ProcessKey { start_boot_ns, ..own.key }, ..Seed::default() };
        complete_arguments(Path::new("/proc"), &mut former);
        assert_eq!(former.process.args, Vec::<Bytes>::new());
    }

    #[test]
    fn only_the_wanted_cgroup_is_read() {
        let own = own_seed(std::process::id());
        let path = own.cgroup_path.expect("every process has a cgroup");
        let mut inside = read_procfs(Path::new("/proc"), Some(&path)).expect("/proc");
        assert!(inside.any(|seed| seed.key.pid == std::process::id()));
        let elsewhere = [&path, &b"/no-such-group"[..]].concat();
        assert_eq!(read_procfs(Path::new("/proc"), Some(&elsewhere)).expect("/proc").count(), 0);
    }

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let text = b"42 (a) b (c) S 7 42 42 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 3 0 123456 0 0\n";
        let expected = Stat { name: b"a) b (c"[..].into(), has_ended: false, parent: 7, start_ticks: 123_456 };
        assert_eq!(Stat::parse(text), Some(expected));
        let zombie = b"42 (x) Z 7 42 42 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 5 0 0\n";
        assert!(Stat::parse(zombie).expect("parsed").has_ended);
        for damaged in [&b""[..], b"1 (x", b"1 (x) S", b")(", b"1 (x) S 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 x"] {
            assert_eq!(Stat::parse(damaged), None);
        }
    }

    #[test]
    fn the_unified_hierarchy_goes_before_systemds() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(cgroup_of(text.as_bytes()).as_deref(), expected.map(str::as_bytes), "{text}");
        };
        check("0::/user.slice\n", Some("/user.slice"));
        check("12:pids:/a\n1:name=systemd:/b\n0::/c:d\n", Some("/c:d"));
        check("12:pids:/a\n1:name=systemd:/b\n", Some("/b"));
        check("12:pids:/a\n", None);
        check("", None);
    }

    #[test]
    fn arguments_of_every_size_keep_their_two_ends() {
        let put = |text: &[u8]| {
            let mut process = Process::default();
            Arguments::read(text).expect("memory").put(&mut process);
            process
        };
        let none = put(b"");
        assert_eq!((none.args.len(), none.args_count), (0, Some(0)));
        assert_eq!(put(b"\0").args, [Bytes::default()]);
        assert_eq!(put(b"a\0\0b\0").args, [b"a"[..].into(), Bytes::default(), b"b"[..].into()]);
        // A process that has written over its arguments need not end them.
        let title = put(b"nginx: worker");
        assert_eq!((title.args.len(), title.args_count), (1, Some(1)));

        let whole = put(&b"x\0".repeat(WHOLE_BYTES / 2));
        assert_eq!((whole.args.len(), whole.cut.0.len()), (WHOLE_BYTES / 2, 0));
        let mut text = b"x\0".repeat(WHOLE_BYTES);
        text.extend_from_slice(b"last\0");
        let cut = put(&text);
        assert_eq!(cut.args_bytes, i64::try_from(text.len()).ok());
        assert_eq!(cut.args_count, i64::try_from(WHOLE_BYTES + 1).ok());
        assert_eq!(cut.args.last().map(|last| &**last), Some(&b"last"[..]));
        assert_eq!(cut.args.iter().map(|arg| arg.len() + 1).sum::<usize>(), HEAD_BYTES + TAIL_BYTES);
        assert_eq!(cut.cut.0, ["process.args"]);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(text: Vec<u8>) {
            Stat::parse(&text);
            effective_user(&text);
            cgroup_of(&text);
            let mut process = Process::default();
            Arguments::read(&*text).expect("memory").put(&mut process);
            proptest::prop_assert_eq!(process.args.join(&0).len(), text.strip_suffix(b"\0").unwrap_or(&text).len());
        }
    }
}
