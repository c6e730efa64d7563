//! Completes events: process ids and ancestry, user names, cgroup paths and containers, flow ids.
//!
//! Stands between the sensor and detection. An [`Enricher`] sees every event once, in order; it adds
//! what the event does not say itself and never changes what the sensor saw. It asks no clock: time
//! is the events' own. The one file it reads is the user database, and `/proc` at start.

mod cgroup;
mod container;
pub mod procfs;
mod table;
#[cfg(test)]
mod tests;
mod users;

use std::{net::IpAddr, sync::Arc};

use crate::{
    event::{
        Data, Event, Process, Seed, field,
        id::Origin,
        socket::{Endpoint, Network, Transport},
        value::Bytes,
    },
    flow::community_id::community_id,
};

use cgroup::Cgroups;
pub use container::container_id;
use table::{Known, Table};
pub use users::Users;

/// Bounds of what an [`Enricher`] remembers.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Processes in the table, ended ones included.
    pub entries: usize,
    /// Bytes of their images, roughly.
    pub bytes: usize,
    /// Ended processes kept for events that arrive late.
    pub retained: usize,
    /// How long an ended process is kept, in event time, nanoseconds.
    pub retain_ns: u64,
    /// Cgroups whose path is kept.
    pub cgroups: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { entries: 65_536, bytes: 64 << 20, retained: 16_384, retain_ns: 30_000_000_000, cgroups: 4096 }
    }
}

/// What every event of this host says of it.
#[derive(Clone, Debug)]
pub struct Host {
    /// See `host.name`.
    pub name: Bytes,
    /// See `host.boot.id`.
    pub boot_id: Bytes,
    /// Added to the boot clock gives the wall clock, nanoseconds.
    pub boot_to_wall_ns: i64,
}

/// What the enricher holds and what it has missed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Processes in the table.
    pub entries: usize,
    /// Those among them that have ended.
    pub retained: usize,
    /// Bytes of their images, roughly.
    pub bytes: usize,
    /// Running processes dropped to make room: their next event comes without image and ancestors.
    pub evicted_live: u64,
    /// Ended processes dropped to make room.
    pub evicted_exited: u64,
    /// Ended processes dropped in their time.
    pub expired: u64,
    /// Events of processes of which nothing was known before.
    pub unknown_process: u64,
    /// Processes whose parent's image was not known.
    pub unknown_parent: u64,
    /// Late events that changed what had been said of a process or its children.
    pub corrections: u64,
    /// Processes whose end was never seen; noticed when their id came back.
    pub missed_exits: u64,
    /// Cgroups whose path is known.
    pub cgroups: usize,
    /// Events of cgroups whose path was not known.
    pub unknown_cgroup: u64,
    /// How often the user database could not be read.
    pub failed_user_reads: u64,
}

/// Completes events; see the module.
pub struct Enricher {
    host: Host,
    users: Users,
    cgroups: Cgroups,
    table: Table,
}

impl Enricher {
    /// One that knows nothing of the host's processes yet.
    #[must_use]
    pub fn new(limits: Limits, origin: Origin, host: Host, users: Users) -> Self {
        let cgroups = Cgroups::new(limits.cgroups);
        let table = Table::new(limits, origin, host.boot_to_wall_ns);
        Self { host, users, cgroups, table }
    }

    /// Makes a process known that was running before its first event. What live events have told
    /// stays, whichever comes first.
    pub fn seed(&mut self, seed: Seed) {
        let Seed { key, parent_key, read_ns, mut process, comm: _, cgroup_id, cgroup_path } = seed;
        if key.pid == 0 {
            return;
        }
        if let (Some(id), Some(path)) = (cgroup_id, &cgroup_path) {
            self.cgroups.learn(id, path, false);
        }
        complete_image(&mut process);
        if process.user_name.is_none()
            && let Some(user) = process.user_id
        {
            process.user_name = self.users.name(user.0, 0).cloned();
        }
        self.table.seed(key, parent_key, read_ns, process);
    }

    /// Makes the path of a cgroup known.
    pub fn learn_cgroup(&mut self, id: i64, path: &Bytes) {
        self.cgroups.learn(id, path, false);
    }

