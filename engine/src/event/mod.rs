//! Plain data: what happened on a host, one file per kind with its field table.
//!
//! Everything depends on this module; it does no I/O, reads no clock and knows no other module of
//! ours. A new kind is a new file, a `mod` line and a row of [`kinds!`]; the compiler then names
//! every place that has to say something about it.

pub mod accept;
pub mod bind;
pub mod common;
pub mod connect;
pub mod exec;
pub mod exit;
pub mod facts;
pub mod field;
pub mod file;
pub mod file_open;
pub mod foreign;
pub mod fork;
pub mod id;
pub mod json;
pub mod listen;
pub mod loss;
mod mend;
pub mod network;
pub mod process;
pub mod seed;
pub mod severity;
pub mod socket;
pub mod status;
pub mod text;
pub mod value;
pub mod yara_match;

use std::sync::Arc;

pub use accept::Accept;
pub use bind::Bind;
pub use connect::Connect;
pub use exec::Exec;
pub use exit::Exit;
pub use facts::Facts;
pub use file::FileIdentity;
pub use file_open::FileOpen;
pub use foreign::Foreign;
pub use fork::Fork;
pub use listen::Listen;
pub use loss::Loss;
pub use process::Process;
pub use seed::Seed;
pub use severity::Severity;
pub use status::Status;
pub use yara_match::YaraMatch;

use common::{Capability, Outcome};
use value::{Bytes, FieldNames, Numeric, Time, WordSet};

/// One way to learn of a kind of event from the kernel, and what it is worth.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// Name of the alternative: `trampoline` or `tracepoint`.
    pub name: &'static str,
    /// Program sections of `ebpf/probe`, all of which must attach.
    pub hooks: &'static [&'static str],
    /// What it cannot see; empty if nothing is known.
    pub misses: &'static str,
    /// Fields read from memory that another thread can change meanwhile.
    pub racy: &'static [&'static str],
    /// Fields it cannot give.
    pub absent: &'static [&'static str],
    /// Whether it sees how the action ended, not only the attempt.
    pub outcome: bool,
}

/// The closed set of kinds: id on the wire, name, module, ECS category and type.
macro_rules! kinds {
    ($($(#[$meta:meta])* $variant:ident = $id:literal $name:literal in $module:ident, $category:literal $ty:literal;)*) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(usize)]
        pub enum Kind { $($(#[$meta])* $variant),* }

        /// The facts of one kind.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Data { $($(#[$meta])* $variant($variant)),* }

        impl Kind {
            /// All kinds, in declaration order; a kind's place is `kind as usize`.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            /// Their names.
            pub const ALL_NAMES: &'static [&'static str] = &[$($name),*];

            /// The name in JSON and rules.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
            /// The number in `wire.h`, below 24, or one above for what does not come from the kernel; below 32.
            #[must_use]
            pub fn wire(self) -> u16 {
                match self { $(Self::$variant => $id),* }
            }
            /// ECS `event.category`.
            #[must_use]
            pub fn category(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$category]),* }
            }
            /// ECS `event.type`.
            #[must_use]
            pub fn ecs_type(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$ty]),* }
            }
            /// The kind's own rows.
            #[must_use]
            pub fn rows(self) -> &'static [field::Row] {
                match self { $(Self::$variant => $module::ROWS),* }
            }
            /// How it can be had from the kernel, best first.
            #[must_use]
            pub fn sources(self) -> &'static [Source] {
                match self { $(Self::$variant => $module::SOURCES),* }
            }
            /// Facts with nothing known yet.
            #[must_use]
            pub fn empty(self) -> Data {
                match self { $(Self::$variant => Data::$variant($variant::default())),* }
            }
        }

        impl value::Words for Kind {
            const ALL: &'static [&'static str] = Self::ALL_NAMES;
            fn word(self) -> &'static str { self.name() }
            fn parse(word: &[u8]) -> Option<Self> {
                $(if word == $name.as_bytes() { return Some(Self::$variant); })*
                None
            }
        }

        impl Data {
            /// The kind these facts belong to.
            #[must_use]
            pub fn kind(&self) -> Kind {
                match self { $(Self::$variant(_) => Kind::$variant),* }
            }
        }
    };
}

kinds! {
    /// A connection is accepted.
    Accept = 6 "accept" in accept, "network" "start";
    /// A socket gets a local address.
    Bind = 7 "bind" in bind, "network" "info";
    /// A connection is opened.
    Connect = 5 "connect" in connect, "network" "start";
    /// A program is started.
    Exec = 1 "exec" in exec, "process" "start";
    /// A process ends.
    Exit = 3 "exit" in exit, "process" "end";
    /// A file is opened.
    FileOpen = 4 "file_open" in file_open, "file" "access";
    /// A process is created.
    Fork = 2 "fork" in fork, "process" "start";
    /// A socket starts to listen.
    Listen = 8 "listen" in listen, "network" "start";
    /// A YARA rule matches a file or a stream.
    YaraMatch = 24 "yara_match" in yara_match, "malware" "info";
}

