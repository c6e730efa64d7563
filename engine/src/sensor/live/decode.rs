//! Records of `wire.h` as events and seeds.
//!
//! The kernel writes the records, but what is in their tails comes from whoever is being watched.
//! Every step goes through a cursor that cannot leave the record.

use std::{net::IpAddr, sync::Arc};

use beewolf_ebpf::wire;

use crate::event::{
    Data, Event, FileIdentity, Kind, Process, ProcessKey, Seed,
    common::{Outcome, capability_set},
    exec::ENVIRONMENT,
    file::name_and_extension,
    file_open::{Access, FileType},
    id::Origin,
    process::{Family, Stream, StreamKind},
    socket::{Direction, Endpoint, Network, NetworkType, Transport},
    value::{Bytes, Numeric, Time},
};

/// What a record is.
#[derive(Debug)]
pub(super) enum Decoded {
    /// Something happened.
    Event(Box<Event>),
    /// A process as it is.
    Seed(Box<Seed>),
}

/// Why a record could not be decoded: the probes and this file disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum DecodeError {
    /// It ends before its members do.
    #[error("record ends early")]
    Short,
    /// It is of no known kind.
    #[error("unknown kind {0}")]
    Kind(u32),
}

/// Facts that decoding needs beside the record.
#[derive(Debug)]
pub(super) struct Context {
    /// For exec ids.
    pub(super) origin: Origin,
    /// What to add to the boot clock to get the wall clock, nanoseconds.
    pub(super) wall_offset_ns: i64,
    /// This boot and this run of the sensor, for event ids.
    pub(super) run_id: String,
}

/// A record's bytes, read by member.
#[derive(Clone, Copy)]
struct Record<'r> {
    bytes: &'r [u8],
}

impl<'r> Record<'r> {
    fn array<const N: usize>(self, at: usize) -> Result<[u8; N], DecodeError> {
        let end = at.checked_add(N).ok_or(DecodeError::Short)?;
        self.bytes.get(at..end).and_then(|bytes| bytes.try_into().ok()).ok_or(DecodeError::Short)
    }
    fn u8(self, at: usize) -> Result<u8, DecodeError> {
        Ok(u8::from_ne_bytes(self.array(at)?))
    }
    fn u16(self, at: usize) -> Result<u16, DecodeError> {
        Ok(u16::from_ne_bytes(self.array(at)?))
    }
    fn u32(self, at: usize) -> Result<u32, DecodeError> {
        Ok(u32::from_ne_bytes(self.array(at)?))
    }
    fn i32(self, at: usize) -> Result<i32, DecodeError> {
        Ok(i32::from_ne_bytes(self.array(at)?))
    }
    fn u64(self, at: usize) -> Result<u64, DecodeError> {
        Ok(u64::from_ne_bytes(self.array(at)?))
    }
    /// The part of the record behind its header.
    fn body(self) -> Result<Self, DecodeError> {
        Ok(Self { bytes: self.bytes.get(wire::header::SIZE..).ok_or(DecodeError::Short)? })
    }
    /// The strings behind the fixed part.
    fn tail(self, fixed: usize) -> Result<Tail<'r>, DecodeError> {
        Ok(Tail { rest: self.bytes.get(fixed..).ok_or(DecodeError::Short)? })
    }
}

/// The byte strings at the end of a record, taken one after the other.
struct Tail<'r> {
    rest: &'r [u8],
}

impl<'r> Tail<'r> {
    fn take(&mut self, length: u32) -> Result<&'r [u8], DecodeError> {
        let length = usize::try_from(length).map_err(|_| DecodeError::Short)?;
        let (first, rest) = self.rest.split_at_checked(length).ok_or(DecodeError::Short)?;
        self.rest = rest;
        Ok(first)
    }

    /// A path: components from the last to the first.
    fn path(&mut self, length: u32) -> Result<Option<Bytes>, DecodeError> {
        let stored = self.take(length)?;
        Ok((length > 0).then(|| turn_path(stored)))
    }

    /// A plain string; absent if empty.
    fn text(&mut self, length: u32) -> Result<Option<Bytes>, DecodeError> {
        let text = self.take(length)?;
        Ok((!text.is_empty()).then(|| text.into()))
    }
}

