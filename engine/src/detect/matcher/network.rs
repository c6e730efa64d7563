//! Networks: one look-up per prefix length in use.

use std::net::IpAddr;

use ahash::AHashMap;
use ipnet::IpNet;

use super::targets::Range;

/// Networks an address may lie in.
#[derive(Debug, Default)]
pub(super) struct Networks {
    networks: AHashMap<IpNet, Range>,
    /// Ascending, each once.
    v4_lengths: Vec<u8>,
    v6_lengths: Vec<u8>,
}

impl Networks {
    pub(super) fn add(&mut self, network: IpNet, range: Range) {
        let lengths = match network {
            IpNet::V4(_) => &mut self.v4_lengths,
            IpNet::V6(_) => &mut self.v6_lengths,
        };
        if let Err(place) = lengths.binary_search(&network.prefix_len()) {
            lengths.insert(place, network.prefix_len());
        }
        self.networks.insert(network.trunc(), range);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.networks.is_empty()
    }

    /// Gives what the networks around an address are for. An IPv4 address written as IPv6 is that
    /// IPv4 address, and lies in the IPv6 networks around it too.
    pub(super) fn find(&self, address: IpAddr, mut hit: impl FnMut(Range)) {
        let canonical = address.to_canonical();
        self.find_written(canonical, &mut hit);
        if canonical != address {
            self.find_written(address, &mut hit);
        }
    }

    fn find_written(&self, address: IpAddr, hit: &mut impl FnMut(Range)) {
        let lengths = match address {
            IpAddr::V4(_) => &self.v4_lengths,
            IpAddr::V6(_) => &self.v6_lengths,
        };
        for length in lengths {
            // All lengths come from networks of the same family.
            let Ok(network) = IpNet::new(address, *length) else { continue };
            if let Some(range) = self.networks.get(&network.trunc()) {
                hit(*range);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::matcher::targets::{Target, Targets};

    #[test]
    fn an_address_meets_every_network_around_it() {
        let mut targets = Targets::default();
        let mut networks = Networks::default();
        for (program, network) in
            (0..).zip(["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32", "0.0.0.0/0", "::/0", "fe80::/10"])
        {
            networks.add(network.parse().expect("a network"), targets.add(vec![Target::new(program, 0)]));
        }
        for (address, expected) in [
            ("10.1.2.3", &[0, 1, 2, 3][..]),
            ("::ffff:10.2.0.1", &[0, 3, 4]),
            ("192.0.2.1", &[3]),
            ("fe80::1", &[4, 5]),
        ] {
            let mut found = Vec::new();
            networks.find(address.parse().expect("an address"), |range| found.extend_from_slice(targets.of(range)));
            found.sort_unstable();
            assert_eq!(found, expected.iter().map(|program| Target::new(*program, 0)).collect::<Vec<_>>(), "{address}");
        }
    }
}
