//! Strings anywhere in a text: one pass over it, whatever their number.
//!
//! Strings of five bytes and more are kept by four of their bytes, at two neighbouring offsets, so
//! that every second place of the text has to be looked at only: one of the two is there. A filter
//! says whether some string has the four bytes at hand; few places pass, and there the strings
//! themselves are compared. Strings of four bytes are kept by three of them in the same way, shorter
//! ones by their first two bytes at every place; those outside ASCII cost nothing in a text that is ASCII.
//! Where a sort has a few strings only, each is looked for by itself.

use std::collections::BTreeMap;

use memchr::memmem::Finder;

use super::{
    affix::Strings,
    rarity::{Rarity, bits},
    table::Table,
    targets::Range,
};
use crate::event::value::Bytes;

/// Zero bytes that must follow a text, so that its last places are read like the first.
pub(super) const PADDING: usize = 16;

/// Up to so many strings of a sort are looked for one by one.
const FEW: usize = 2;

/// A set of strings, none empty.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    long: Option<Sampled>,
    four: Option<Sampled>,
    short: Option<Short>,
    /// Short strings with bytes that no ASCII text has.
    foreign: Option<Short>,
    few: Vec<(Finder<'static>, Range)>,
}

impl Scanner {
    pub(super) fn new(strings: Strings, rarity: &Rarity) -> Self {
        let mut scanner = Self::default();
        let (long, rest): (Vec<_>, Vec<_>) = strings.into_iter().partition(|(string, _)| string.len() > 4);
        let (four, rest): (Vec<_>, Vec<_>) = rest.into_iter().partition(|(string, _)| string.len() == 4);
        let (short, foreign): (Vec<_>, Vec<_>) = rest.into_iter().partition(|(string, _)| string.is_ascii());
        scanner.long = scanner.unless_few(long).map(|strings| Sampled::new(strings, 4, rarity));
        scanner.four = scanner.unless_few(four).map(|strings| Sampled::new(strings, 3, rarity));
        scanner.short = scanner.unless_few(short).map(Short::new);
        scanner.foreign = (!foreign.is_empty()).then(|| Short::new(foreign));
        scanner
    }

    fn unless_few(&mut self, strings: Strings) -> Option<Strings> {
        if strings.len() > FEW {
            return Some(strings);
        }
        self.few.extend(strings.into_iter().map(|(string, range)| (Finder::new(&string).into_owned(), range)));
        None
    }

    /// Gives what the strings in a text are for. `padded` is the text and [`PADDING`].
    pub(super) fn find(&self, padded: &[u8], mut hit: impl FnMut(Range)) {
        let text = padded.get(..padded.len().saturating_sub(PADDING)).unwrap_or_default();
        for (finder, range) in &self.few {
            if finder.find(text).is_some() {
                hit(*range);
            }
        }
        if let Some(long) = &self.long {
            long.find(padded, text, &mut hit);
        }
        if let Some(four) = &self.four {
            four.find(padded, text, &mut hit);
        }
        if let Some(short) = &self.short {
            short.find(padded, text, &mut hit);
        }
        if let Some(foreign) = &self.foreign
            && !text.is_ascii()
        {
            foreign.find(padded, text, &mut hit);
        }
    }
}

/// A string and which of its bytes it is kept by.
#[derive(Clone, Debug)]
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

/// A byte per hash that is set if some string has it: one load and no shift per look.
#[derive(Debug)]
struct Filter {
    bytes: Box<[u8]>,
    /// What is left of a hash of 32 bits is the place.
    shift: u32,
}

/// 16 KiB stay in the fastest cache, 256 KiB in the next.
const FILTER_BITS: std::ops::RangeInclusive<u32> = 14..=18;

impl Filter {
    /// Room for some hashes that leaves most places empty.
    fn new(hashes: usize) -> Self {
        let bits = (hashes * 16).next_power_of_two().ilog2().clamp(*FILTER_BITS.start(), *FILTER_BITS.end());
        Self { bytes: vec![0; 1 << bits].into(), shift: 32 - bits }
    }

    #[inline]
    fn place(&self, gram: u32) -> usize {
        (gram.wrapping_mul(0x9E37_79B1) >> self.shift) as usize
    }

    fn add(&mut self, gram: u32) {
        let place = self.place(gram);
        if let Some(byte) = self.bytes.get_mut(place) {
            *byte = 1;
        }
    }

    /// Whether some string may have these bytes: not 0.
    #[inline]
    fn passes(&self, gram: u32) -> u8 {
        self.bytes.get(self.place(gram)).copied().unwrap_or(1)
    }
}

/// Strings looked for at every second place.
#[derive(Debug)]
struct Sampled {
    filter: Filter,
    /// The bytes of a group.
    mask: u32,
    kept: Table<Kept>,
}

