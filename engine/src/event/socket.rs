//! What the socket kinds share.

use std::net::IpAddr;

use super::value::words;

/// One end of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// Address; IPv4-mapped IPv6 addresses are given as IPv4.
    pub ip: Option<IpAddr>,
    /// Port.
    pub port: Option<u16>,
}

words! {
    /// Transport protocol, in ECS words.
    Transport {
        /// Any other protocol over IP.
        Other = "other",
        /// TCP, multipath TCP included.
        Tcp = "tcp",
        /// UDP.
        Udp = "udp",
    }
}

words! {
    /// Network layer, in ECS words.
    NetworkType {
        /// IPv4.
        Ipv4 = "ipv4",
        /// IPv6.
        Ipv6 = "ipv6",
    }
}

words! {
    /// Direction as the host sees it, in ECS words.
    Direction {
        /// Towards the host.
        Ingress = "ingress",
        /// Away from the host.
        Egress = "egress",
    }
}

/// What every socket event says of its socket.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Network {
    /// Transport protocol.
    pub transport: Option<Transport>,
    /// IPv4 or IPv6.
    pub ty: Option<NetworkType>,
    /// Seen from this host.
    pub direction: Option<Direction>,
    /// Community ID v1, when both ends are known.
    pub community_id: Option<super::value::Bytes>,
}
