//! Strings anywhere in a text: one pass over it, whatever their number.
//!
//! Each string is kept by four of its bytes, those that are rarest. The pass asks a bitmap, four
//! places at a time, whether some string has the four bytes at hand; few places pass, and there the
//! strings themselves are compared. Strings of two or three bytes are kept by two, of one byte by it.

use std::collections::BTreeMap;

use super::{
    rarity::{Rarity, bits},
    targets::Range,
};
use crate::event::value::Bytes;

/// Zero bytes that must follow a text, so that the last places are read like the first.
pub(super) const PADDING: usize = 8;

/// A set of strings, none empty.
#[derive(Debug)]
pub(super) struct Scanner {
    long: Option<Long>,
    short: Option<Short>,
}

impl Scanner {
    pub(super) fn new(strings: Vec<(Bytes, Range)>, rarity: &Rarity) -> Self {
        let (long, short): (Vec<_>, Vec<_>) = strings.into_iter().partition(|(string, _)| string.len() >= 4);
        Self {
            long: (!long.is_empty()).then(|| Long::new(long, rarity)),
            short: (!short.is_empty()).then(|| Short::new(short)),
        }
    }

    /// Gives what the strings in a text are for. `padded` is the text and [`PADDING`].
    pub(super) fn find(&self, padded: &[u8], mut hit: impl FnMut(Range)) {
        if let Some(long) = &self.long {
            long.find(padded, &mut hit);
        }
        if let Some(short) = &self.short {
            short.find(padded, &mut hit);
        }
    }
}

/// A string and which of its bytes it is kept by.
#[derive(Debug)]
struct Kept {
    string: Bytes,
    offset: usize,
    range: Range,
}

impl Kept {
    /// Whether the string is in the text with its chosen bytes at `place`.
    fn is_at(&self, text: &[u8], place: usize) -> bool {
        place
            .checked_sub(self.offset)
            .and_then(|start| text.get(start..start + self.string.len()))
            .is_some_and(|part| part == &*self.string)
    }
}

/// Strings of four bytes and more.
#[derive(Debug)]
struct Long {
    /// A bit per hash of four bytes.
    bitmap: Box<[u64]>,
    /// The hash's bits that count.
    shift: u32,
    /// Per hash the strings kept by it, as a part of `kept`; open addressing by hash.
    heads: Box<[Head]>,
    kept: Vec<Kept>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Head {
    gram: u32,
    start: u32,
    end: u32,
}

fn hash(gram: u32) -> u32 {
    gram.wrapping_mul(0x9E37_79B1)
}

impl Long {
    fn new(strings: Vec<(Bytes, Range)>, rarity: &Rarity) -> Self {
        let mut by_gram: BTreeMap<u32, Vec<Kept>> = BTreeMap::new();
        for (string, range) in strings {
            let grams = string.windows(4).enumerate().filter_map(|(offset, gram)| {
                let gram: [u8; 4] = gram.try_into().ok()?;
                let say: f64 = gram.iter().map(|byte| bits(*byte)).sum();
                let crowd = by_gram.get(&u32::from_le_bytes(gram)).map_or(0.0, |kept| kept.len() as f64);
                Some((offset, gram, 20.0 * rarity.of_gram(gram) + crowd / 4.0 - say))
            });
            let Some((offset, gram, _)) = grams.min_by(|a, b| a.2.total_cmp(&b.2)) else { continue };
            by_gram.entry(u32::from_le_bytes(gram)).or_default().push(Kept { string, offset, range });
        }
        // One bit in sixty-four set at most: few places pass by accident.
        let bits = (by_gram.len() * 64).next_power_of_two().clamp(1 << 12, 1 << 18);
        let shift = 32 - bits.trailing_zeros();
        let mut bitmap = vec![0_u64; bits / 64];
        let slots = (by_gram.len() * 2).next_power_of_two();
        let mut heads = vec![Head::default(); slots];
        let mut kept = Vec::new();
        for (gram, strings) in by_gram {
            let bit = hash(gram) >> shift;
            if let Some(word) = bitmap.get_mut((bit >> 6) as usize) {
                *word |= 1 << (bit & 63);
            }
            let place = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
            let start = place(kept.len());
            kept.extend(strings);
            let mut slot = first_slot(gram, slots);
            while heads.get(slot).is_some_and(|head| head.end > 0) {
                slot = (slot + 1) & (slots - 1);
            }
            if let Some(head) = heads.get_mut(slot) {
                *head = Head { gram, start, end: place(kept.len()) };
            }
        }
        Self { bitmap: bitmap.into(), shift, heads: heads.into(), kept }
    }

