//! The last thread of a process ends.

use super::{
    Source,
    field::{Row, row},
    value::Time,
};

/// The last thread of a process ends.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exit {
    /// What the process passed to exit, 0 to 255. Absent if a signal ended it.
    pub code: Option<i64>,
    /// Number of the signal that ended it.
    pub signal: Option<i64>,
    /// When it ended.
    pub end: Option<Time>,
    /// Time from the start of the process to its end, nanoseconds.
    pub run_time_ns: Option<i64>,
}

/// Fields of an `exit` event.
pub const ROWS: &[Row] = &[
    row!(Ecs "process.exit_code": Exit(code), "What the process passed to exit, 0 to 255. Absent if a signal ended it."),
    row!(Ours "process.exit_signal": Exit(signal), "Number of the signal that ended the process. Absent if it exited."),
    row!(Ecs "process.end": Exit(end), "When the process ended."),
    row!(Ecs "event.duration": Exit(run_time_ns), "Run time of the process, from its start to its end, in nanoseconds."),
];

/// How an `exit` event can be had.
pub const SOURCES: &[Source] = &[Source {
    name: "tracepoint",
    hooks: &["tp_btf/sched_process_exit"],
    misses: "",
    racy: &[],
    absent: &[],
    outcome: true,
}];
