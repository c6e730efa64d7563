//! Two processes: the helper with the capabilities, the engine without.
//!
//! [`split`] forks before any outside byte has been read. The parent becomes the helper and waits
//! for requests on a socketpair; the child becomes the engine and goes on. A request is a fixed
//! number of bytes; an answer is JSON with descriptors. Either one's end ends the other: the engine
//! dies with its parent, and the helper detaches everything and leaves with the engine's exit code.
#![expect(
    unsafe_code,
    reason = "fork(2) and malloc_trim(3) have no safe form; fork is called once, before any thread exists"
)]

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicBool, Ordering},
    },
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
        SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
    },
    process::{Pid, PidfdFlags, Signal, WaitOptions, pidfd_open, pidfd_send_signal, waitpid},
};
use serde::{Deserialize, Serialize};

use super::{
    attach::{KindSet, Plan},
    file_line::{self, Opener},
    load::Loaded,
    request::{Facts, StartRequest},
};

/// Descriptors of one answer: the rings, and the counters.
const MAX_DESCRIPTORS: usize = 17;
/// Bytes of one answer.
const MAX_ANSWER: usize = 256 * 1024;
/// Bytes of one request.
const REQUEST_BYTES: usize = 32;

/// Which of the two this process is now.
#[derive(Debug)]
pub enum Role {
    /// The engine, with its line to the helper.
    Engine(Client),
    /// The helper, at its end: the engine has ended with this code.
    Helper(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    Start(StartRequest),
    Iterate,
    Look,
    Detach,
    Attach(KindSet),
}

impl Request {
    fn encode(self) -> [u8; REQUEST_BYTES] {
        let nothing = StartRequest { kinds: 0, rings: 0, ring_bytes: 0, scope_level: 0, scope_cgroup: 0 };
        let (operation, start) = match self {
            Self::Start(start) => (1u32, start),
            Self::Iterate => (2, nothing),
            Self::Look => (3, nothing),
            Self::Detach => (4, nothing),
            Self::Attach(KindSet(kinds)) => (5, StartRequest { kinds, ..nothing }),
        };
        let mut bytes = [0; REQUEST_BYTES];
        let words = [operation, start.kinds, start.rings, start.ring_bytes, start.scope_level];
        let all =
            words.iter().flat_map(|word| word.to_ne_bytes()).chain([0; 4]).chain(start.scope_cgroup.to_ne_bytes());
        for (place, byte) in bytes.iter_mut().zip(all) {
            *place = byte;
        }
        bytes
    }

    fn decode(bytes: &[u8; REQUEST_BYTES]) -> Option<Self> {
        let word = |at: usize| -> Option<u32> { Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?)) };
        Some(match word(0)? {
            1 => Self::Start(StartRequest {
                kinds: word(4)?,
                rings: word(8)?,
                ring_bytes: word(12)?,
                scope_level: word(16)?,
                scope_cgroup: u64::from_ne_bytes(bytes.get(24..32)?.try_into().ok()?),
            }),
            2 => Self::Iterate,
            3 => Self::Look,
            4 => Self::Detach,
            5 => Self::Attach(KindSet(word(4)?)),
            _ => return None,
        })
    }
}

#[derive(Debug, Serialize, Deserialize)]
enum Answer {
    Started(Plan),
    Iterator,
    Facts(Facts),
    Detached,
    Attached(Plan),
    Refused(String),
}

/// Why the helper did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum HelperError {
    /// The line is broken: the helper has ended.
    #[error("the helper process does not answer: {0}")]
    Line(#[from] io::Error),
    /// The helper could not do it.
    #[error("{0}")]
    Refused(String),
    /// The answer is not one to the question: a fault of ours.
    #[error("the helper gave an answer that does not fit")]
    Confused,
}

/// What a start gives.
#[derive(Debug)]
pub struct Started {
    /// What runs.
    pub plan: Plan,
    /// The rings.
    pub rings: Vec<OwnedFd>,
    /// The counters, to be mapped.
    pub counters: OwnedFd,
}

/// The engine's line to the helper. Threads share it: one question at a time.
#[derive(Clone, Debug)]
pub struct Client {
    socket: Arc<Mutex<OwnedFd>>,
    files: Opener,
}

impl Client {
    /// Loads and attaches.
    ///
    /// # Errors
    /// [`HelperError::Refused`] with the kernel's reason.
    pub fn start(&self, request: StartRequest) -> Result<Started, HelperError> {
        let (answer, mut descriptors) = self.ask(Request::Start(request))?;
        let Answer::Started(plan) = answer else { return Err(HelperError::Confused) };
        let counters = descriptors.pop().ok_or(HelperError::Confused)?;
        Ok(Started { plan, rings: descriptors, counters })
    }