/// `name\0dir\0` as `/dir/name`.
fn turn_path(stored: &[u8]) -> Bytes {
    let mut path = Vec::with_capacity(stored.len().saturating_add(1));
    let stored = stored.strip_suffix(b"\0").unwrap_or(stored);
    for component in stored.rsplit(|byte| *byte == 0) {
        // A component that begins with a slash is a root that has a name.
        if !component.starts_with(b"/") {
            path.push(b'/');
        }
        path.extend_from_slice(component);
    }
    path.into()
}

/// NUL-terminated strings in a row; the last may have lost its terminator.
fn strings(stored: &[u8]) -> Vec<Bytes> {
    let stored = stored.strip_suffix(b"\0").unwrap_or(stored);
    if stored.is_empty() { Vec::new() } else { stored.split(|byte| *byte == 0).map(Bytes::from).collect() }
}

fn first_string(bytes: &[u8]) -> Option<Bytes> {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    bytes.get(..end).filter(|text| !text.is_empty()).map(Bytes::from)
}

/// Decodes one record of ring `ring`.
pub(super) fn decode(bytes: &[u8], ring: usize, context: &Context) -> Result<Decoded, DecodeError> {
    let whole = Record { bytes };
    let used = usize::try_from(whole.u32(wire::header::LENGTH)?).map_err(|_| DecodeError::Short)?;
    let record = Record { bytes: bytes.get(..used).ok_or(DecodeError::Short)? };
    let number = record.u32(wire::header::KIND)?;
    if number == wire::TASK {
        return seed(record, context).map(|seed| Decoded::Seed(Box::new(seed)));
    }
    let kind =
        Kind::ALL.iter().copied().find(|kind| u32::from(kind.wire()) == number).ok_or(DecodeError::Kind(number))?;
    let mut event = header(record, kind, ring, context)?;
    let flags = record.u32(wire::header::FLAGS)?;
    match kind {
        Kind::Exec => exec(&mut event, record, flags, context)?,
        Kind::Fork => event.outcome = Some(Outcome::Success),
        Kind::Exit => exit(&mut event, record, context)?,
        Kind::FileOpen => file_open(&mut event, record, flags)?,
        Kind::Accept | Kind::Bind | Kind::Connect | Kind::Listen => socket(&mut event, record)?,
        Kind::YaraMatch => return Err(DecodeError::Kind(number)),
    }
    if flags & wire::RACY != 0 {
        let source = kind.sources().iter().find(|source| source.name == "tracepoint");
        for name in source.map_or(&[][..], |source| source.racy) {
            event.racy.add(name);
        }
    }
    Ok(Decoded::Event(Box::new(event)))
}

fn key(record: Record<'_>, pid: usize, start: usize) -> Result<ProcessKey, DecodeError> {
    Ok(ProcessKey { pid: record.u32(pid)?, start_boot_ns: record.u64(start)? })
}

fn wall(boot_ns: u64, context: &Context) -> Option<Time> {
    i64::try_from(boot_ns).ok().and_then(|ns| ns.checked_add(context.wall_offset_ns)).map(Time)
}

