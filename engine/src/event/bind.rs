//! A process gives a TCP or UDP socket a local address.

use super::{
    Source,
    field::{Row, row},
    socket::{Endpoint, Network},
};

/// A process gives a TCP or UDP socket a local address.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bind {
    /// The local address.
    pub server: Endpoint,
    /// Protocols.
    pub network: Network,
}

/// Fields of a `bind` event.
pub const ROWS: &[Row] = &[
    row!(Ecs "server.ip": Bind(server.ip), "Local address; `0.0.0.0` or `::` for any."),
    row!(Ecs "server.port": Bind(server.port), "Local port, the one the kernel chose if 0 was asked for."),
    row!(Ecs "network.transport": Bind(network.transport), "Transport protocol."),
    row!(Ecs "network.type": Bind(network.ty), "Network layer."),
];

/// How a `bind` event can be had, best first.
pub const SOURCES: &[Source] = &[
    Source {
        name: "trampoline",
        hooks: &["fexit/inet_bind", "fexit/inet6_bind"],
        misses: "",
        racy: &[],
        absent: &[],
        outcome: true,
    },
    Source {
        name: "tracepoint",
        hooks: &["tp_btf/sys_exit"],
        misses: "sockets bound through io_uring",
        racy: &["server.ip", "server.port"],
        absent: &[],
        outcome: true,
    },
];
