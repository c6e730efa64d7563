//! A connection a process accepts.

use super::{
    Source,
    field::{Row, row},
    socket::{Endpoint, Network},
};

/// A connection a process accepts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Accept {
    /// The side that opened the connection.
    pub source: Endpoint,
    /// The side it was opened to.
    pub destination: Endpoint,
    /// Protocols and direction.
    pub network: Network,
}

/// Fields of a `accept` event.
pub const ROWS: &[Row] = &[
    row!(Ecs "source.ip": Accept(source.ip), "Address of the side that opened the connection."),
    row!(Ecs "source.port": Accept(source.port), "Port of the side that opened the connection."),
    row!(Ecs "destination.ip": Accept(destination.ip), "Address the connection was opened to; IPv4-mapped addresses as IPv4."),
    row!(Ecs "destination.port": Accept(destination.port), "Port the connection was opened to."),
    row!(Ecs "network.transport": Accept(network.transport), "Transport protocol."),
    row!(Ecs "network.type": Accept(network.ty), "Network layer of the packets."),
    row!(Ecs "network.direction": Accept(network.direction), "`ingress`."),
    row!(Ecs "network.community_id": Accept(network.community_id), "Community ID v1 with seed 0. Absent until both ends are known."),
];

/// How an `accept` event can be had, best first.
pub const SOURCES: &[Source] = &[
    Source { name: "trampoline", hooks: &["fexit/inet_accept"], misses: "", racy: &[], absent: &[], outcome: true },
    Source {
        name: "tracepoint",
        hooks: &["tp_btf/sys_exit"],
        misses: "connections accepted through io_uring",
        racy: &["source.ip", "source.port", "destination.ip", "destination.port"],
        absent: &[],
        outcome: true,
    },
];
