//! What a list is a list of: how entries become keys, and which keys a value may be found under.
//!
//! A key is the entry in its common form, as few bytes as that takes: addresses and hashes as numbers,
//! names in small letters. Entry and value go through the same code, so that they meet.

use std::net::IpAddr;

use data_encoding::HEXLOWER_PERMISSIVE;
use ipnet::IpNet;

use crate::event::{
    network::{canonical, single},
    text,
    value::{Type, Value, words},
};

/// Bytes of the longest domain name (RFC 1035).
const MAX_DOMAIN: usize = 253;
/// Bytes of the longest URL and file name.
const MAX_TEXT: usize = 8 << 10;
/// Bytes of the longest hash: SHA-512.
const MAX_HASH: usize = 64;

words! {
    /// What a list is a list of.
    Sort {
        /// Domain names; `*.` before one stands for all below it, too.
        Domain = "domain",
        /// Names of files, or with a `/` whole paths.
        FileName = "file_name",
        /// Hashes of files, hexadecimal.
        Hash = "hash",
        /// Addresses and networks.
        Ip = "ip",
        /// URLs.
        Url = "url",
    }
}

/// First byte of the key of a name that stands for itself.
const EXACT: u8 = b'=';
/// First byte of the key of a domain that stands for those below it, too.
const BELOW: u8 = b'*';

/// What has to be looked up besides the value itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Reach {
    /// Lengths of the networks, of IPv4 and of IPv6, longest first.
    prefixes: [Vec<u8>; 2],
    /// Whether some domain stands for those below it.
    below: bool,
}

impl Sort {
    /// The type of field it can be asked of.
    #[must_use]
    pub fn fits(self, ty: Type) -> bool {
        match self {
            Self::Ip => matches!(ty, Type::Ip),
            Self::Domain | Self::FileName | Self::Hash | Self::Url => matches!(ty, Type::Keyword),
        }
    }

    /// What its entries are, in words.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::Domain => "domain names",
            Self::FileName => "file names",
            Self::Hash => "hashes",
            Self::Ip => "addresses",
            Self::Url => "URLs",
        }
    }

    /// Appends the key of an entry.
    ///
    /// # Errors
    /// What it is instead of an entry, to go after `is`.
    pub(super) fn key(
        self,
        entry: &str,
        subdomains: bool,
        reach: &mut Reach,
        key: &mut Vec<u8>,
    ) -> Result<(), &'static str> {
        match self {
            Self::Domain => {
                let marked = entry.strip_prefix("*.").or_else(|| entry.strip_prefix('.'));
                let is_below = subdomains || marked.is_some();
                key.push(if is_below { BELOW } else { EXACT });
                reach.below |= is_below;
                domain(marked.unwrap_or(entry), key)
            }
            Self::FileName => {
                let bytes = text::decode(entry);
                let is_name = !bytes.is_empty() && bytes.len() <= MAX_TEXT && !bytes.ends_with(b"/");
                key.extend_from_slice(&bytes);
                if is_name { Ok(()) } else { Err("no name of a file") }
            }
            Self::Hash => {
                let mut bytes = [0; MAX_HASH];
                let hash = hash(entry.as_bytes(), &mut bytes).ok_or("no hash in hexadecimal digits")?;
                key.extend_from_slice(hash);
                Ok(())
            }
            Self::Ip => {
                let network = network(entry)?;
                let lengths = usize::from(network.addr().is_ipv6());
                if let Some(prefixes) = reach.prefixes.get_mut(lengths)
                    && !prefixes.contains(&network.prefix_len())
                {
                    prefixes.push(network.prefix_len());
                    prefixes.sort_unstable_by(|a, b| b.cmp(a));
                }
                network_key(network, key);
                Ok(())
            }
            Self::Url => url(entry, key).ok_or("no URL with a scheme and a host"),
        }
    }

    /// Asks `find` for the keys under which a value may stand, the most specific first.
    pub(super) fn look_up(
        self,
        value: Value<'_>,
        reach: &Reach,
        find: &mut dyn FnMut(&[u8]) -> Option<u32>,
    ) -> Option<u32> {
        match (self, value) {
            (Self::Ip, Value::Ip(address)) => of_address(address, reach, find),
            (Self::Domain, Value::Bytes(name)) => of_domain(name, reach, find),
            (Self::FileName, Value::Bytes(path)) => find(path).or_else(|| {
                let name = path.rsplit(|byte| *byte == b'/').next()?;
                if name.len() < path.len() && !name.is_empty() { find(name) } else { None }
            }),
            (Self::Hash, Value::Bytes(text)) => find(hash(text, &mut [0; MAX_HASH])?),
            (Self::Url, Value::Bytes(text)) => {
                let mut key = Vec::new();
                url(std::str::from_utf8(text).ok()?, &mut key)?;
                find(&key)
            }
            (Self::Domain | Self::FileName | Self::Hash | Self::Ip | Self::Url, _) => None,
        }
    }

    /// The entry of a key, for people.
    pub(super) fn shown(self, key: &[u8]) -> String {
        match self {
            Self::Domain => match key.split_first() {
                Some((&BELOW, name)) => format!("*.{}", text::encode(name)),
                Some((_, name)) => text::encode(name),
                None => String::new(),
            },
            Self::FileName | Self::Url => text::encode(key),
            Self::Hash => data_encoding::HEXLOWER.encode(key),
            Self::Ip => shown_network(key).unwrap_or_default(),
        }
    }
}

