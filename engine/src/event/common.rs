//! Fields of every event: time, kind, host, user, container.

use super::{
    Event,
    field::{Origin, Row, row},
    value::{List, Mismatch, Slot, Type, Value, Words, words},
};

words! {
    /// How the action ended, in ECS words.
    Outcome {
        /// It was refused or failed.
        Failure = "failure",
        /// It was carried out.
        Success = "success",
        /// The hook sees the attempt only.
        Unknown = "unknown",
    }
}

const EVENT_WORDS: &[&str] = &["event"];

/// Fields of every event.
pub const ROWS: &[Row] = &[
    row!(Ecs "@timestamp": common.time, "When the kernel hook ran, UTC. Taken from the boot clock, so that a change of the wall clock while the sensor runs does not reorder events."),
    row!(Ecs "event.id": common.id, "Id of the event: boot id, start of the sensor (nanoseconds after boot), ring and sequence number; or recording and line."),
    Row {
        name: "event.kind",
        origin: Origin::Ecs,
        ty: Type::Word(EVENT_WORDS),
        array: false,
        doc: "`event`; alerts have `alert`.",
        get: |_| Value::Bytes(b"event"),
        set: |_, _| Ok(()),
    },
    Row {
        name: "event.action",
        origin: Origin::Ecs,
        ty: Type::Word(super::Kind::ALL_NAMES),
        array: false,
        doc: "What happened: the event's kind.",
        get: |event| Value::Bytes(event.kind().name().as_bytes()),
        // The kind is chosen before any other field is set.
        set: |event, value| {
            let mut kind = None::<super::Kind>;
            kind.store(value)?;
            if kind == Some(event.kind()) { Ok(()) } else { Err(Mismatch::Derived) }
        },
    },
    Row {
        name: "event.category",
        origin: Origin::Ecs,
        ty: Type::Keyword,
        array: true,
        doc: "ECS category of the kind.",
        get: |event| Value::List(List::Words(event.kind().category())),
        set: |_, _| Ok(()),
    },
    Row {
        name: "event.type",
        origin: Origin::Ecs,
        ty: Type::Keyword,
        array: true,
        doc: "ECS type of the kind.",
        get: |event| Value::List(List::Words(event.kind().ecs_type())),
        set: |_, _| Ok(()),
    },
    row!(Ecs "event.outcome": common.outcome, "Whether the action was carried out."),
    row!(Ecs "error.code": common.error, "Name of the error the system call returned (`EACCES`), when it failed."),
    row!(Ours "event.cut": common.cut, "Names of fields that were longer than their bound and were cut."),
    row!(Ours "event.racy": common.racy, "Names of fields read from memory that another thread could have changed meanwhile."),
    row!(Ours "event.late": common.late, "The event reached the sensor after younger ones had been released. Absent otherwise."),
    row!(Ecs "host.name": common.host_name, "Name of the host."),
    row!(Ecs "host.boot.id": common.boot_id, "Id of this boot of the host."),
    row!(Ecs "process.thread.id": common.thread_id, "Thread that acted, in the initial pid namespace."),
    row!(Ecs "process.real_user.id": common.real_user_id, "Real user id of the process."),
    row!(Ecs "user.id": common.user_id, "Effective user id, in the initial user namespace."),
    row!(Ecs "user.name": common.user_name, "Name of the effective user on this host. Absent when the host has no such user."),
    row!(Ecs "group.id": common.group_id, "Effective group id, in the initial user namespace."),
    row!(Ecs "process.thread.capabilities.effective": common.capabilities, "Effective capabilities of the acting thread."),
    row!(Ours "process.cgroup.id": common.cgroup_id, "Id of the process's cgroup (version 2): the inode number of its directory."),
    row!(Ours "process.cgroup.path": common.cgroup_path, "Path of the process's cgroup below the hierarchy's root."),
    row!(Ecs "container.id": common.container_id, "Id of the container, when the cgroup's path shows one."),
    row!(Ours "process.namespace.mnt": common.mount_namespace, "Inode number of the mount namespace."),
    row!(Ours "process.namespace.net": common.network_namespace, "Inode number of the network namespace."),
    row!(Ours "process.namespace.pid": common.pid_namespace, "Inode number of the pid namespace."),
    row!(Ours "process.namespace.user": common.user_namespace, "Inode number of the user namespace."),
];

macro_rules! capabilities {
    ($($variant:ident = $word:literal),* $(,)?) => {
        words! {
            /// A Linux capability, by the number of its place in this list.
            Capability { $(#[doc = $word] $variant = $word),* }
        }
        impl Capability {
            const IN_ORDER: &'static [Self] = &[$(Self::$variant),*];
        }
    };
}
// By number: linux/capability.h.
capabilities! {
    Chown = "CAP_CHOWN", DacOverride = "CAP_DAC_OVERRIDE", DacReadSearch = "CAP_DAC_READ_SEARCH", Fowner = "CAP_FOWNER",
    Fsetid = "CAP_FSETID", Kill = "CAP_KILL", Setgid = "CAP_SETGID", Setuid = "CAP_SETUID", Setpcap = "CAP_SETPCAP",
    LinuxImmutable = "CAP_LINUX_IMMUTABLE", NetBindService = "CAP_NET_BIND_SERVICE", NetBroadcast = "CAP_NET_BROADCAST",
    NetAdmin = "CAP_NET_ADMIN", NetRaw = "CAP_NET_RAW", IpcLock = "CAP_IPC_LOCK", IpcOwner = "CAP_IPC_OWNER",
    SysModule = "CAP_SYS_MODULE", SysRawio = "CAP_SYS_RAWIO", SysChroot = "CAP_SYS_CHROOT", SysPtrace = "CAP_SYS_PTRACE",
    SysPacct = "CAP_SYS_PACCT", SysAdmin = "CAP_SYS_ADMIN", SysBoot = "CAP_SYS_BOOT", SysNice = "CAP_SYS_NICE",
    SysResource = "CAP_SYS_RESOURCE", SysTime = "CAP_SYS_TIME", SysTtyConfig = "CAP_SYS_TTY_CONFIG", Mknod = "CAP_MKNOD",
    Lease = "CAP_LEASE", AuditWrite = "CAP_AUDIT_WRITE", AuditControl = "CAP_AUDIT_CONTROL", Setfcap = "CAP_SETFCAP",
    MacOverride = "CAP_MAC_OVERRIDE", MacAdmin = "CAP_MAC_ADMIN", Syslog = "CAP_SYSLOG", WakeAlarm = "CAP_WAKE_ALARM",
    BlockSuspend = "CAP_BLOCK_SUSPEND", AuditRead = "CAP_AUDIT_READ", Perfmon = "CAP_PERFMON", Bpf = "CAP_BPF",
    CheckpointRestore = "CAP_CHECKPOINT_RESTORE",
}

/// A set of capabilities as the kernel keeps it: bit N is capability N.
pub fn capability_set(bits: u64) -> impl Iterator<Item = Capability> {
    Capability::IN_ORDER
        .iter()
        .copied()
        .enumerate()
        .filter(move |(number, _)| bits >> number & 1 == 1)
        .map(|(_, word)| word)
}

impl Event {
    /// The value of a field; absent if the kind has no such field.
    #[must_use]
    pub fn value(&self, name: &str) -> Value<'_> {
        super::field::find(name).and_then(|field| field.row(self.kind())).map_or(Value::Absent, |row| (row.get)(self))
    }
}

// The word trait is used through `Slot`; this keeps the import where the words are declared.
const _: &[&str] = <Outcome as Words>::ALL;