fn header(record: Record<'_>, kind: Kind, ring: usize, context: &Context) -> Result<Event, DecodeError> {
    use wire::header as at;
    let mut event = Event::new(kind);
    let sequence = record.u64(at::SEQUENCE)?;
    event.id = Some(format!("{}.{ring}.{sequence}", context.run_id).into_bytes().into());
    event.boot_ns = record.u64(at::TIME_NS)?;
    event.time = wall(event.boot_ns, context);
    event.key = key(record, at::PID, at::START_NS)?;
    event.parent_key = key(record, at::PARENT_PID, at::PARENT_START_NS)?;
    event.thread_id = Some(record.u32(at::TID)?);
    event.real_user_id = Some(Numeric(record.u32(at::UID)?.into()));
    event.user_id = Some(Numeric(record.u32(at::EUID)?.into()));
    event.group_id = Some(Numeric(record.u32(at::EGID)?.into()));
    event.capabilities = capability_set(record.u64(at::CAPABILITIES)?).collect();
    event.cgroup_id = i64::try_from(record.u64(at::CGROUP_ID)?).ok();
    let namespace = |at| record.u32(at).map(|number| (number != 0).then_some(i64::from(number)));
    event.mount_namespace = namespace(at::MNT_NS)?;
    event.network_namespace = namespace(at::NET_NS)?;
    event.pid_namespace = namespace(at::PID_NS)?;
    event.user_namespace = namespace(at::USER_NS)?;
    event.process = Arc::new(Process {
        pid: Some(event.key.pid),
        name: first_string(&record.array::<16>(at::COMM)?),
        exec_id: Some(context.origin.exec(event.key, record.u64(at::SELF_EXEC_ID)?)),
        ..Process::default()
    });
    Ok(event)
}

fn exec(event: &mut Event, record: Record<'_>, flags: u32, context: &Context) -> Result<(), DecodeError> {
    use wire::exec as at;
    let fixed = record.body()?;
    let mut tail = fixed.tail(at::SIZE)?;
    let mut image = Process {
        pid: Some(event.key.pid),
        exec_id: event.process.exec_id.clone(),
        name: event.process.name.clone(),
        start: wall(event.key.start_boot_ns, context),
        ..Process::default()
    };
    let memfd = flags & wire::MEMFD != 0;
    let (executable_len, directory_len, cgroup_len) =
        (fixed.u32(at::EXECUTABLE_LEN)?, fixed.u32(at::DIRECTORY_LEN)?, fixed.u32(at::CGROUP_LEN)?);
    image.executable = tail.path(executable_len)?;
    // The root directory has no components.
    image.working_directory = Some(tail.path(directory_len)?.unwrap_or_else(|| b"/".as_slice().into()));
    event.cgroup_path = Some(tail.path(cgroup_len)?.unwrap_or_else(|| b"/".as_slice().into()));
    image.requested_executable = tail.text(fixed.u32(at::REQUESTED_LEN)?)?;
    image.interpreter = tail.text(fixed.u32(at::INTERPRETER_LEN)?)?;
    image.env_vars = strings(tail.take(fixed.u32(at::ENV_LEN)?)?);
    image.env_vars.retain(|variable| {
        let name = variable.split(|byte| *byte == b'=').next().unwrap_or_default();
        ENVIRONMENT.iter().any(|wanted| wanted.as_bytes() == name)
    });
    let args = tail.take(fixed.u32(at::ARGS_LEN)?)?;
    let head = if flags & wire::CUT_ARGS == 0 { args.len() } else { args.len().min(wire::ARGS_HEAD as usize) };
    // What was left out lies between head and tail: they do not share an argument.
    let (head, rest) = args.split_at_checked(head).ok_or(DecodeError::Short)?;
    image.args = strings(head);
    image.args.append(&mut strings(rest));
    image.args_count = Some(fixed.u32(at::ARGS_COUNT)?.into());
    image.args_bytes = i64::try_from(fixed.u64(at::ARGS_BYTES)?).ok();
    image.executable_memfd = Some(memfd);
    image.executable_deleted = Some(flags & wire::DELETED != 0 && !memfd);
    image.user_id = event.user_id;
    for (number, stream) in [&mut image.stdin, &mut image.stdout, &mut image.stderr].into_iter().enumerate() {
        *stream = stdio(fixed, number)?;
    }
    for (bit, name) in [
        (wire::CUT_ARGS, "process.args"),
        (wire::CUT_ARGS, "process.command_line"),
        (wire::CUT_ENV, "process.env_vars"),
        (wire::CUT_EXECUTABLE, "process.executable"),
        (wire::CUT_REQUESTED, "process.requested_executable"),
        (wire::CUT_DIRECTORY, "process.working_directory"),
        (wire::CUT_INTERPRETER, "process.interpreter"),
    ] {
        if flags & bit != 0 {
            image.cut.add(name);
        }
    }
    if flags & wire::CUT_CGROUP != 0 {
        event.cut.add("process.cgroup.path");
    }
    image.derive();
    event.cut.0.extend(image.cut.0.iter().copied());
    event.process = Arc::new(image);
    event.outcome = Some(Outcome::Success);
    if let Data::Exec(exec) = &mut event.data {
        exec.image = Some(FileIdentity {
            device: fixed.u32(at::DEVICE)?.into(),
            inode: fixed.u64(at::INODE)?,
            generation: fixed.u32(at::GENERATION)?,
            changed_ns: i64::try_from(fixed.u64(at::CHANGED_NS)?).unwrap_or(i64::MAX),
        });
    }
    Ok(())
}

