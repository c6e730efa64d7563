//! A process starts a program (execve, execveat) and the kernel has taken it on.

use super::{
    FileIdentity, Source,
    field::{Row, row},
    value::Bytes,
};

/// A process starts a program. What it starts is the event's process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exec {
    /// The file that was loaded: for a script its interpreter. Not a field; unknown in a recording.
    pub image: Option<FileIdentity>,
    /// Executable of the image that called exec.
    pub previous_executable: Option<Bytes>,
}

/// Environment variables that change what a program loads, runs or records: those that
/// `process.env_vars` reports. At least four bytes each with the `=`, because the probe compares four.
pub const ENVIRONMENT: &[&str] = &[
    "BASH_ENV",
    "ENV",
    "GCONV_PATH",
    "GIT_EXTERNAL_DIFF",
    "GIT_SSH_COMMAND",
    "GLIBC_TUNABLES",
    "HISTCONTROL",
    "HISTFILE",
    "HISTFILESIZE",
    "HISTSIZE",
    "JAVA_TOOL_OPTIONS",
    "LD_AUDIT",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "NODE_OPTIONS",
    "PERL5DB",
    "PERL5LIB",
    "PERL5OPT",
    "PROMPT_COMMAND",
    "PYTHONHOME",
    "PYTHONINSPECT",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "RUBYLIB",
    "RUBYOPT",
];

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
