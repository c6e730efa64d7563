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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_mapped_addresses_is_the_ipv4_network() {
        for (written, expected) in [
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            ("::ffff:10.1.2.3/128", "10.1.2.3/32"),
            ("::ffff:0:0/95", "::fffe:0:0/95"),
            ("::/0", "::/0"),
            ("::10.0.0.0/104", "::10.0.0.0/104"),
            ("10.0.0.0/8", "10.0.0.0/8"),
        ] {
            let network = canonical(written.parse().expect("a network")).trunc();
            assert_eq!(network, expected.parse::<IpNet>().expect("a network"), "{written}");
        }
    }
}
