//! A process starts a program (execve, execveat) and the kernel has taken it on.

use super::{
    Source,
    field::{Row, row},
    value::Bytes,
};

/// A process starts a program. What it starts is the event's process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exec {
    /// Executable of the image that called exec.
    pub previous_executable: Option<Bytes>,
}

/// Fields of an `exec` event; the new image itself is in `process.*`.
pub const ROWS: &[Row] =
    &[row!(Ecs "process.previous.executable": Exec(previous_executable), "Executable of the image that called exec.")];

/// How an `exec` event can be had.
pub const SOURCES: &[Source] = &[Source {
    name: "tracepoint",
    hooks: &["tp_btf/sched_process_exec"],
    misses: "attempts that fail",
    racy: &[],
    absent: &[],
    outcome: true,
}];
