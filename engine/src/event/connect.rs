//! A connection a process opens (TCP, or a UDP socket given a peer).

use super::{
    Source,
    field::{Row, row},
    socket::{Endpoint, Network},
};

/// A connection a process opens (TCP, or a UDP socket given a peer).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Connect {
    /// The side that opened the connection.
    pub source: Endpoint,
    /// The side it was opened to.
    pub destination: Endpoint,
    /// Protocols and direction.
    pub network: Network,
}

/// Fields of a `connect` event.
pub const ROWS: &[Row] = &[
    row!(Ecs "source.ip": Connect(source.ip), "Address of the side that opened the connection."),
    row!(Ecs "source.port": Connect(source.port), "Port of the side that opened the connection."),
    row!(Ecs "destination.ip": Connect(destination.ip), "Address the connection was opened to; IPv4-mapped addresses as IPv4."),
    row!(Ecs "destination.port": Connect(destination.port), "Port the connection was opened to."),
    row!(Ecs "network.transport": Connect(network.transport), "Transport protocol."),
    row!(Ecs "network.type": Connect(network.ty), "Network layer of the packets."),
    row!(Ecs "network.direction": Connect(network.direction), "`egress`."),
    row!(Ecs "network.community_id": Connect(network.community_id), "Community ID v1 with seed 0. Absent until both ends are known."),
];

/// How a `connect` event can be had, best first.
pub const SOURCES: &[Source] = &[
    Source {
        name: "trampoline",
        hooks: &["fexit/inet_stream_connect", "fexit/inet_dgram_connect"],
        misses: "connections opened by TCP fast open (sendto with MSG_FASTOPEN)",
        racy: &[],
        absent: &[],
        outcome: true,
    },
    Source {
        name: "tracepoint",
        hooks: &["tp_btf/sys_exit"],
        misses: "connections opened through io_uring or by TCP fast open",
        racy: &["destination.ip", "destination.port"],
        absent: &[],
        outcome: true,
    },
];
