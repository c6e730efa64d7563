//! A process makes a TCP socket accept connections.

use super::{
    Source,
    field::{Row, row},
    socket::{Endpoint, Network},
};

/// A process makes a TCP socket accept connections.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listen {
    /// The local address.
    pub server: Endpoint,
    /// Protocols.
    pub network: Network,
}

/// Fields of a `listen` event.
pub const ROWS: &[Row] = &[
    row!(Ecs "server.ip": Listen(server.ip), "Local address; `0.0.0.0` or `::` for any."),
    row!(Ecs "server.port": Listen(server.port), "Local port, the one the kernel chose if 0 was asked for."),
    row!(Ecs "network.transport": Listen(network.transport), "Transport protocol."),
    row!(Ecs "network.type": Listen(network.ty), "Network layer."),
];

/// How a `listen` event can be had, best first.
pub const SOURCES: &[Source] = &[
    Source { name: "trampoline", hooks: &["fexit/inet_listen"], misses: "", racy: &[], absent: &[], outcome: true },
    Source {
        name: "tracepoint",
        hooks: &["tp_btf/sys_exit"],
        misses: "sockets made listening through io_uring",
        racy: &["server.ip", "server.port"],
        absent: &[],
        outcome: true,
    },
];