/// Appends a domain name in small letters, without the dot of the root.
fn domain(name: &str, key: &mut Vec<u8>) -> Result<(), &'static str> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte) || !byte.is_ascii())
    };
    if name.is_empty() || name.len() > MAX_DOMAIN || !name.split('.').all(is_label) {
        return Err("no domain name");
    }
    if name.parse::<IpAddr>().is_ok() {
        return Err("an address, no domain name");
    }
    key.extend(name.bytes().map(|byte| byte.to_ascii_lowercase()));
    Ok(())
}

fn of_domain(name: &[u8], reach: &Reach, find: &mut dyn FnMut(&[u8]) -> Option<u32>) -> Option<u32> {
    let name = name.strip_suffix(b".").unwrap_or(name);
    let mut buffer = [0; MAX_DOMAIN + 1];
    let (mark, rest) = buffer.split_first_mut()?;
    let copy = rest.get_mut(..name.len())?;
    copy.copy_from_slice(name);
    copy.make_ascii_lowercase();
    *mark = EXACT;
    let whole = buffer.get(..=name.len())?;
    if let Some(entry) = find(whole) {
        return Some(entry);
    }
    if !reach.below {
        return None;
    }
    // The mark takes the place of the dot before each shorter name.
    let mut start = 0;
    loop {
        *buffer.get_mut(start)? = BELOW;
        if let Some(entry) = find(buffer.get(start..=name.len())?) {
            return Some(entry);
        }
        let dot = buffer.get(start + 1..=name.len())?.iter().position(|byte| *byte == b'.')?;
        start += 1 + dot;
    }
}

/// Reads a hash of one of the usual lengths.
fn hash<'b>(digits: &[u8], bytes: &'b mut [u8; MAX_HASH]) -> Option<&'b [u8]> {
    let length = digits.len() / 2;
    // MD5, SHA-1, SHA-224, SHA-256, SHA-384, SHA-512.
    if ![16, 20, 28, 32, 48, 64].contains(&length) || !digits.len().is_multiple_of(2) {
        return None;
    }
    let bytes = bytes.get_mut(..length)?;
    HEXLOWER_PERMISSIVE.decode_mut(digits, bytes).ok()?;
    Some(bytes)
}

