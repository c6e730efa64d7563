//! What the engine may ask the helper to load, and what it is told of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What to load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartRequest {
    /// Bit N: kind N of `wire.h`.
    pub kinds: u32,
    /// Rings, 1 to 16.
    pub rings: u32,
    /// Bytes per ring: a power of two, at least a page.
    pub ring_bytes: u32,
    /// Depth of the scope's cgroup below the root.
    pub scope_level: u32,
    /// Id of the scope's cgroup; 0 is the whole host.
    pub scope_cgroup: u64,
}

/// What the helper sees of the programs and of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// By program.
    pub programs: BTreeMap<String, ProgramFacts>,
    /// Memory of the helper that is resident.
    pub resident_bytes: u64,
}

impl Facts {
    /// Runs that the kernel left out, of all programs.
    #[must_use]
    pub fn recursion_misses(&self) -> u64 {
        self.programs.values().map(|program| program.recursion_misses).sum()
    }
}

/// What the kernel says of a loaded program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramFacts {
    /// Runs left out because the program was already running on that CPU.
    pub recursion_misses: u64,
    /// Runs, while the kernel's statistics are on.
    pub runs: u64,
    /// Time they took.
    pub run_time_ns: u64,
}
