//! Community ID v1: one id for both directions of a flow, the same in Suricata, Zeek and Wireshark.
//!
//! Specification: github.com/corelight/community-id-spec.

use std::net::IpAddr;

use sha1::{Digest, Sha1};

use crate::event::value::Bytes;

/// ICMP for IPv4, as IANA numbers it.
const ICMP: u8 = 1;
/// ICMP for IPv6.
const ICMP6: u8 = 58;
/// Protocols whose ids cover two ports: TCP, UDP, SCTP, and ICMP with type and code in their place.
const WITH_PORTS: [u8; 5] = [ICMP, 6, 17, ICMP6, 132];

/// ICMP message types that answer each other: router solicitation, echo, time stamp, information, mask.
const ICMP_PAIRS: [(u16, u16); 5] = [(10, 9), (8, 0), (13, 14), (15, 16), (17, 18)];
/// The same for ICMPv6: echo, listener, router, neighbour, node information, home agent.
const ICMP6_PAIRS: [(u16, u16); 6] = [(128, 129), (130, 131), (133, 134), (135, 136), (139, 140), (144, 145)];

/// The id of the flow between two ends, for an IP protocol by its IANA number.
///
/// For ICMP `source_port` is the message's type and `destination_port` its code. `None` when one
/// address is IPv4 and the other IPv6: no flow has such ends.
#[must_use]
pub fn community_id(
    source: IpAddr,
    destination: IpAddr,
    source_port: u16,
    destination_port: u16,
    protocol: u8,
    seed: u16,
) -> Option<Bytes> {
    if source.is_ipv4() != destination.is_ipv4() {
        return None;
    }
    let (destination_port, one_way) = match protocol {
        ICMP => answered(&ICMP_PAIRS, source_port, destination_port),
        ICMP6 => answered(&ICMP6_PAIRS, source_port, destination_port),
        _ => (destination_port, false),
    };
    let has_ports = WITH_PORTS.contains(&protocol);
    let (a, b) = ((source, source_port), (destination, destination_port));
    // The smaller end comes first, so that both directions hash the same bytes.
    let in_order = if has_ports { a <= b } else { source <= destination };
    let (first, second) = if one_way || in_order { (a, b) } else { (b, a) };

    let mut hash = Sha1::new();
    hash.update(seed.to_be_bytes());
    for (address, _) in [first, second] {
        match address {
            IpAddr::V4(address) => hash.update(address.octets()),
            IpAddr::V6(address) => hash.update(address.octets()),
        }
    }
    hash.update([protocol, 0]);
    if has_ports {
        hash.update(first.1.to_be_bytes());
        hash.update(second.1.to_be_bytes());
    }
    let mut id = String::from("1:");
    data_encoding::BASE64.encode_append(&hash.finalize(), &mut id);
    Some(id.into_bytes().into())
}

/// The type that answers an ICMP type takes the second port's place; a type without answer keeps its
/// code there and makes the flow one-way.
fn answered(pairs: &[(u16, u16)], ty: u16, code: u16) -> (u16, bool) {
    pairs
        .iter()
        .find_map(|(ask, answer)| match ty {
            _ if ty == *ask => Some((*answer, false)),
            _ if ty == *answer => Some((*ask, false)),
            _ => None,
        })
        .unwrap_or((code, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Case {
        proto: u8,
        saddr: IpAddr,
        daddr: IpAddr,
        sport: Option<u16>,
        dport: Option<u16>,
        communityid: String,
    }

    #[test]
    fn the_published_vectors_agree() {
        let text = include_bytes!("../../../testdata/flow/community_id/baseline_default.json");
        let cases: Vec<Case> = serde_json::from_slice(text).expect("JSON");
        assert_eq!(cases.len(), 23);
        for case in cases {
            let (sport, dport) = (case.sport.unwrap_or(0), case.dport.unwrap_or(0));
            let id = community_id(case.saddr, case.daddr, sport, dport, case.proto, 0).expect("one family");
            assert_eq!(
                String::from_utf8_lossy(&id),
                case.communityid,
                "{} {} {sport} {} {dport}",
                case.proto,
                case.saddr,
                case.daddr
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn both_directions_share_an_id(a: u32, b: u32, ports: (u16, u16), seed: u16) {
            let (a, b) = (IpAddr::V4(a.into()), IpAddr::V4(b.into()));
            for protocol in [6, 17, 132, 47] {
                let there = community_id(a, b, ports.0, ports.1, protocol, seed);
                proptest::prop_assert_eq!(&there, &community_id(b, a, ports.1, ports.0, protocol, seed));
                proptest::prop_assert_ne!(there, community_id(a, b, ports.0, ports.1, protocol, seed.wrapping_add(1)));
            }
        }
    }

    #[test]
    fn ends_of_two_families_have_no_id() {
        let (four, six) = (IpAddr::V4(1.into()), IpAddr::V6(1.into()));
        assert_eq!(community_id(four, six, 1, 2, 6, 0), None);
    }
}