fn network(entry: &str) -> Result<IpNet, &'static str> {
    if let Ok(address) = entry.parse::<IpAddr>() {
        return Ok(single(address));
    }
    match entry.parse::<IpNet>() {
        Ok(network) if network.trunc() == network => Ok(canonical(network)),
        Ok(_) => Err("no network: it has bits set beyond its prefix"),
        Err(_) if entry.parse::<std::net::SocketAddr>().is_ok() => {
            Err("an address with a port; a list of addresses has none")
        }
        Err(_) => Err("no address or network"),
    }
}

/// Appends the length of the prefix and the address.
fn network_key(network: IpNet, key: &mut Vec<u8>) {
    let (bytes, length) = network_bytes(network);
    key.extend_from_slice(bytes.get(..length).unwrap_or_default());
}

/// The key of a network and its length: the length of the prefix, then the address.
fn network_bytes(network: IpNet) -> ([u8; 17], usize) {
    let mut bytes = [network.prefix_len(); 17];
    let (_, octets) = bytes.split_at_mut(1);
    match network.network() {
        IpAddr::V4(address) => octets.iter_mut().zip(address.octets()).for_each(|(to, from)| *to = from),
        IpAddr::V6(address) => octets.iter_mut().zip(address.octets()).for_each(|(to, from)| *to = from),
    }
    (bytes, if network.addr().is_ipv6() { 17 } else { 5 })
}

fn of_address(address: IpAddr, reach: &Reach, find: &mut dyn FnMut(&[u8]) -> Option<u32>) -> Option<u32> {
    let mut inside = |address: IpAddr| {
        reach.prefixes.get(usize::from(address.is_ipv6()))?.iter().find_map(|prefix| {
            let (bytes, length) = network_bytes(IpNet::new(address, *prefix).ok()?);
            find(bytes.get(..length)?)
        })
    };
    let canonical = address.to_canonical();
    // `::ffff:10.0.0.1` is 10.0.0.1, and still lies in `::/0`.
    inside(canonical).or_else(|| (canonical != address).then(|| inside(address)).flatten())
}

fn shown_network(key: &[u8]) -> Option<String> {
    let (length, octets) = key.split_first()?;
    let address = match <[u8; 4]>::try_from(octets) {
        Ok(octets) => IpAddr::from(octets),
        Err(_) => IpAddr::from(<[u8; 16]>::try_from(octets).ok()?),
    };
    let whole = if address.is_ipv6() { 128 } else { 32 };
    Some(if *length == whole { address.to_string() } else { format!("{address}/{length}") })
}

/// Appends a URL with its scheme and host in small letters, without the usual port and the fragment.
fn url(text: &str, key: &mut Vec<u8>) -> Option<()> {
    let text = Some(text).filter(|text| text.len() <= MAX_TEXT)?;
    let (scheme, rest) = text.split_once("://")?;
    let rest = rest.split('#').next().unwrap_or(rest);
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let is_scheme =
        !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if !is_scheme || authority.is_empty() || authority.contains(char::is_whitespace) {
        return None;
    }
    let scheme = scheme.to_ascii_lowercase();
    let host = authority.to_ascii_lowercase();
    let usual = match scheme.as_str() {
        "http" => ":80",
        "https" => ":443",
        "ftp" => ":21",
        _ => "",
    };
    // What is left must be a host: of `ev:80:80`, which is none with a port, everything stays.
    let is_host = |host: &&str| {
        let host = host.rsplit_once('@').map_or(*host, |(_, host)| host);
        !host.is_empty() && (host.ends_with(']') || !host.contains(':'))
    };
    let host = host.strip_suffix(usual).filter(|_| !usual.is_empty()).filter(is_host).unwrap_or(&host);
    let slash = if path.starts_with('/') { "" } else { "/" };
    for part in [&scheme, "://", host, slash, path] {
        key.extend_from_slice(part.as_bytes());
    }
    Some(())
}