fn stdio(fixed: Record<'_>, number: usize) -> Result<Stream, DecodeError> {
    use wire::exec as at;
    let place = |start: usize, width: usize| {
        number.checked_mul(width).and_then(|offset| start.checked_add(offset)).ok_or(DecodeError::Short)
    };
    let kind = match u32::from(fixed.u8(place(at::STDIO_KIND, 1)?)?) {
        wire::STREAM_CLOSED => StreamKind::Closed,
        wire::STREAM_FILE => StreamKind::File,
        wire::STREAM_DIRECTORY => StreamKind::Directory,
        wire::STREAM_CHARACTER => StreamKind::Character,
        wire::STREAM_BLOCK => StreamKind::Block,
        wire::STREAM_PIPE => StreamKind::Pipe,
        wire::STREAM_SOCKET => StreamKind::Socket,
        wire::STREAM_TERMINAL => StreamKind::Terminal,
        wire::STREAM_NULL => StreamKind::Null,
        _ => StreamKind::Other,
    };
    let mut stream = Stream { kind: Some(kind), ..Stream::default() };
    if kind == StreamKind::Socket {
        let family = fixed.u16(place(at::STDIO_FAMILY, 2)?)?;
        stream.family = Some(match i32::from(family) {
            libc::AF_UNIX => Family::Unix,
            libc::AF_INET => Family::Inet,
            libc::AF_INET6 => Family::Inet6,
            libc::AF_NETLINK => Family::Netlink,
            libc::AF_PACKET => Family::Packet,
            libc::AF_VSOCK => Family::Vsock,
            _ => Family::Other,
        });
        let port = fixed.u16(place(at::STDIO_PORT, 2)?)?;
        if port != 0 {
            stream.peer = Endpoint { ip: address(family, fixed.array(place(at::STDIO_PEER, 16)?)?), port: Some(port) };
        }
    }
    Ok(stream)
}

fn address(family: u16, bytes: [u8; 16]) -> Option<IpAddr> {
    match i32::from(family) {
        libc::AF_INET => {
            let [a, b, c, d, ..] = bytes;
            Some(IpAddr::from([a, b, c, d]))
        }
        libc::AF_INET6 => Some(IpAddr::from(bytes).to_canonical()),
        _ => None,
    }
}