impl Kind {
    /// Whether the kernel tells of it. Others are made of what the kernel tells.
    #[must_use]
    pub fn is_from_kernel(self) -> bool {
        self.sources().iter().any(|source| !source.hooks.is_empty())
    }
}

/// What identifies a process inside the sensor, exactly: no two processes of one boot share it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessKey {
    /// Thread group id in the initial pid namespace.
    pub pid: u32,
    /// Start of the group leader on the boot clock, nanoseconds.
    pub start_boot_ns: u64,
}

/// One thing that happened on a host.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// See `event.id`.
    pub id: Option<Bytes>,
    /// When, on the wall clock.
    pub time: Option<Time>,
    /// When, nanoseconds on the boot clock; 0 if not from a kernel.
    pub boot_ns: u64,
    /// Who, for the process table.
    pub key: ProcessKey,
    /// Who created the process, for the process table (fork, exec); all zero if unknown.
    pub parent_key: ProcessKey,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Name of the error.
    pub error: Option<Bytes>,
    /// Fields that were cut.
    pub cut: FieldNames,
    /// Fields that may have been changed while they were read.
    pub racy: FieldNames,
    /// Released after younger events.
    pub late: Option<bool>,
    /// Name of the host.
    pub host_name: Option<Bytes>,
    /// Boot of the host.
    pub boot_id: Option<Bytes>,
    /// Acting thread.
    pub thread_id: Option<u32>,
    /// Real user.
    pub real_user_id: Option<Numeric>,
    /// Effective user.
    pub user_id: Option<Numeric>,
    /// Its name.
    pub user_name: Option<Bytes>,
    /// Effective group.
    pub group_id: Option<Numeric>,
    /// Effective capabilities.
    pub capabilities: WordSet<Capability>,
    /// Cgroup.
    pub cgroup_id: Option<i64>,
    /// Its path.
    pub cgroup_path: Option<Bytes>,
    /// Container.
    pub container_id: Option<Bytes>,
    /// Mount namespace.
    pub mount_namespace: Option<i64>,
    /// Network namespace.
    pub network_namespace: Option<i64>,
    /// Pid namespace.
    pub pid_namespace: Option<i64>,
    /// User namespace.
    pub user_namespace: Option<i64>,
    /// The process behind it; for exec the new image, for fork the child.
    pub process: Arc<Process>,
    /// Its ancestors, nearest first, at most [`process::MAX_ANCESTORS`].
    pub ancestors: Arc<Vec<Arc<Process>>>,
    /// The facts of its kind.
    pub data: Data,
}

impl Event {
    /// An event of which only the kind is known.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self {
            id: None,
            time: None,
            boot_ns: 0,
            key: ProcessKey::default(),
            parent_key: ProcessKey::default(),
            outcome: None,
            error: None,
            cut: FieldNames::default(),
            racy: FieldNames::default(),
            late: None,
            host_name: None,
            boot_id: None,
            thread_id: None,
            real_user_id: None,
            user_id: None,
            user_name: None,
            group_id: None,
            capabilities: WordSet::default(),
            cgroup_id: None,
            cgroup_path: None,
            container_id: None,
            mount_namespace: None,
            network_namespace: None,
            pid_namespace: None,
            user_namespace: None,
            process: Arc::default(),
            ancestors: Arc::default(),
            data: kind.empty(),
        }
    }

    /// What happened.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.data.kind()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_unique_names_and_wire_numbers_and_fields_agree_over_kinds() {
        for (place, kind) in Kind::ALL.iter().enumerate() {
            assert_eq!(*kind as usize, place);
            assert_eq!(Kind::ALL.iter().filter(|other| other.wire() == kind.wire()).count(), 1, "{}", kind.name());
            assert!(kind.name().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
            let mut seen = std::collections::HashSet::new();
            for row in field::rows(*kind) {
                assert!(seen.insert(row.name), "{} stands twice in {}", row.name, kind.name());
                assert!(row.doc.ends_with('.'), "{} has no sentence", row.name);
                let any = field::find(row.name).expect("listed").any();
                assert_eq!((any.ty, any.array, any.origin), (row.ty, row.array, row.origin), "{}", row.name);
            }
            for source in kind.sources() {
                for name in source.racy.iter().chain(source.absent) {
                    assert!(seen.contains(name), "{name} in the sources of {} is no field", kind.name());
                }
            }
        }
    }
}
