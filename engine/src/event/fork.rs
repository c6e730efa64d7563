//! A process is created (fork, vfork, clone without CLONE_THREAD).

use super::{Source, field::Row};

/// A process is created. The child is the event's process, the creator its parent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fork {}

/// Fields of a `fork` event: none of its own.
pub const ROWS: &[Row] = &[];

/// How a `fork` event can be had.
pub const SOURCES: &[Source] = &[Source {
    name: "tracepoint",
    hooks: &["tp_btf/sched_process_fork"],
    misses: "",
    racy: &[],
    absent: &[],
    outcome: true,
}];