impl Sampled {
    /// Strings longer than `width`, which is 3 or 4: how many bytes form a group.
    fn new(strings: Strings, width: usize, rarity: &Rarity) -> Self {
        let mut crowds: BTreeMap<u32, u32> = BTreeMap::new();
        let mut kept = Vec::new();
        let mut filter = Filter::new(strings.len() * 2);
        let gram = |part: &[u8]| part.iter().rev().fold(0, |gram, byte| gram << 8 | u32::from(*byte));
        for (string, range) in strings {
            let burden = |offset: usize| {
                let part = string.get(offset..offset + width)?;
                let say: f64 = part.iter().map(|byte| bits(*byte)).sum();
                let share = part.try_into().map_or(0.0, |part| rarity.of_gram(part));
                let crowd = f64::from(crowds.get(&gram(part)).copied().unwrap_or(0));
                Some(20.0 * share + crowd / 4.0 - say)
            };
            let pairs =
                (0..string.len() - width).filter_map(|offset| Some((offset, burden(offset)? + burden(offset + 1)?)));
            let Some((best, _)) = pairs.min_by(|a, b| a.1.total_cmp(&b.1)) else { continue };
            for offset in [best, best + 1] {
                let gram = string.get(offset..offset + width).map_or(0, gram);
                *crowds.entry(gram).or_default() += 1;
                filter.add(gram);
                kept.push((u64::from(gram), Kept { string: string.clone(), offset, range }));
            }
        }
        Self { filter, mask: u32::MAX >> (8 * (4 - width)), kept: Table::new(kept) }
    }

    fn find(&self, padded: &[u8], text: &[u8], hit: &mut impl FnMut(Range)) {
        for place in (0..text.len()).step_by(8) {
            let Some(part) = padded.get(place..).and_then(<[u8]>::first_chunk::<PADDING>) else { return };
            // Four places at a time, without a branch for each.
            let passes = self.passes(gram::<0>(part))
                | self.passes(gram::<2>(part))
                | self.passes(gram::<4>(part))
                | self.passes(gram::<6>(part));
            if passes != 0 {
                self.compare(text, place, gram::<0>(part), hit);
                self.compare(text, place + 2, gram::<2>(part), hit);
                self.compare(text, place + 4, gram::<4>(part), hit);
                self.compare(text, place + 6, gram::<6>(part), hit);
            }
        }
    }

    /// Whether some string may have these bytes: not 0.
    #[inline]
    fn passes(&self, gram: u32) -> u8 {
        self.filter.passes(gram & self.mask)
    }

    fn compare(&self, text: &[u8], place: usize, gram: u32, hit: &mut impl FnMut(Range)) {
        if self.passes(gram) != 0 {
            let kept = self.kept.find(u64::from(gram & self.mask));
            kept.filter(|kept| kept.is_at(text, place)).for_each(|kept| hit(kept.range));
        }
    }
}

/// Four bytes of a part of a text.
#[inline]
fn gram<const AT: usize>(part: &[u8; PADDING]) -> u32 {
    u32::from_le_bytes([part[AT], part[AT + 1], part[AT + 2], part[AT + 3]])
}

/// Strings of one to three bytes, looked for at every place.
#[derive(Debug)]
struct Short {
    /// By two bytes: some string starts with them.
    filter: Filter,
    /// By first byte.
    kept: Vec<Vec<Kept>>,
}

/// Two bytes as a group.
#[inline]
fn pair(first: u8, second: u8) -> u32 {
    u32::from(first) | u32::from(second) << 8
}

impl Short {
    fn new(strings: Strings) -> Self {
        let mut short = Self { filter: Filter::new(strings.len()), kept: (0..256).map(|_| Vec::new()).collect() };
        for (string, range) in strings {
            let (first, seconds) = match *string {
                [first] => (first, 0..=255),
                [first, second, ..] => (first, second..=second),
                [] => continue,
            };
            for second in seconds {
                short.filter.add(pair(first, second));
            }
            if let Some(kept) = short.kept.get_mut(usize::from(first)) {
                kept.push(Kept { string, offset: 0, range });
            }
        }
        short
    }

    fn find(&self, padded: &[u8], text: &[u8], hit: &mut impl FnMut(Range)) {
        for place in (0..text.len()).step_by(4) {
            let Some([a, b, c, d, e]) = padded.get(place..).and_then(<[u8]>::first_chunk) else { return };
            let passes = self.passes(*a, *b) | self.passes(*b, *c) | self.passes(*c, *d) | self.passes(*d, *e);
            if passes != 0 {
                self.compare(text, place, *a, hit);
                self.compare(text, place + 1, *b, hit);
                self.compare(text, place + 2, *c, hit);
                self.compare(text, place + 3, *d, hit);
            }
        }
    }

    /// Whether some string may start with these bytes: not 0.
    #[inline]
    fn passes(&self, first: u8, second: u8) -> u8 {
        self.filter.passes(pair(first, second))
    }

    fn compare(&self, text: &[u8], place: usize, first: u8, hit: &mut impl FnMut(Range)) {
        let kept = self.kept.get(usize::from(first)).map(Vec::as_slice).unwrap_or_default();
        kept.iter().filter(|kept| kept.is_at(text, place)).for_each(|kept| hit(kept.range));
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
