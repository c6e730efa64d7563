//! A process as it was found, not something that happened.

use super::{Process, ProcessKey, value::Bytes};

/// A process found running: by the task iterator, in /proc, or when it entered the scope.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seed {
    /// Who.
    pub key: ProcessKey,
    /// Who made it; all zero if unknown or out of scope.
    pub parent_key: ProcessKey,
    /// What is known of its image.
    pub process: Process,
    /// The kernel's count of its execs; absent from /proc.
    pub self_exec_id: Option<u64>,
    /// Effective user.
    pub user_id: Option<u32>,
    /// Cgroup.
    pub cgroup_id: Option<i64>,
    /// Path of the cgroup.
    pub cgroup_path: Option<Bytes>,
}