fn seed(record: Record<'_>, context: &Context) -> Result<Seed, DecodeError> {
    use wire::{header, task as at};
    let fixed = record.body()?;
    let mut tail = fixed.tail(at::SIZE)?;
    let key = key(record, header::PID, header::START_NS)?;
    let comm = first_string(&record.array::<16>(header::COMM)?);
    let mut process = Process {
        pid: Some(key.pid),
        exec_id: Some(context.origin.exec(key, record.u64(header::SELF_EXEC_ID)?)),
        name: comm.clone(),
        start: wall(key.start_boot_ns, context),
        user_id: Some(Numeric(record.u32(header::EUID)?.into())),
        ..Process::default()
    };
    process.executable = tail.path(fixed.u32(at::EXECUTABLE_LEN)?)?;
    let directory = tail.path(fixed.u32(at::DIRECTORY_LEN)?)?;
    if process.executable.is_some() {
        process.working_directory = Some(directory.unwrap_or_else(|| b"/".as_slice().into()));
    }
    process.derive();
    Ok(Seed {
        key,
        parent_key: self::key(record, header::PARENT_PID, header::PARENT_START_NS)?,
        process,
        comm,
        read_ns: record.u64(header::TIME_NS)?,
        cgroup_id: i64::try_from(record.u64(header::CGROUP_ID)?).ok(),
        cgroup_path: Some(tail.path(fixed.u32(at::CGROUP_LEN)?)?.unwrap_or_else(|| b"/".as_slice().into())),
    })
}

fn exit(event: &mut Event, record: Record<'_>, context: &Context) -> Result<(), DecodeError> {
    let status = record.body()?.u32(wire::exit::STATUS)?;
    let signal = status & 0x7f;
    let end = event.time;
    event.outcome = Some(Outcome::Success);
    let run_time = event.boot_ns.checked_sub(event.key.start_boot_ns).and_then(|ns| i64::try_from(ns).ok());
    if let Data::Exit(exit) = &mut event.data {
        if signal == 0 {
            exit.code = Some(i64::from(status >> 8 & 0xff));
        } else {
            exit.signal = Some(i64::from(signal));
        }
        exit.end = end;
        exit.run_time_ns = run_time;
    }
    if let Some(process) = Arc::get_mut(&mut event.process) {
        process.start = wall(event.key.start_boot_ns, context);
    }
    Ok(())
}

/// Flags of open(2) on x86-64 (asm-generic/fcntl.h).
mod open_flags {
    pub(super) const ACCESS: u32 = 0o3;
    pub(super) const WRITE_ONLY: u32 = 0o1;
    pub(super) const READ_WRITE: u32 = 0o2;
    pub(super) const CREATE: u32 = 0o100;
    pub(super) const TRUNCATE: u32 = 0o1000;
    pub(super) const PATH: u32 = 0o10_000_000;
    /// `__O_TMPFILE`.
    pub(super) const TEMPORARY: u32 = 0o20_000_000;
}

fn file_open(event: &mut Event, record: Record<'_>, flags: u32) -> Result<(), DecodeError> {
    use wire::file_open as at;
    let fixed = record.body()?;
    let mut tail = fixed.tail(at::SIZE)?;
    let failed = failure(event, fixed.i32(at::ERROR)?);
    let path = tail.path(fixed.u32(at::PATH_LEN)?)?;
    let requested = tail.text(fixed.u32(at::REQUESTED_LEN)?)?;
    let asked = fixed.u32(at::OPEN_FLAGS)?;
    let mode = fixed.u32(at::MODE)?;
    let found = !failed && (mode != 0 || path.is_some());
    for (bit, names) in [(wire::CUT_PATH, &["file.path"][..]), (wire::CUT_REQUESTED, &["file.requested_path"][..])] {
        if flags & bit != 0 {
            for name in names {
                event.cut.add(name);
            }
        }
    }
    let Data::FileOpen(open) = &mut event.data else { return Ok(()) };
    if found {
        // The root directory has no components.
        let path = path.unwrap_or_else(|| b"/".as_slice().into());
        (open.name, open.extension) = name_and_extension(&path);
        open.redirected = Some(requested.as_deref().is_some_and(|text| text.starts_with(b"/") && text != &*path));
        open.path = Some(path);
        open.created = Some(flags & wire::CREATED != 0);
        open.outside_root = Some(flags & wire::OUTSIDE_ROOT != 0);
        open.ty = Some(match mode & libc::S_IFMT {
            libc::S_IFREG => FileType::File,
            libc::S_IFDIR => FileType::Directory,
            libc::S_IFLNK => FileType::Symlink,
            libc::S_IFCHR => FileType::Character,
            libc::S_IFBLK => FileType::Block,
            libc::S_IFIFO => FileType::Fifo,
            libc::S_IFSOCK => FileType::Socket,
            _ => FileType::Other,
        });
        open.mode = Some(format!("{:04o}", mode & 0o7777).into_bytes().into());
        open.inode = i64::try_from(fixed.u64(at::INODE)?).ok().map(Numeric);
        open.device = Some(fixed.u32(at::DEVICE)?.into());
        open.uid = Some(Numeric(fixed.u32(at::UID)?.into()));
        open.gid = Some(Numeric(fixed.u32(at::GID)?.into()));
    }
    open.requested_path = requested;
    let mode = asked & open_flags::ACCESS;
    let place_only = asked & open_flags::PATH != 0;
    open.access = [
        (Access::Create, !place_only && asked & (open_flags::CREATE | open_flags::TEMPORARY) != 0),
        (Access::Path, place_only),
        (Access::Read, !place_only && mode != open_flags::WRITE_ONLY),
        (Access::Truncate, !place_only && asked & open_flags::TRUNCATE != 0),
        (Access::Write, !place_only && (mode == open_flags::WRITE_ONLY || mode == open_flags::READ_WRITE)),
    ]
    .into_iter()
    .filter_map(|(word, set)| set.then_some(word))
    .collect();
    Ok(())
}

