//! A process as it was found, not something that happened.

use super::{Process, ProcessKey, value::Bytes};

/// A process that was running before its first event: from the kernel's task iterator, from /proc,
/// or when it entered the scope.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seed {
    /// Who. A start that is a whole number of ticks is taken to be known to the tick only.
    pub key: ProcessKey,
    /// Its parent; all zero if unknown or out of scope.
    pub parent_key: ProcessKey,
    /// When this was read, on the boot clock, nanoseconds.
    pub read_ns: u64,
    /// What is known of its image. Ids, start, name and command line are added by `enrich`.
    pub process: Process,
    /// The kernel's own name of its image; absent if it was not read.
    pub comm: Option<Bytes>,
    /// Cgroup.
    pub cgroup_id: Option<i64>,
    /// Its path.
    pub cgroup_path: Option<Bytes>,
}
