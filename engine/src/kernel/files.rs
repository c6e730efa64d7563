//! Files that the helper opens for the engine, which has no right to: what processes run.
//!
//! An engine that has been taken over must not read the host through this. It gets what is being run,
//! and by name only what could be run, or lies in a folder that was named before it read anything
//! from outside.

use std::{
    io::{self, Read},
    os::fd::{AsFd, AsRawFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{
        CWD, FileType, Mode, OFlags, ResolveFlags, Stat, fstat,
        inotify::{self, CreateFlags, WatchFlags},
        openat, openat2,
    },
    io::Errno,
};

use crate::event::{ProcessKey, id::TICK_NS};

/// What the kernel is to tell of a watched folder: files closed after writing, new entries, those moved.
const NOTICES: WatchFlags =
    WatchFlags::CLOSE_WRITE.union(WatchFlags::CREATE).union(WatchFlags::MOVE).union(WatchFlags::ONLYDIR);

/// Reading, without waiting for the other end of a pipe or becoming a terminal's owner.
const READING: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);
/// A place in the tree.
const PLACE: OFlags = OFlags::PATH.union(OFlags::CLOEXEC).union(OFlags::DIRECTORY);
/// Bytes of /proc/PID/stat that matter.
const MAX_STAT: u64 = 1024;

/// The folder of a process in /proc, which stays that of this process when its number is given to another.
fn process(key: ProcessKey) -> io::Result<OwnedFd> {
    let folder = openat(CWD, format!("/proc/{}", key.pid), PLACE, Mode::empty())?;
    let stat = openat(&folder, "stat", READING, Mode::empty())?;
    let mut text = Vec::new();
    std::fs::File::from(stat).take(MAX_STAT).read_to_end(&mut text)?;
    if started(&text) == Some(key.start_boot_ns / TICK_NS) { Ok(folder) } else { Err(io::ErrorKind::NotFound.into()) }
}

/// When a process was started, in clock ticks, of its line in /proc: the 22nd word; the second, in parentheses, may be anything.
fn started(stat: &[u8]) -> Option<u64> {
    let rest = stat.get(memchr::memrchr(b')', stat)? + 1..)?;
    std::str::from_utf8(rest).ok()?.split_ascii_whitespace().nth(19)?.parse().ok()
}

/// The file that a process runs.
pub(super) fn image(key: ProcessKey) -> io::Result<OwnedFd> {
    let folder = process(key).map_err(ended)?;
    let file = openat(&folder, "exe", READING, Mode::empty()).map_err(|error| ended(error.into()))?;
    regular(&file)?;
    Ok(file)
}

/// A process that ends while it is looked at is no other failure than one that has ended.
fn ended(error: io::Error) -> io::Error {
    if error.raw_os_error() == Some(Errno::SRCH.raw_os_error()) { io::ErrorKind::NotFound.into() } else { error }
}

/// The root of a process, or of the host.
fn root(key: Option<ProcessKey>) -> io::Result<OwnedFd> {
    Ok(match key {
        Some(key) => openat(process(key).map_err(ended)?, "root", PLACE, Mode::empty())?,
        // The sensor may have a root or mounts of its own.
        None => {
            openat(CWD, "/proc/1/root", PLACE, Mode::empty()).or_else(|_| openat(CWD, "/", PLACE, Mode::empty()))?
        }
    })
}

