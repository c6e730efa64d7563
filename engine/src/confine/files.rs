//! Landlock: which files the engine may touch, and no listening on TCP.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, PathBeneath, Ruleset,
    RulesetAttr, RulesetCreated, RulesetCreatedAttr, Scope, make_bitflags,
};
use rustix::fs::{Mode, OFlags};

use super::{ConfineError, Network, Policy};

/// The newest rights that the rules below were tried with; an older kernel enforces those it has.
const TRIED: ABI = ABI::V6;

/// What the C library reads to turn a name into addresses, where it is there.
const NAME_RESOLUTION: [&str; 6] =
    ["/etc/gai.conf", "/etc/host.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/resolv.conf", "/etc/services"];

/// How far files are limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileLimits {
    /// Landlock limits files: from ABI 3 on truncation too, 4 TCP, 6 signals and abstract sockets.
    Enforced {
        /// The rights that this kernel and we both know.
        abi: u8,
    },
    /// The kernel has no Landlock (before 5.13, or not built in).
    NotBuilt,
    /// The kernel has Landlock, but its active LSM list does not.
    NotEnabled,
}

/// Limits the calling thread, and all it starts, to the files of the policy.
pub(super) fn limit(policy: &Policy) -> Result<FileLimits, ConfineError> {
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(TRIED))?
        .handle_access(AccessNet::BindTcp)?
        .scope(Scope::from_all(TRIED))?;
    if policy.network == Network::LocalOnly {
        rules = rules.handle_access(AccessNet::ConnectTcp)?;
    }
    let mut rules = rules.create()?;
    let reading = make_bitflags!(AccessFs::{ReadFile | ReadDir});
    let writing =
        make_bitflags!(AccessFs::{ReadFile | ReadDir | WriteFile | Truncate | MakeReg | RemoveFile | MakeDir | Refer});
    for path in &policy.read {
        rules = allow(rules, path, reading)?;
    }
    for path in &policy.write {
        rules = allow(rules, path, writing)?;
    }
    if policy.network == Network::Connect {
        for path in NAME_RESOLUTION.into_iter().map(Path::new).filter(|path| path.exists()) {
            rules = allow(rules, path, reading)?;
        }
    }
    let status = rules.restrict_self()?;
    Ok(match status.landlock {
        LandlockStatus::Available { effective_abi, .. } => FileLimits::Enforced { abi: number(effective_abi) },
        LandlockStatus::NotEnabled => FileLimits::NotEnabled,
        LandlockStatus::NotImplemented => FileLimits::NotBuilt,
    })
}

/// Adds one path; a file gets those of the rights that a file can have.
fn allow(rules: RulesetCreated, path: &Path, rights: BitFlags<AccessFs>) -> Result<RulesetCreated, ConfineError> {
    let failed = |source: io::Error| ConfineError::Path { path: path.to_path_buf(), source };
    let file: OwnedFd =
        rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).map_err(|errno| failed(errno.into()))?;
    let kind = rustix::fs::fstat(&file).map_err(|errno| failed(errno.into()))?;
    let directory = rustix::fs::FileType::from_raw_mode(kind.st_mode).is_dir();
    let rights = if directory { rights } else { rights & AccessFs::from_file(TRIED) };
    Ok(rules.add_rule(PathBeneath::new(file, rights))?)
}

/// The ABI as the kernel numbers it, up to the one that was tried.
fn number(abi: ABI) -> u8 {
    let known = [ABI::Unsupported, ABI::V1, ABI::V2, ABI::V3, ABI::V4, ABI::V5, ABI::V6];
    u8::try_from(known.iter().filter(|&&known| known != ABI::Unsupported && known <= abi).count()).unwrap_or(u8::MAX)
}