/// Sets outcome and error; whether the call failed. A connection in progress has not failed.
fn failure(event: &mut Event, error: i32) -> bool {
    let number = error.checked_neg().unwrap_or(i32::MAX);
    if number <= 0 {
        event.outcome = Some(Outcome::Success);
        return false;
    }
    event.error = Some(error_name(number).into_bytes().into());
    if number == libc::EINPROGRESS {
        event.outcome = Some(Outcome::Unknown);
        return false;
    }
    event.outcome = Some(Outcome::Failure);
    true
}

/// `EACCES` of 13; the number itself for what has no common name, `ERESTARTSYS` and the like included.
fn error_name(number: i32) -> String {
    let name = match number {
        libc::EPERM => "EPERM",
        libc::ENOENT => "ENOENT",
        libc::EINTR => "EINTR",
        libc::EIO => "EIO",
        libc::ENXIO => "ENXIO",
        libc::EBADF => "EBADF",
        libc::EAGAIN => "EAGAIN",
        libc::ENOMEM => "ENOMEM",
        libc::EACCES => "EACCES",
        libc::EFAULT => "EFAULT",
        libc::EBUSY => "EBUSY",
        libc::EEXIST => "EEXIST",
        libc::EXDEV => "EXDEV",
        libc::ENODEV => "ENODEV",
        libc::ENOTDIR => "ENOTDIR",
        libc::EISDIR => "EISDIR",
        libc::EINVAL => "EINVAL",
        libc::ENFILE => "ENFILE",
        libc::EMFILE => "EMFILE",
        libc::ETXTBSY => "ETXTBSY",
        libc::EFBIG => "EFBIG",
        libc::ENOSPC => "ENOSPC",
        libc::EROFS => "EROFS",
        libc::ENAMETOOLONG => "ENAMETOOLONG",
        libc::ELOOP => "ELOOP",
        libc::EOVERFLOW => "EOVERFLOW",
        libc::EOPNOTSUPP => "EOPNOTSUPP",
        libc::EAFNOSUPPORT => "EAFNOSUPPORT",
        libc::EADDRINUSE => "EADDRINUSE",
        libc::EADDRNOTAVAIL => "EADDRNOTAVAIL",
        libc::ENETDOWN => "ENETDOWN",
        libc::ENETUNREACH => "ENETUNREACH",
        libc::ECONNABORTED => "ECONNABORTED",
        libc::ECONNRESET => "ECONNRESET",
        libc::EISCONN => "EISCONN",
        libc::ETIMEDOUT => "ETIMEDOUT",
        libc::ECONNREFUSED => "ECONNREFUSED",
        libc::EHOSTDOWN => "EHOSTDOWN",
        libc::EHOSTUNREACH => "EHOSTUNREACH",
        libc::EALREADY => "EALREADY",
        libc::EINPROGRESS => "EINPROGRESS",
        512 => "ERESTARTSYS",
        _ => return number.to_string(),
    };
    name.to_owned()
}

