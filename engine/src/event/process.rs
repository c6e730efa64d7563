//! A process as events carry it: one image of a program, shared by all events it causes.

use std::sync::Arc;

use super::{
    Event,
    field::{Origin, Row, row},
    socket::Endpoint,
    value::{Bytes, FieldNames, List, Mismatch, Numeric, Owned, Time, Type, Value, words},
};

/// Ancestors kept per process, nearest first.
pub const MAX_ANCESTORS: usize = 16;

words! {
    /// What a standard stream is connected to.
    StreamKind {
        /// A block device.
        Block = "block",
        /// A character device that is neither a terminal nor /dev/null.
        Character = "character",
        /// The descriptor is closed.
        Closed = "closed",
        /// A directory.
        Directory = "directory",
        /// A regular file.
        File = "file",
        /// /dev/null.
        Null = "null",
        /// An anonymous file: eventfd, memfd without a link, and the like.
        Other = "other",
        /// A pipe or FIFO.
        Pipe = "pipe",
        /// A socket of any family.
        Socket = "socket",
        /// A terminal.
        Terminal = "terminal",
    }
}

words! {
    /// An address family, named as in socket(2) without the prefix.
    Family {
        /// AF_INET.
        Inet = "inet",
        /// AF_INET6.
        Inet6 = "inet6",
        /// AF_NETLINK.
        Netlink = "netlink",
        /// Any other.
        Other = "other",
        /// AF_PACKET.
        Packet = "packet",
        /// AF_UNIX.
        Unix = "unix",
        /// AF_VSOCK.
        Vsock = "vsock",
    }
}

/// Standard input, output or error at the time of exec.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stream {
    /// What it is.
    pub kind: Option<StreamKind>,
    /// Family, for sockets.
    pub family: Option<Family>,
    /// The other end, for connected internet sockets.
    pub peer: Endpoint,
}

/// One image of a program: from exec (or from fork, as a copy) to the next exec or the end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Process {
    /// Thread group id in the initial pid namespace.
    pub pid: Option<u32>,
    /// Unique over time and hosts; see [`super::id`].
    pub entity_id: Option<Bytes>,
    /// Changes at each exec; see [`super::id`].
    pub exec_id: Option<Bytes>,
    /// Base name of the executable, or the kernel's `comm` when the executable is unknown.
    pub name: Option<Bytes>,
    /// Path of the running image, as the kernel resolved it.
    pub executable: Option<Bytes>,
    /// Path that was asked for at exec.
    pub requested_executable: Option<Bytes>,
    /// Path on the `#!` line, for scripts.
    pub interpreter: Option<Bytes>,
    /// The executable is a memfd.
    pub executable_memfd: Option<bool>,
    /// The executable had no name any more when it was started.
    pub executable_deleted: Option<bool>,
    /// Arguments, the first is the program's own idea of its name.
    pub args: Vec<Bytes>,
    /// Number of arguments the kernel passed.
    pub args_count: Option<i64>,
    /// Bytes of all arguments with their terminators, before any cut.
    pub args_bytes: Option<i64>,
    /// The arguments joined by single spaces.
    pub command_line: Option<Bytes>,
    /// Working directory at exec.
    pub working_directory: Option<Bytes>,
    /// Selected environment variables, `NAME=value`.
    pub env_vars: Vec<Bytes>,
    /// Start of the process (its group leader), not of the image.
    pub start: Option<Time>,
    /// Standard input.
    pub stdin: Stream,
    /// Standard output.
    pub stdout: Stream,
    /// Standard error.
    pub stderr: Stream,
    /// Effective user when the image started.
    pub user_id: Option<Numeric>,
    /// Name of that user on this host.
    pub user_name: Option<Bytes>,
    /// Fields of this image that were cut.
    pub cut: FieldNames,
}

impl Process {
    /// Sets the fields that follow from the arguments and the executable.
    pub fn derive(&mut self) {
        if let Some(path) = &self.executable {
            let base = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
            self.name = Some(base.into());
        }
        if !self.args.is_empty() {
            self.command_line = Some(self.args.join(&b' ').into());
        }
    }
}

