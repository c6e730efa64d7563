//! The engine process's sandbox: what parses bytes from outside can neither read, write, run nor
//! reach anything that it does not need.
//!
//! [`apply`] is one-way and happens before the first outside byte is read and before the first
//! thread starts: no new privileges, no capabilities, Landlock for files and TCP ([`files`]), and a
//! seccomp allow-list ([`syscalls`]). Knows nothing of what the engine does; `cli` states the
//! [`Policy`].

mod files;
mod syscalls;

use std::fmt;
use std::io;
use std::path::PathBuf;

use caps::CapSet;

pub use files::FileLimits;

/// What the engine may still do once [`apply`] has returned.
///
/// Paths must exist; a directory stands for all below it. Descriptors that are open already stay
/// usable whatever the policy says.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Files and directories it may read.
    pub read: Vec<PathBuf>,
    /// Files it may write, and directories in which it may also create, rename and remove files.
    pub write: Vec<PathBuf>,
    /// Whether it may open connections.
    pub network: Network,
}

/// Whether the engine may open connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// Local sockets, and TCP and UDP to anywhere; listening on TCP is refused. The files from which
    /// the C library resolves names become readable.
    Connect,
    /// Local sockets only.
    #[default]
    LocalOnly,
}

/// What is in force, for status lines and `doctor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whether the capability bounding set is empty too; dropping it takes CAP_SETPCAP.
    pub bounding_set_empty: bool,
    /// How far Landlock limits files and TCP.
    pub files: FileLimits,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no capabilities, ")?;
        if !self.bounding_set_empty {
            f.write_str("bounding set kept (no CAP_SETPCAP to drop it), ")?;
        }
        f.write_str("system calls filtered, ")?;
        match self.files {
            FileLimits::Enforced { abi } => write!(f, "files limited (Landlock ABI {abi})"),
            FileLimits::NotBuilt => f.write_str("files not limited (this kernel has no Landlock; Linux 5.13 has it)"),
            FileLimits::NotEnabled => {
                f.write_str("files not limited (Landlock is not in the active LSM list; boot with lsm=landlock,...)")
            }
        }
    }
}

/// Why the engine could not be confined. It must not go on to read outside bytes.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    /// The kernel kept a capability.
    #[error("cannot drop capabilities: {0}")]
    Capabilities(#[from] caps::errors::CapsError),
    /// Landlock is there and refused the rules.
    #[error("cannot limit files with landlock: {0}")]
    Landlock(#[from] landlock::RulesetError),
    /// A path of the policy cannot be opened: whoever configured it must create or correct it.
    #[error("cannot open {} to allow access to it: {source}", path.display())]
    Path {
        /// The path as the policy names it.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The filter cannot be built, for example on an architecture that seccompiler does not know.
    #[error("cannot build the system call filter: {0}")]
    Filter(#[from] seccompiler::BackendError),
    /// The kernel refused the filter.
    #[error("cannot install the system call filter: {0}")]
    Seccomp(#[from] seccompiler::Error),
    /// The process's threads cannot be counted; `/proc` is missing.
    #[error("cannot count this process's threads in /proc/self/task: {0}")]
    ThreadCount(io::Error),
    /// Other threads run already: capabilities and Landlock would not reach them.
    #[error("confinement must come before other threads start, but {0} are running")]
    Threads(usize),
}

/// Confines the calling process, for good, to what the policy allows.
///
/// A kernel without Landlock is no error: the report says so. System calls outside the allow-list
/// fail with EPERM; those that only an intruder would make (running a program, `ptrace`, `bpf`,
/// mounting, loading modules, ...) end the process.
///
/// # Errors
///
/// If anything the kernel does support cannot be enforced. Then part of it may be in force already:
/// the caller ends the process.
pub fn apply(policy: &Policy) -> Result<Report, ConfineError> {
    let threads = std::fs::read_dir("/proc/self/task").map_err(ConfineError::ThreadCount)?.count();
    if threads != 1 {
        return Err(ConfineError::Threads(threads));
    }
    let bounding_set_empty = drop_capabilities()?;
    // Landlock sets no_new_privs where it is there, seccompiler everywhere.
    let files = files::limit(policy)?;
    syscalls::filter(policy.network)?;
    Ok(Report { bounding_set_empty, files })
}

/// Empties all capability sets, and tells whether the bounding set could be emptied.
fn drop_capabilities() -> Result<bool, ConfineError> {
    let bounding_set_empty = caps::clear(None, CapSet::Bounding).is_ok();
    caps::clear(None, CapSet::Ambient)?;
    for set in [CapSet::Inheritable, CapSet::Effective, CapSet::Permitted] {
        caps::clear(None, set)?;
    }
    Ok(bounding_set_empty)
}