    /// Completes an event. Recorded events, which carry their facts, get only what follows from them.
    pub fn apply(&mut self, event: &mut Event) {
        self.cgroups.complete(event);
        complete_flow(&mut event.data);
        if event.process.entity_id.is_some() || event.key.pid == 0 {
            return;
        }
        let now_ns = self.table.advance(event.boot_ns);
        event.time.get_or_insert_with(|| self.table.wall(event.boot_ns));
        event.host_name.get_or_insert_with(|| self.host.name.clone());
        event.boot_id.get_or_insert_with(|| self.host.boot_id.clone());
        if event.user_name.is_none()
            && let Some(user) = event.user_id
        {
            event.user_name = self.users.name(user.0, now_ns).cloned();
        }
        let known = self.process(event);
        event.process = known.process;
        event.ancestors = known.ancestors;
        name_cut_fields(event);
    }

    /// What is held and what was missed.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters {
            cgroups: self.cgroups.len(),
            unknown_cgroup: self.cgroups.unknown(),
            failed_user_reads: self.users.failed_reads(),
            ..self.table.counters()
        }
    }

    fn process(&mut self, event: &mut Event) -> Known {
        let (key, at) = (event.key, event.boot_ns);
        match &mut event.data {
            Data::Exec(exec) => {
                let mut image = Arc::unwrap_or_clone(std::mem::take(&mut event.process));
                complete_image(&mut image);
                image.user_id = image.user_id.or(event.user_id);
                if image.user_name.is_none() && image.user_id == event.user_id {
                    image.user_name.clone_from(&event.user_name);
                }
                let (known, previous) = self.table.exec(key, event.parent_key, at, image);
                exec.previous_executable = exec.previous_executable.take().or(previous);
                known
            }
            Data::Exit(exit) => {
                exit.end.get_or_insert_with(|| self.table.wall(at));
                if exit.run_time_ns.is_none() {
                    exit.run_time_ns = i64::try_from(at.saturating_sub(key.start_boot_ns)).ok();
                }
                self.table.exit(key, at, event.process.name.as_ref())
            }
            Data::Fork(_) => self.table.fork(key, event.parent_key, at, &event.process),
            Data::Accept(_)
            | Data::Bind(_)
            | Data::Connect(_)
            | Data::FileOpen(_)
            | Data::Listen(_)
            | Data::YaraMatch(_) => self.table.resolve(key, at, event.process.name.as_ref()),
        }
    }
}

/// Adds what follows from the arguments and the executable.
fn complete_image(image: &mut Process) {
    image.derive();
    if image.cut.0.contains(&"process.args") {
        image.cut.add("process.command_line");
    }
}

/// An event names the fields that are cut in the images it shows.
fn name_cut_fields(event: &mut Event) {
    for name in &event.process.cut.0 {
        event.cut.add(name);
    }
    for (distance, ancestor) in event.ancestors.iter().enumerate() {
        for name in &ancestor.cut.0 {
            let Some(rest) = name.strip_prefix("process.") else { continue };
            let parent = (distance == 0).then_some("parent");
            for role in parent.into_iter().chain(["ancestors"]) {
                if let Some(field) = field::find(&format!("process.{role}.{rest}")) {
                    event.cut.add(field.name);
                }
            }
        }
    }
}

/// Gives a connection whose ends are both known its flow id.
fn complete_flow(data: &mut Data) {
    let (source, destination, network) = match data {
        Data::Accept(accept) => (accept.source, accept.destination, &mut accept.network),
        Data::Connect(connect) => (connect.source, connect.destination, &mut connect.network),
        Data::Bind(_)
        | Data::Exec(_)
        | Data::Exit(_)
        | Data::FileOpen(_)
        | Data::Fork(_)
        | Data::Listen(_)
        | Data::YaraMatch(_) => return,
    };
    if network.community_id.is_none() {
        network.community_id = flow_id(source, destination, network);
    }
}

fn flow_id(source: Endpoint, destination: Endpoint, network: &Network) -> Option<Bytes> {
    let protocol = match network.transport? {
        Transport::Tcp => 6,
        Transport::Udp => 17,
        Transport::Other => return None,
    };
    let bound = |end: Endpoint| -> Option<(IpAddr, u16)> {
        let ip = end.ip.filter(|ip| !ip.is_unspecified())?;
        Some((ip, end.port.filter(|port| *port != 0)?))
    };
    let ((source, source_port), (destination, destination_port)) = (bound(source)?, bound(destination)?);
    community_id(source, destination, source_port, destination_port, protocol, 0)
}
