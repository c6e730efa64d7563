//! The line on which the engine has files opened: requests, answers, and the helper's thread that serves them.
//!
//! It is a line and a thread of its own, since a file may lie where opening never ends: on a network, or
//! with a program that serves files. Then scanning stands still, and nothing else does.

use std::{
    ffi::OsStr,
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use rustix::io::Errno;

use super::{
    files::{self, Folders},
    helper::{receive, send_bytes},
};
use crate::event::ProcessKey;

/// Bytes of a request before its path.
const FIXED: usize = 16;
/// Bytes of a path.
const MAX_PATH: usize = 4096;
/// Bytes of an answer: what came of it, and a number.
const ANSWER: usize = 8;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Request {
    /// A file below one of the folders that were named.
    Below(u32, PathBuf),
    /// A file by its name, as a process sees it or as the host does.
    Executed(Option<ProcessKey>, PathBuf),
    /// A folder that will be watched; only before the start.
    Folder(PathBuf),
    /// The file that a process runs.
    Image(ProcessKey),
    /// What the kernel tells of watched folders.
    Notices,
    /// A folder at or below one that was named.
    Watch(u32, PathBuf),
}

impl Request {
    fn encode(&self) -> Vec<u8> {
        let nobody = ProcessKey::default();
        let of = |folder: u32| ProcessKey { pid: folder, ..nobody };
        let (operation, key, path) = match self {
            Self::Below(folder, path) => (1u32, of(*folder), path.as_path()),
            Self::Executed(process, path) => (2, process.unwrap_or(nobody), path.as_path()),
            Self::Folder(path) => (3, nobody, path.as_path()),
            Self::Image(process) => (4, *process, Path::new("")),
            Self::Notices => (5, nobody, Path::new("")),
            Self::Watch(folder, path) => (6, of(*folder), path.as_path()),
        };
        let mut bytes = operation.to_ne_bytes().to_vec();
        bytes.extend(key.pid.to_ne_bytes());
        bytes.extend(key.start_boot_ns.to_ne_bytes());
        bytes.extend(path.as_os_str().as_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (fixed, path) = bytes.split_at_checked(FIXED)?;
        let word = |at: usize| -> Option<u32> { Some(u32::from_ne_bytes(fixed.get(at..at + 4)?.try_into().ok()?)) };
        let start_boot_ns = u64::from_ne_bytes(fixed.get(8..FIXED)?.try_into().ok()?);
        let key = ProcessKey { pid: word(4)?, start_boot_ns };
        let path = PathBuf::from(OsStr::from_bytes(path));
        Some(match word(0)? {
            1 => Self::Below(key.pid, path),
            2 => Self::Executed((key.pid != 0).then_some(key), path),
            3 => Self::Folder(path),
            4 => Self::Image(key),
            5 => Self::Notices,
            6 => Self::Watch(key.pid, path),
            _ => return None,
        })
    }
}

/// The engine's end: threads share it, one question at a time.
#[derive(Clone, Debug)]
pub struct Opener(Arc<Mutex<OwnedFd>>);

impl Opener {
    pub(super) fn new(socket: OwnedFd) -> Self {
        Self(Arc::new(Mutex::new(socket)))
    }

    /// The file that a process runs.
    ///
    /// # Errors
    /// What the kernel says; [`io::ErrorKind::NotFound`] if the process has ended.
    pub fn image(&self, process: ProcessKey) -> io::Result<OwnedFd> {
        self.file(&Request::Image(process))
    }

    /// A file by its name, as a process sees it, or the host; only one that somebody may run.
    ///
    /// # Errors
    /// As [`Opener::image`].
    pub fn executed(&self, process: Option<ProcessKey>, path: &Path) -> io::Result<OwnedFd> {
        self.file(&Request::Executed(process, path.to_owned()))
    }

    /// Names a folder of the host, below which files may be asked for; its number. Only before the start.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn folder(&self, path: &Path) -> io::Result<u32> {
        let (number, _) = self.ask(&Request::Folder(path.to_owned()))?;
        u32::try_from(number).map_err(io::Error::other)
    }

    /// What the kernel tells of watched folders: an inotify descriptor that does not block.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] if no folder was named.
    pub fn notices(&self) -> io::Result<OwnedFd> {
        self.file(&Request::Notices)
    }

    /// Watches a folder at or below one that was named: its number among the notices, and the folder.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn watch(&self, folder: u32, path: &Path) -> io::Result<(i32, OwnedFd)> {
        let (number, folder) = self.ask(&Request::Watch(folder, path.to_owned()))?;
        Ok((number, folder.ok_or_else(confused)?))
    }

    /// A regular file below a folder that was named.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn below(&self, folder: u32, path: &Path) -> io::Result<OwnedFd> {
        self.file(&Request::Below(folder, path.to_owned()))
    }

    fn file(&self, request: &Request) -> io::Result<OwnedFd> {
        self.ask(request)?.1.ok_or_else(confused)
    }

    fn ask(&self, request: &Request) -> io::Result<(i32, Option<OwnedFd>)> {
        let bytes = request.encode();
        if bytes.len() > FIXED + MAX_PATH {
            return Err(io::ErrorKind::InvalidFilename.into());
        }
        let socket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rustix::io::write(&*socket, &bytes)?;
        let mut answer = [0; ANSWER];
        let (count, mut descriptors) = receive(socket.as_fd(), &mut answer)?;
        let [a, b, c, d, e, f, g, h] = answer;
        let (error, number) = (i32::from_ne_bytes([a, b, c, d]), i32::from_ne_bytes([e, f, g, h]));
        match (count, error) {
            (ANSWER, 0) => Ok((number, descriptors.pop())),
            (ANSWER, error) => Err(io::Error::from_raw_os_error(error)),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

fn confused() -> io::Error {
    io::Error::other("the helper gave an answer that does not fit")
}

/// The helper's thread: answers until the engine has closed the line. `started` says that the engine may have
/// read what others wrote.
pub(super) fn serve(socket: &OwnedFd, started: &AtomicBool) {
    let mut folders = Folders::default();
    let mut bytes = [0; FIXED + MAX_PATH];
    loop {
        let count = match rustix::io::read(socket, &mut bytes) {
            Ok(0) => return,
            Ok(count) => count,
            Err(Errno::INTR) => continue,
            Err(error) => {
                tracing::debug!(%error, "no more files are opened");
                return;
            }
        };
        let request = Request::decode(bytes.get(..count).unwrap_or_default());
        let answered = answer(request, &mut folders, started.load(Ordering::Acquire));
        let (error, number, file) = match answered {
            Ok((number, file)) => (0, number, file),
            Err(error) => (number_of(&error), 0, None),
        };
        let reply = [error.to_ne_bytes(), number.to_ne_bytes()].concat();
        let descriptors: Vec<BorrowedFd<'_>> = file.iter().map(AsFd::as_fd).collect();
        if let Err(error) = send_bytes(socket.as_fd(), &reply, &descriptors) {
            tracing::debug!(%error, "no more files are opened");
            return;
        }
    }
}

/// A number, and a descriptor where there is one.
fn answer(request: Option<Request>, folders: &mut Folders, started: bool) -> io::Result<(i32, Option<OwnedFd>)> {
    match request.ok_or(io::ErrorKind::InvalidInput)? {
        Request::Below(folder, path) => Ok((0, Some(folders.file(folder, &path)?))),
        Request::Executed(process, path) => Ok((0, Some(files::executed(process, &path)?))),
        // An engine that has been taken over must not name others.
        Request::Folder(_) if started => Err(io::ErrorKind::PermissionDenied.into()),
        Request::Folder(path) => Ok((i32::try_from(folders.name(&path)?).map_err(io::Error::other)?, None)),
        Request::Image(process) => Ok((0, Some(files::image(process)?))),
        Request::Notices => Ok((0, Some(folders.notices()?))),
        Request::Watch(folder, path) => {
            let (number, folder) = folders.watch(folder, &path)?;
            Ok((number, Some(folder)))
        }
    }
}

/// The kernel's number of an error, or the next best one.
fn number_of(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or_else(|| {
        let known = [(io::ErrorKind::NotFound, Errno::NOENT), (io::ErrorKind::InvalidInput, Errno::INVAL)];
        let found = known.iter().find(|(kind, _)| *kind == error.kind());
        found.map_or(Errno::ACCESS, |(_, number)| *number).raw_os_error()
    })
}

#[cfg(test)]
mod tests {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

    use super::*;

    #[test]
    fn requests_survive_the_line() {
        let process = ProcessKey { pid: 7, start_boot_ns: u64::MAX - 9 };
        let path = PathBuf::from(OsStr::from_bytes(b"/bin/\xff"));
        for request in [
            Request::Below(u32::MAX, PathBuf::new()),
            Request::Executed(None, path.clone()),
            Request::Executed(Some(process), path.clone()),
            Request::Folder(path.clone()),
            Request::Image(process),
            Request::Notices,
            Request::Watch(3, path),
        ] {
            assert_eq!(Request::decode(&request.encode()), Some(request));
        }
        assert_eq!(Request::decode(&[9; FIXED]), None);
        assert_eq!(Request::decode(&[1; FIXED - 1]), None);
    }

    #[test]
    fn files_come_over_the_line_and_folders_are_named_before_the_start_only() {
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).expect("a line");
        let started = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&started);
        let thread = std::thread::spawn(move || serve(&ours, &seen));
        let opener = Opener::new(theirs);
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("file"), "text").expect("written");
        assert_eq!(opener.notices().expect_err("no folder yet").kind(), io::ErrorKind::NotFound);
        assert_eq!(opener.folder(folder.path()).expect("named"), 0);
        assert!(opener.notices().is_ok());
        assert!(opener.below(0, Path::new("file")).is_ok());
        assert_eq!(opener.below(0, Path::new("none")).expect_err("none").kind(), io::ErrorKind::NotFound);
        assert!(opener.watch(0, Path::new("")).expect("watched").0 > 0);
        started.store(true, Ordering::Release);
        assert_eq!(opener.folder(folder.path()).expect_err("too late").kind(), io::ErrorKind::PermissionDenied);
        let long = PathBuf::from("x".repeat(MAX_PATH + 1));
        assert_eq!(opener.below(0, &long).expect_err("too long").kind(), io::ErrorKind::InvalidFilename);
        drop(opener);
        thread.join().expect("it ends with the line");
    }
}
