//! One record as bytes: mark, length, checksum, number, tag, payload.
//!
//! The checksum covers everything behind it, the number included: what a power loss left of an older
//! file in the same blocks is not taken for a record. The mark lets a reader find the next record
//! behind damage.

/// First bytes of each record; the last one is the version of the form.
const MARK: [u8; 4] = *b"\xbeWF\x01";
/// Bytes before the payload: mark, length and checksum of four bytes each, number of eight, tag of one.
pub(super) const HEAD: usize = 21;
/// Longest payload.
pub(super) const MAX_PAYLOAD: usize = 16 << 20;

/// What the bytes at some place are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parsed<'a> {
    /// No record, or a damaged one.
    Bad,
    /// Perhaps a record, but with its end beyond these bytes; so many are needed.
    Short(usize),
    /// A record, and how long it is with its head.
    Whole { number: u64, tag: u8, payload: &'a [u8], size: usize },
}

/// Appends a record.
pub(super) fn write(out: &mut Vec<u8>, number: u64, tag: u8, payload: &[u8]) {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes();
    out.extend_from_slice(&MARK);
    out.extend_from_slice(&length);
    out.extend_from_slice(&checksum(&length, number, tag, payload).to_le_bytes());
    out.extend_from_slice(&number.to_le_bytes());
    out.push(tag);
    out.extend_from_slice(payload);
}

/// Reads the record that begins with the first byte.
pub(super) fn parse(bytes: &[u8]) -> Parsed<'_> {
    let known = bytes.len().min(MARK.len());
    if bytes.get(..known) != MARK.get(..known) {
        return Parsed::Bad;
    }
    let Some((_, rest)) = bytes.split_first_chunk::<4>() else { return Parsed::Short(HEAD) };
    let Some((length, rest)) = rest.split_first_chunk::<4>() else { return Parsed::Short(HEAD) };
    let Some((sum, rest)) = rest.split_first_chunk::<4>() else { return Parsed::Short(HEAD) };
    let Some((number, rest)) = rest.split_first_chunk::<8>() else { return Parsed::Short(HEAD) };
    let Some((tag, rest)) = rest.split_first() else { return Parsed::Short(HEAD) };
    let size = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    if size > MAX_PAYLOAD {
        return Parsed::Bad;
    }
    let Some(payload) = rest.get(..size) else { return Parsed::Short(HEAD + size) };
    let number = u64::from_le_bytes(*number);
    if checksum(length, number, *tag, payload) != u32::from_le_bytes(*sum) {
        return Parsed::Bad;
    }
    Parsed::Whole { number, tag: *tag, payload, size: HEAD + size }
}

/// Where the next record may begin, behind the first byte.
pub(super) fn next_mark(bytes: &[u8]) -> Option<usize> {
    let found = memchr::memmem::find(bytes.get(1..)?, &MARK)?;
    Some(found + 1)
}

fn checksum(length: &[u8; 4], number: u64, tag: u8, payload: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(length);
    sum.update(&number.to_le_bytes());
    sum.update(&[tag]);
    sum.update(payload);
    sum.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_read_back_and_every_flipped_bit_is_noticed() {
        let mut bytes = Vec::new();
        write(&mut bytes, 7, 2, b"hello");
        let size = HEAD + 5;
        assert_eq!(bytes.len(), size);
        assert_eq!(parse(&bytes), Parsed::Whole { number: 7, tag: 2, payload: b"hello", size });
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(!matches!(parse(&damaged), Parsed::Whole { .. }), "bit {bit}");
        }
        for end in 0..size {
            assert!(matches!(parse(&bytes[..end]), Parsed::Short(_)), "{end}");
        }
        assert_eq!(parse(&[0; 64]), Parsed::Bad);
        let two = [b"rubbish".as_slice(), &bytes].concat();
        assert_eq!(next_mark(&two), Some(7));
        assert_eq!(next_mark(&bytes), None);
    }
}