    /// A descriptor that gives a task record per process in scope.
    ///
    /// # Errors
    /// As [`Client::start`].
    pub fn iterate(&self) -> Result<OwnedFd, HelperError> {
        let (_, mut descriptors) = self.ask(Request::Iterate)?;
        descriptors.pop().ok_or(HelperError::Confused)
    }

    /// What the programs have done. Nothing while another thread waits for an answer, which may take a while.
    ///
    /// # Errors
    /// As [`Client::start`].
    pub fn look(&self) -> Result<Option<Facts>, HelperError> {
        let socket = match self.socket.try_lock() {
            Ok(socket) => socket,
            Err(TryLockError::Poisoned(error)) => error.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(None),
        };
        match ask(&socket, Request::Look)? {
            (Answer::Facts(facts), _) => Ok(Some(facts)),
            _ => Err(HelperError::Confused),
        }
    }

    /// Loads and attaches what more kinds need; what runs already goes on. Gives what runs then.
    ///
    /// # Errors
    /// As [`Client::start`].
    pub fn attach(&self, kinds: KindSet) -> Result<Plan, HelperError> {
        match self.ask(Request::Attach(kinds))? {
            (Answer::Attached(plan), _) => Ok(plan),
            _ => Err(HelperError::Confused),
        }
    }

    /// Detaches every program; the rings stay readable.
    ///
    /// # Errors
    /// As [`Client::start`].
    pub fn detach(&self) -> Result<(), HelperError> {
        self.ask(Request::Detach).map(drop)
    }

    /// Opens files.
    #[must_use]
    pub fn files(&self) -> Opener {
        self.files.clone()
    }

    fn ask(&self, request: Request) -> Result<(Answer, Vec<OwnedFd>), HelperError> {
        let socket: MutexGuard<'_, OwnedFd> = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        ask(&socket, request)
    }
}

fn ask(socket: &OwnedFd, request: Request) -> Result<(Answer, Vec<OwnedFd>), HelperError> {
    rustix::io::write(socket, &request.encode()).map_err(io::Error::from)?;
    let mut bytes = vec![0; MAX_ANSWER];
    let (count, descriptors) = receive(socket.as_fd(), &mut bytes)?;
    if count == 0 {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    let answer = serde_json::from_slice(bytes.get(..count).unwrap_or_default()).map_err(|_| HelperError::Confused)?;
    match answer {
        Answer::Refused(reason) => Err(HelperError::Refused(reason)),
        Answer::Started(_) | Answer::Iterator | Answer::Facts(_) | Answer::Detached | Answer::Attached(_) => {
            Ok((answer, descriptors))
        }
    }
}

/// One message, with its descriptors.
pub(super) fn receive(socket: BorrowedFd<'_>, bytes: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let message = loop {
        match recvmsg(socket, &mut [IoSliceMut::new(bytes)], &mut control, RecvFlags::CMSG_CLOEXEC) {
            Err(Errno::INTR) => {}
            other => break other?,
        }
    };
    let mut descriptors = Vec::new();
    for part in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = part {
            descriptors.extend(rights);
        }
    }
    Ok((message.bytes, descriptors))
}

fn send(socket: BorrowedFd<'_>, answer: &Answer, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    send_bytes(socket, &serde_json::to_vec(answer)?, descriptors)
}

/// Sends a message, with descriptors.
pub(super) fn send_bytes(socket: BorrowedFd<'_>, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::other("too many descriptors"));
    }
    sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Forks. Must be called before any thread is started and before anything from outside is read.
///
/// # Errors
/// If the kernel refuses a process or a socketpair.
pub fn split() -> io::Result<Role> {
    let line = || socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None);
    let (ours, theirs) = line()?;
    let (our_files, their_files) = line()?;
    let parent = rustix::process::getpid();
    // SAFETY: the process has one thread, so the child may go on as if nothing had happened.
    let child = unsafe { libc::fork() };
    match child {
        0 => {
            drop((ours, our_files));
            rustix::process::set_parent_process_death_signal(Some(Signal::TERM))?;
            // The parent may have ended before the request took effect.
            if rustix::process::getppid() != Some(parent) {
                return Err(io::Error::other("the helper process has ended"));
            }
            let (socket, files) = (Arc::new(Mutex::new(theirs)), Opener::new(their_files));
            Ok(Role::Engine(Client { socket, files }))
        }
        number => {
            drop((theirs, their_files));
            let child = Pid::from_raw(number).ok_or_else(io::Error::last_os_error)?;
            let started = Arc::new(AtomicBool::new(false));
            let seen = Arc::clone(&started);
            let thread = std::thread::Builder::new().name("files".to_owned());
            thread.spawn(move || file_line::serve(&our_files, &seen))?;
            serve(&ours, child, &started).map(Role::Helper)
        }
    }
}