fn socket(event: &mut Event, record: Record<'_>) -> Result<(), DecodeError> {
    use wire::socket as at;
    let fixed = record.body()?;
    failure(event, fixed.i32(at::ERROR)?);
    let family = fixed.u16(at::FAMILY)?;
    let local = endpoint(address(family, fixed.array(at::LOCAL)?), fixed.u16(at::LOCAL_PORT)?);
    let remote = endpoint(address(family, fixed.array(at::REMOTE)?), fixed.u16(at::REMOTE_PORT)?);
    /// IPPROTO_MPTCP: TCP over several paths.
    const MULTIPATH_TCP: i32 = 262;
    let transport = match i32::from(fixed.u16(at::PROTOCOL)?) {
        libc::IPPROTO_TCP | MULTIPATH_TCP => Transport::Tcp,
        libc::IPPROTO_UDP => Transport::Udp,
        _ => Transport::Other,
    };
    let network = |ends: [Endpoint; 2], direction| Network {
        transport: Some(transport),
        ty: ends
            .iter()
            .find_map(|end| end.ip)
            .map(|ip| if ip.is_ipv4() { NetworkType::Ipv4 } else { NetworkType::Ipv6 }),
        direction,
        community_id: None,
    };
    match &mut event.data {
        Data::Accept(accept) => {
            accept.source = remote;
            accept.destination = local;
            accept.network = network([remote, local], Some(Direction::Ingress));
        }
        Data::Bind(bind) => {
            bind.server = local;
            bind.network = network([local, local], None);
        }
        Data::Connect(connect) => {
            // A socket that got nowhere has no local end.
            connect.source = if local.port.is_some_and(|port| port != 0) { local } else { Endpoint::default() };
            connect.destination = remote;
            connect.network = network([remote, local], Some(Direction::Egress));
        }
        Data::Listen(listen) => {
            listen.server = local;
            listen.network = network([local, local], None);
        }
        Data::Exec(_) | Data::Exit(_) | Data::FileOpen(_) | Data::Fork(_) | Data::YaraMatch(_) => {}
    }
    Ok(())
}

fn endpoint(ip: Option<IpAddr>, port: u16) -> Endpoint {
    Endpoint { ip, port: Some(port) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context {
        Context { origin: Origin::new("m", "b"), wall_offset_ns: 0, run_id: "b".to_owned() }
    }

    #[test]
    fn paths_are_turned_round() {
        assert_eq!(&*turn_path(b"name\0dir\0"), b"/dir/name");
        assert_eq!(&*turn_path(b"memfd:x\0"), b"/memfd:x");
        assert_eq!(&*turn_path(b"name\0dir\0/\0"), b"//dir/name");
        assert_eq!(&*turn_path(b""), b"/");
    }

    #[test]
    fn empty_arguments_are_kept() {
        let args = strings(b"sh\0\0-c\0\0");
        assert_eq!(args, [Bytes::from(*b"sh"), Bytes::default(), Bytes::from(*b"-c"), Bytes::default()]);
        assert_eq!(strings(b""), Vec::<Bytes>::new());
    }

    proptest::proptest! {
        /// Whatever the ring holds, decoding gives an event, a seed or an error.
        #[test]
        fn hostile_records_do_not_panic(kind in 0u32..12, length in 0u32..2000, bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..1200)) {
            let mut record = bytes;
            for (offset, value) in [(wire::header::KIND, kind), (wire::header::LENGTH, length)] {
                for (place, byte) in record.iter_mut().skip(offset).zip(value.to_ne_bytes()) {
                    *place = byte;
                }
            }
            drop(decode(&record, 0, &context()));
        }
    }
}