/// Fields of the process behind an event, its parent and its ancestors.
pub const ROWS: &[Row] = &[
    row!(Ecs "process.pid": process.pid, "Process id (thread group id) in the initial pid namespace."),
    row!(Ecs "process.entity_id": process.entity_id, "Id of the process, unique over time and hosts: first 16 bytes of SHA-256 over machine id, boot id, process id and start time in 10 ms units, base32. The same from every source; stable across exec."),
    row!(Ours "process.exec_id": process.exec_id, "Id of this image of the process; changes at each exec. Absent for a process that was already running when the sensor started and was found in /proc."),
    row!(Ecs "process.name": process.name, "Base name of the executable, without directories."),
    row!(Ecs "process.executable": process.executable, "Absolute path of the running executable as the kernel resolved it, links followed; for a script its interpreter."),
    row!(Ours "process.requested_executable": process.requested_executable, "Path passed to execve, before links and interpreters; for a script the script. `/dev/fd/N` for fexecve."),
    row!(Ours "process.interpreter": process.interpreter, "Interpreter named by the script's first line. Absent for binaries."),
    row!(Ours "process.executable_memfd": process.executable_memfd, "The executable is an anonymous memory file (memfd_create)."),
    row!(Ours "process.executable_deleted": process.executable_deleted, "The executable had no name any more when it was started."),
    row!(Ecs "process.args": process.args, "Arguments, the program's name first. Of more than 32 KiB the first 24 and the last 8 KiB are kept and `event.cut` names this field."),
    row!(Ecs "process.args_count": process.args_count, "Number of arguments, before any cut."),
    row!(Ours "process.args_bytes": process.args_bytes, "Bytes of all arguments with their terminators, before any cut."),
    row!(Ecs "process.command_line": process.command_line, "The arguments joined by single spaces."),
    row!(Ecs "process.working_directory": process.working_directory, "Working directory when the image started."),
    row!(Ecs "process.env_vars": process.env_vars, "Environment variables that change what a program loads or logs (LD_PRELOAD and others), as NAME=value; no others are read."),
    row!(Ecs "process.start": process.start, "Start of the process, not of the image."),
    row!(Ours "process.stdin.kind": process.stdin.kind, "What standard input is, at exec."),
    row!(Ours "process.stdin.family": process.stdin.family, "Address family of standard input, if a socket."),
    row!(Ours "process.stdin.peer.ip": process.stdin.peer.ip, "Peer address of standard input, if a connected internet socket."),
    row!(Ours "process.stdin.peer.port": process.stdin.peer.port, "Peer port of standard input, if a connected internet socket."),
    row!(Ours "process.stdout.kind": process.stdout.kind, "What standard output is, at exec."),
    row!(Ours "process.stdout.family": process.stdout.family, "Address family of standard output, if a socket."),
    row!(Ours "process.stdout.peer.ip": process.stdout.peer.ip, "Peer address of standard output, if a connected internet socket."),
    row!(Ours "process.stdout.peer.port": process.stdout.peer.port, "Peer port of standard output, if a connected internet socket."),
    row!(Ours "process.stderr.kind": process.stderr.kind, "What standard error is, at exec."),
    row!(Ours "process.stderr.family": process.stderr.family, "Address family of standard error, if a socket."),
    row!(Ours "process.stderr.peer.ip": process.stderr.peer.ip, "Peer address of standard error, if a connected internet socket."),
    row!(Ours "process.stderr.peer.port": process.stderr.peer.port, "Peer port of standard error, if a connected internet socket."),
    row!(Ecs "process.parent.pid": parent.pid, "Process id of the parent: the process that forked this one, also after it has exited."),
    row!(Ecs "process.parent.entity_id": parent.entity_id, "Entity id of the parent."),
    row!(Ecs "process.parent.name": parent.name, "Base name of the parent's executable."),
    row!(Ecs "process.parent.executable": parent.executable, "Executable of the parent when it forked this process."),
    row!(Ecs "process.parent.args": parent.args, "Arguments of the parent."),
    row!(Ecs "process.parent.command_line": parent.command_line, "Arguments of the parent joined by spaces."),
    row!(Ecs "process.parent.working_directory": parent.working_directory, "Working directory of the parent when its image started."),
    row!(Ecs "process.parent.user.id": parent.user_id, "Effective user of the parent when its image started."),
    row!(Ecs "process.parent.user.name": parent.user_name, "Name of that user."),
    Row {
        name: "process.ancestors.count",
        origin: Origin::Ours,
        ty: Type::Integer,
        array: false,
        doc: "How many ancestors are known, at most 16; fewer than there are when some ended long before the sensor started or are out of its scope.",
        get: |event| Value::Int(i64::try_from(event.ancestors.len()).unwrap_or(i64::MAX)),
        // It follows from the ancestors.
        set: |_, _| Ok(()),
    },
    row!(Ours "process.ancestors.pid": ancestors.pid, "Process ids of the ancestors, nearest (the parent) first; at most 16."),
    row!(Ours "process.ancestors.entity_id": ancestors.entity_id, "Entity ids of the ancestors, nearest first."),
    row!(Ours "process.ancestors.name": ancestors.name, "Base names of the ancestors' executables, nearest first."),
    row!(Ours "process.ancestors.executable": ancestors.executable, "Executables of the ancestors, nearest first."),
    row!(Ours "process.ancestors.command_line": ancestors.command_line, "Command lines of the ancestors, nearest first."),
];

/// One field of every ancestor.
pub(crate) fn project(event: &Event, field: for<'p> fn(&'p Process) -> Value<'p>) -> Value<'_> {
    let known = event.ancestors.iter().any(|ancestor| !matches!(field(ancestor), Value::Absent));
    if known { Value::List(List::Projected(&event.ancestors, field)) } else { Value::Absent }
}

/// Puts one field of every ancestor back from a list; an empty string stands for an absent value.
pub(crate) fn store_each(
    event: &mut Event,
    value: &Owned,
    store: fn(&mut Process, &Owned) -> Result<(), Mismatch>,
) -> Result<(), Mismatch> {
    let Owned::List(items) = value else {
        return Err(Mismatch::Type { expected: "a list", found: value.type_name() });
    };
    for (index, item) in items.iter().take(MAX_ANCESTORS).enumerate() {
        let unknown = matches!(item, Owned::Bytes(bytes) if bytes.is_empty());
        let ancestor = event.ancestor_mut(index);
        if !unknown {
            store(ancestor, item)?;
        }
    }
    Ok(())
}

impl Event {
    /// The parent, if known.
    #[must_use]
    pub fn parent(&self) -> Option<&Process> {
        self.ancestors.first().map(Arc::as_ref)
    }

    /// The ancestor at `index` (0 is the parent), made if missing; clamped to [`MAX_ANCESTORS`].
    pub(crate) fn ancestor_mut(&mut self, index: usize) -> &mut Process {
        let index = index.min(MAX_ANCESTORS - 1);
        let ancestors = Arc::make_mut(&mut self.ancestors);
        if ancestors.len() <= index {
            ancestors.resize_with(index + 1, Arc::default);
        }
        Arc::make_mut(&mut ancestors[index])
    }
}