/// The helper's loop: requests, signals to hand on, the engine's end.
fn serve(socket: &OwnedFd, child: Pid, started: &AtomicBool) -> io::Result<u8> {
    let engine = pidfd_open(child, PidfdFlags::empty())?;
    // The engine ends in its own time, and decides itself what a hang-up means.
    let mut signals = Vec::new();
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let (pipe, writer) =
            rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC | rustix::pipe::PipeFlags::NONBLOCK)?;
        signal_hook::low_level::pipe::register(signal.as_raw(), writer)?;
        signals.push((pipe, signal));
    }
    let mut loaded: Option<Loaded> = None;
    let mut line_open = true;
    loop {
        let mut wait = vec![PollFd::new(&engine, PollFlags::IN)];
        wait.extend(signals.iter().map(|(pipe, _)| PollFd::new(pipe, PollFlags::IN)));
        if line_open {
            wait.push(PollFd::new(socket, PollFlags::IN));
        }
        match poll(&mut wait, None) {
            Err(Errno::INTR) => continue,
            other => other?,
        };
        let ready: Vec<bool> = wait.iter().map(|one| !one.revents().is_empty()).collect();
        let is = |index: usize| ready.get(index).copied().unwrap_or(false);
        drop(wait);
        if is(signals.len() + 1) {
            line_open = answer(socket, &mut loaded, started)?;
        }
        for (index, (pipe, signal)) in signals.iter().enumerate() {
            if is(index + 1) {
                let mut bytes = [0; 16];
                // How often the signal came does not matter.
                if rustix::io::read(pipe, &mut bytes).is_ok() {
                    match pidfd_send_signal(&engine, *signal) {
                        Ok(()) | Err(Errno::SRCH) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
            }
        }
        if is(0)
            && let Some((_, status)) = waitpid(Some(child), WaitOptions::empty())?
        {
            let code =
                status.exit_status().or_else(|| status.terminating_signal().map(|signal| 128 + signal)).unwrap_or(1);
            return Ok(u8::try_from(code).unwrap_or(1));
        }
    }
}

/// Answers one request; `false` when the line is closed.
fn answer(socket: &OwnedFd, loaded: &mut Option<Loaded>, started: &AtomicBool) -> io::Result<bool> {
    let mut bytes = [0; REQUEST_BYTES];
    match rustix::io::read(socket, &mut bytes) {
        Ok(REQUEST_BYTES) => {}
        Ok(_) => return Ok(false),
        Err(Errno::INTR) => return Ok(true),
        Err(Errno::CONNRESET) => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    let mut descriptors: Vec<OwnedFd> = Vec::new();
    let reply = match (Request::decode(&bytes), loaded.as_mut()) {
        // Once: an engine that has been taken over must not widen its scope.
        (Some(Request::Start(request)), None) if !started.load(Ordering::Acquire) => match Loaded::load(&request) {
            Ok(mut fresh) => {
                started.store(true, Ordering::Release);
                descriptors = std::mem::take(&mut fresh.descriptors);
                let plan = fresh.plan.clone();
                *loaded = Some(fresh);
                trim();
                Answer::Started(plan)
            }
            Err(error) => Answer::Refused(error.to_string()),
        },
        (Some(Request::Iterate), Some(loaded)) => match loaded.iterate() {
            Ok(file) => {
                descriptors.push(file);
                Answer::Iterator
            }
            Err(reason) => Answer::Refused(reason),
        },
        (Some(Request::Look), Some(loaded)) => {
            Answer::Facts(Facts { programs: loaded.programs(), resident_bytes: crate::store::resident_bytes() })
        }
        (Some(Request::Detach), Some(_)) => {
            *loaded = None;
            Answer::Detached
        }
        // Within the scope of the start, which nothing widens.
        (Some(Request::Attach(kinds)), Some(loaded)) => {
            let answer = match loaded.attach_more(kinds) {
                Ok(()) => Answer::Attached(loaded.plan.clone()),
                Err(error) => Answer::Refused(error.to_string()),
            };
            trim();
            answer
        }
        _ => Answer::Refused("not a request that fits now".to_owned()),
    };
    let borrowed: Vec<BorrowedFd<'_>> = descriptors.iter().map(AsFd::as_fd).collect();
    match send(socket.as_fd(), &reply, &borrowed) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error),
    }
}

/// Gives the memory back that parsing the kernel's types took.
fn trim() {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: it touches free memory of the allocator only.
        let released = unsafe { libc::malloc_trim(0) };
        tracing::debug!(released, "memory after loading");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_survive_the_line() {
        let start =
            StartRequest { kinds: 0b1_1110, rings: 3, ring_bytes: 1 << 20, scope_level: 2, scope_cgroup: u64::MAX - 5 };
        let attach = Request::Attach(KindSet(0b101));
        for request in [Request::Start(start), Request::Iterate, Request::Look, Request::Detach, attach] {
            assert_eq!(Request::decode(&request.encode()), Some(request));
        }
        assert_eq!(Request::decode(&[9; REQUEST_BYTES]), None);
    }
}
