//! Networks, and how an address is inside one whichever of its two forms it has.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

/// The network of one address.
#[must_use]
pub fn single(address: IpAddr) -> IpNet {
    address.to_canonical().into()
}

/// The network as addresses are compared with it: one of IPv4-mapped addresses is the IPv4 network.
#[must_use]
pub fn canonical(network: IpNet) -> IpNet {
    /// The bits before the IPv4 address.
    const MAPPED: u8 = 96;
    let IpNet::V6(six) = network else { return network };
    let four = six.prefix_len().checked_sub(MAPPED).zip(six.network().to_ipv4_mapped());
    let four = four.and_then(|(length, address)| Ipv4Net::new(address, length).ok());
    four.map_or(network, IpNet::V4)
}