/// A file by its name, if somebody may run it.
pub(super) fn executed(key: Option<ProcessKey>, path: &Path) -> io::Result<OwnedFd> {
    let within = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let file = openat2(root(key)?, path, READING, Mode::empty(), within)?;
    let facts = regular(&file)?;
    if facts.st_mode & 0o111 == 0 {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok(file)
}

/// Folders that were named at the start, and what the kernel tells of them.
#[derive(Debug, Default)]
pub(super) struct Folders {
    folders: Vec<OwnedFd>,
    notices: Option<OwnedFd>,
}

impl Folders {
    /// Most folders that are named.
    const MAX: usize = 1024;

    /// Takes a folder of the host; its number.
    pub(super) fn name(&mut self, path: &Path) -> io::Result<u32> {
        if self.folders.len() >= Self::MAX {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        // Links are followed: whoever wrote the configuration means what they lead to.
        let folder = openat2(root(None)?, path, PLACE, Mode::empty(), ResolveFlags::IN_ROOT)?;
        if self.notices.is_none() {
            self.notices = Some(inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?);
        }
        self.folders.push(folder);
        Ok(u32::try_from(self.folders.len() - 1).unwrap_or(u32::MAX))
    }

    /// The descriptor that the kernel's notices are read from.
    pub(super) fn notices(&self) -> io::Result<OwnedFd> {
        self.notices.as_ref().ok_or(io::ErrorKind::NotFound)?.try_clone()
    }

    /// A regular file below one of them.
    pub(super) fn file(&self, folder: u32, path: &Path) -> io::Result<OwnedFd> {
        let file = self.open(folder, path, READING)?;
        regular(&file)?;
        Ok(file)
    }

    /// Has the kernel tell of a folder below one of them: its number among the notices, and the folder.
    pub(super) fn watch(&self, folder: u32, path: &Path) -> io::Result<(i32, OwnedFd)> {
        let folder = self.open(folder, path, READING | OFlags::DIRECTORY)?;
        let notices = self.notices.as_ref().ok_or(io::ErrorKind::NotFound)?;
        // The number leads to the very folder that was opened.
        let watch = inotify::add_watch(notices, format!("/proc/self/fd/{}", folder.as_raw_fd()), NOTICES)?;
        Ok((watch, folder))
    }

    fn open(&self, folder: u32, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        let place = usize::try_from(folder).ok().and_then(|number| self.folders.get(number));
        let folder = place.ok_or(io::ErrorKind::NotFound)?;
        let within = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        Ok(openat2(folder, path, flags, Mode::empty(), within)?)
    }
}

fn regular(file: impl AsFd) -> io::Result<Stat> {
    let facts = fstat(file)?;
    if FileType::from_raw_mode(facts.st_mode) == FileType::RegularFile {
        Ok(facts)
    } else {
        Err(io::ErrorKind::InvalidInput.into())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    fn own() -> ProcessKey {
        let stat = crate::store::read_capped(Path::new("/proc/self/stat"), MAX_STAT).expect("a stat");
        ProcessKey { pid: std::process::id(), start_boot_ns: started(&stat).expect("a start") * TICK_NS + 7 }
    }

    #[test]
    fn a_process_is_known_by_its_start() {
        assert_eq!(started(b"7 (a) b) c) S 1 1 1 0 -1 4 5 6 7 8 9 10 11 12 20 0 1 0 4711 99"), Some(4711));
        let file = image(own()).expect("what this test runs");
        let exe = std::fs::metadata("/proc/self/exe").expect("facts");
        assert_eq!(fstat(&file).expect("facts").st_ino, exe.ino());
        let other = ProcessKey { start_boot_ns: own().start_boot_ns + TICK_NS, ..own() };
        assert_eq!(image(other).expect_err("another process").kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn nothing_outside_of_a_named_folder_is_opened() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("outside"), "text").expect("written");
        let named = folder.path().join("named");
        std::fs::create_dir_all(named.join("within")).expect("a folder");
        std::fs::write(named.join("within/file"), "text").expect("written");
        std::os::unix::fs::symlink(folder.path(), named.join("link")).expect("a link");
        let mut folders = Folders::default();
        assert!(folders.notices().is_err());
        assert_eq!(folders.name(&named).expect("named"), 0);
        assert!(folders.file(0, Path::new("within/file")).is_ok());
        for path in ["../outside", "link/outside", "link", "within", "/etc/passwd", "not-there"] {
            assert!(folders.file(0, Path::new(path)).is_err(), "{path}");
        }
        assert!(folders.file(1, Path::new("within/file")).is_err(), "no such folder");
        let (whole, _) = folders.watch(0, Path::new("")).expect("watched");
        let (within, _) = folders.watch(0, Path::new("within")).expect("watched");
        assert_ne!(whole, within);
        assert!(folders.watch(0, Path::new("..")).is_err());
        assert!(folders.watch(0, Path::new("within/file")).is_err());
        std::fs::write(named.join("within/other"), "text").expect("written");
        let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
        let notices = folders.notices().expect("a descriptor");
        let mut reader = inotify::Reader::new(&notices, &mut buffer);
        let notice = reader.next().expect("a notice");
        assert_eq!((notice.wd(), notice.file_name().map(std::ffi::CStr::to_bytes)), (within, Some(&b"other"[..])));
    }

    #[test]
    fn only_what_can_be_run_is_opened_by_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("program");
        std::fs::write(&path, "#!/bin/sh\n").expect("written");
        let set = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("set");
        set(0o600);
        assert_eq!(executed(Some(own()), &path).expect_err("no program").kind(), io::ErrorKind::PermissionDenied);
        set(0o700);
        assert!(executed(Some(own()), &path).is_ok());
        assert!(executed(Some(own()), folder.path()).is_err());
        assert!(executed(Some(own()), Path::new("/proc/self/exe")).is_err(), "a link of the kernel's");
    }
}