    fn find(&self, padded: &[u8], hit: &mut impl FnMut(Range)) {
        let text = padded.get(..padded.len().saturating_sub(PADDING)).unwrap_or_default();
        let places = text.len().saturating_sub(3);
        let mut place = 0;
        while place < places {
            let Some(Ok(eight)) = padded.get(place..place + 8).map(<[u8; 8]>::try_from) else { return };
            let eight = u64::from_le_bytes(eight);
            let gram = |index: u32| u32::try_from(eight >> (8 * index) & 0xFFFF_FFFF).unwrap_or(0);
            let passes = self.passes(gram(0))
                | self.passes(gram(1)) << 1
                | self.passes(gram(2)) << 2
                | self.passes(gram(3)) << 3;
            if passes != 0 {
                for index in 0..4 {
                    if passes >> index & 1 == 1 {
                        self.compare(text, place + index as usize, gram(index), hit);
                    }
                }
            }
            place += 4;
        }
    }

    #[inline]
    fn passes(&self, gram: u32) -> u64 {
        let bit = hash(gram) >> self.shift;
        self.bitmap.get((bit >> 6) as usize).map_or(0, |word| word >> (bit & 63) & 1)
    }

    fn compare(&self, text: &[u8], place: usize, gram: u32, hit: &mut impl FnMut(Range)) {
        let mut slot = first_slot(gram, self.heads.len());
        while let Some(head) = self.heads.get(slot)
            && head.end > 0
        {
            if head.gram == gram {
                let kept = self.kept.get(head.start as usize..head.end as usize).unwrap_or_default();
                kept.iter().filter(|kept| kept.is_at(text, place)).for_each(|kept| hit(kept.range));
                return;
            }
            slot = (slot + 1) & (self.heads.len() - 1);
        }
    }
}

/// Where the search for four bytes begins among a power of two of slots, not all of them taken.
fn first_slot(gram: u32, slots: usize) -> usize {
    (hash(gram) >> 7) as usize & (slots - 1)
}

/// Strings of one to three bytes.
#[derive(Debug)]
struct Short {
    /// A bit per two bytes: a string starts with them.
    bitmap: Box<[u64]>,
    /// By first byte.
    kept: Vec<Vec<Kept>>,
}

impl Short {
    fn new(strings: Vec<(Bytes, Range)>) -> Self {
        let mut short = Self { bitmap: vec![0; 1024].into(), kept: (0..256).map(|_| Vec::new()).collect() };
        for (string, range) in strings {
            let (first, seconds) = match *string {
                [first] => (first, 0..=255),
                [first, second, ..] => (first, second..=second),
                [] => continue,
            };
            for second in seconds {
                let bit = usize::from(u16::from_le_bytes([first, second]));
                if let Some(word) = short.bitmap.get_mut(bit >> 6) {
                    *word |= 1 << (bit & 63);
                }
            }
            if let Some(kept) = short.kept.get_mut(usize::from(first)) {
                kept.push(Kept { string, offset: 0, range });
            }
        }
        short
    }

    fn find(&self, padded: &[u8], hit: &mut impl FnMut(Range)) {
        let text = padded.get(..padded.len().saturating_sub(PADDING)).unwrap_or_default();
        for (place, pair) in padded.windows(2).enumerate().take(text.len()) {
            let &[first, second] = pair else { return };
            let bit = usize::from(u16::from_le_bytes([first, second]));
            if self.bitmap.get(bit >> 6).is_some_and(|word| word >> (bit & 63) & 1 == 1) {
                let kept = self.kept.get(usize::from(first)).map(Vec::as_slice).unwrap_or_default();
                kept.iter().filter(|kept| kept.is_at(text, place)).for_each(|kept| hit(kept.range));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::detect::matcher::targets::{Target, Targets};

    fn check(strings: &[Vec<u8>], text: &[u8]) {
        let mut targets = Targets::default();
        let numbered: Vec<_> = (0_u32..).zip(strings).collect();
        let set = numbered
            .iter()
            .map(|(number, string)| (Bytes::from(string.as_slice()), targets.add(vec![Target::new(*number, 0)])))
            .collect();
        let scanner = Scanner::new(set, &Rarity::default());
        let mut found = Vec::new();
        scanner.find(&[text, &[0; PADDING]].concat(), |range| found.extend_from_slice(targets.of(range)));
        found.sort_unstable();
        found.dedup();
        let is_in = |string: &[u8]| text.windows(string.len()).any(|part| part == string);
        let expected: Vec<_> =
            numbered.iter().filter(|(_, string)| is_in(string)).map(|(number, _)| Target::new(*number, 0)).collect();
        assert_eq!(found, expected, "{strings:?} in {text:?}");
    }

    proptest! {
        #[test]
        fn every_string_is_found_wherever_it_is_and_no_other(
            strings in proptest::collection::hash_set(proptest::collection::vec(0_u8..3, 1..8), 1..20),
            text in proptest::collection::vec(0_u8..3, 0..40),
        ) {
            check(&strings.into_iter().collect::<Vec<_>>(), &text);
        }
    }

    #[test]
    fn strings_at_the_very_end_and_longer_than_the_text() {
        let strings = [&b"ab"[..], b"b", b"xyzab", b"zab", b"xyzabc", b"b\0", b"yzab\0"].map(<[u8]>::to_vec);
        for text in [&b""[..], b"b", b"ab", b"zab", b"xyzab", b"_xyzab", b"__xyzabc"] {
            check(&strings, text);
        }
    }
}
