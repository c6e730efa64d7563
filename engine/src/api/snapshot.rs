//! How the sensor is doing, at one moment. All counts are since its start.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Everything the sensor says of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Version of the program.
    pub version: String,
    /// Name of the host.
    pub host: String,
    /// When this was taken, RFC 3339.
    pub time: String,
    /// Time since the start.
    pub uptime_ns: u64,
    /// What is watched: a cgroup, or `the whole host`.
    pub scope: String,
    /// How events are had from the kernel: `trampoline 5, tracepoint 3`.
    pub sensing: String,
    /// Rules that can match.
    pub rules: u64,
    /// Name of the texts they were read from, as `rule.generation` of alerts has it.
    #[serde(default)]
    pub generation: Option<String>,
    /// How often rules were exchanged.
    #[serde(default)]
    pub reloads: Reloads,
    /// How often the matchers of the rules were made anew for the events that came.
    #[serde(default)]
    pub tunings: u64,
    /// Events by kind.
    pub events: BTreeMap<String, Kind>,
    /// What was lost, by source; only what is not zero.
    pub losses: Vec<Loss>,
    /// What the rules found.
    pub alerts: Alerts,
    /// What rules over several events remember.
    #[serde(default)]
    pub correlations: Correlations,
    /// What was scanned; absent where nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scan: Option<Scan>,
    /// Queues by name.
    pub queues: BTreeMap<String, Queue>,
    /// Destinations, in the order of the configuration.
    pub sinks: Vec<Sink>,
    /// The process table.
    pub processes: Processes,
    /// Resident memory.
    pub memory: Memory,
    /// Programs in the kernel, by name.
    pub programs: BTreeMap<String, Program>,
}

/// One kind of event on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kind {
    /// Written into a ring by the kernel's side.
    pub written: u64,
    /// Read and decoded.
    pub read: u64,
    /// Judged by the rules.
    pub judged: u64,
    /// Time the rules took.
    pub rule_time_ns: u64,
}

/// Losses of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// `kernel`, `merge`, `sink`.
    pub source: String,
    /// Which ring, or why.
    pub name: String,
    /// Kind of the events, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// How many.
    pub count: u64,
}

/// How often the rules were exchanged while the sensor ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloads {
    /// Others were brought into force.
    pub done: u64,
    /// They could not be used, and those before stayed.
    pub refused: u64,
}

/// What the rules found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alerts {
    /// Alerts handed to the sinks, updates not counted.
    pub sent: u64,
    /// Those that an `unless` or whitelist entry suppressed.
    pub suppressed: u64,
    /// De-duplication.
    pub deduplication: Deduplication,
}

/// What de-duplication did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deduplication {
    /// Findings remembered now.
    pub entries: u64,
    /// Alerts that became updates of an earlier one.
    pub repeats: u64,
    /// Updates sent.
    pub updates: u64,
    /// Findings forgotten early, to make room.
    pub evicted: u64,
}

/// What rules over several events remember, and what they did not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correlations {
    /// Groups held now.
    pub groups: u64,
    /// Matches held now.
    pub entries: u64,
    /// Groups forgotten early, to make room.
    pub evicted_groups: u64,
    /// Matches forgotten early.
    pub evicted_entries: u64,
    /// Matches that came too late.
    pub late: u64,
    /// Matches whose event has no time.
    pub untimed: u64,
    /// Matches whose event lacks a field to group, count or measure by.
    pub incomplete: u64,
    /// Matches that made no alert because their group had made one within the window.
    pub repeats: u64,
    /// How often everything was forgotten because the clock was set back.
    pub set_back: u64,
}

/// What was scanned with YARA rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// YARA rules in force.
    pub rules: u64,
    /// Files that were scanned.
    pub scanned: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Files that were known from before.
    pub known: u64,
    /// Files of which the beginning was scanned only.
    pub partial: u64,
    /// Matches.
    pub matches: u64,
    /// Folders that are watched.
    pub folders: u64,
}

/// A bounded queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// What waits: batches, or for a ring bytes.
    pub length: u64,
    /// The most that can wait.
    pub capacity: u64,
}

/// A destination.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sink {
    /// Its name.
    pub name: String,
    /// Records handed to the receiver.
    pub delivered: u64,
    /// Records lost.
    pub lost: u64,
    /// Records that wait, in memory and in the spool.
    pub queued: u64,
    /// Its spool, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spool: Option<Spool>,
    /// The last error of the receiver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

/// The disk spool of a destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spool {
    /// Records that the receiver has not confirmed.
    pub records: u64,
    /// Those of them that are in memory only, because the disk takes none.
    pub in_memory: u64,
    /// Its size on disk.
    pub bytes: u64,
    /// Its largest size.
    pub max_bytes: u64,
    /// Records found damaged or missing.
    pub damaged: u64,
    /// Records sent again.
    pub resent: u64,
}

/// The process table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processes {
    /// Processes in the table.
    pub entries: u64,
    /// Most entries.
    pub capacity: u64,
    /// Those among them that have ended.
    pub retained: u64,
    /// Bytes of their images, roughly.
    pub bytes: u64,
    /// Running processes dropped to make room.
    pub evicted_live: u64,
    /// Ended processes dropped to make room.
    pub evicted_exited: u64,
    /// Ended processes dropped in their time.
    pub expired: u64,
    /// Events of processes of which nothing was known before.
    pub unknown_process: u64,
    /// Processes whose parent's image was not known.
    pub unknown_parent: u64,
    /// Late events that changed what had been said.
    pub corrections: u64,
    /// Processes whose end was never seen.
    pub missed_exits: u64,
}

/// Resident memory of the two processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Of the engine, the rings it maps included.
    pub engine_bytes: u64,
    /// Of the helper.
    pub helper_bytes: u64,
}

/// A program in the kernel. Runs are counted only while the kernel's own statistics are on
/// (`sysctl kernel.bpf_stats_enabled=1`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// How often it ran.
    pub runs: u64,
    /// Time it took.
    pub run_time_ns: u64,
    /// Runs the kernel left out because the program was already running on that CPU.
    pub recursion_misses: u64,
}
