//! Strings anywhere in a text: one pass over it, whatever their number.
//!
//! Strings of five bytes and more are kept by four of their bytes, at two neighbouring offsets, so
//! that every second place of the text has to be looked at only: one of the two is there. A bitmap
//! says whether some string has the four bytes at hand; few places pass, and there the strings
//! themselves are compared. Strings of four bytes are kept by three of them in the same way, shorter
//! ones by their first two bytes at every place; those outside ASCII cost nothing in a text that is ASCII.

use std::collections::BTreeMap;

use super::{
    affix::Strings,
    rarity::{Rarity, bits},
    table::Table,
    targets::Range,
};
use crate::event::value::Bytes;

/// Zero bytes that must follow a text, so that its last places are read like the first.
pub(super) const PADDING: usize = 16;

/// A set of strings, none empty.
#[derive(Debug)]
pub(super) struct Scanner {
    long: Option<Sampled>,
    four: Option<Sampled>,
    short: Option<Short>,
    /// Short strings with bytes that no ASCII text has.
    foreign: Option<Short>,
}

impl Scanner {
    pub(super) fn new(strings: Strings, rarity: &Rarity) -> Self {
        let (long, rest): (Vec<_>, Vec<_>) = strings.into_iter().partition(|(string, _)| string.len() > 4);
        let (four, rest): (Vec<_>, Vec<_>) = rest.into_iter().partition(|(string, _)| string.len() == 4);
        let (short, foreign): (Vec<_>, Vec<_>) = rest.into_iter().partition(|(string, _)| string.is_ascii());
        Self {
            long: (!long.is_empty()).then(|| Sampled::new(long, 4, rarity)),
            four: (!four.is_empty()).then(|| Sampled::new(four, 3, rarity)),
            short: (!short.is_empty()).then(|| Short::new(short)),
            foreign: (!foreign.is_empty()).then(|| Short::new(foreign)),
        }
    }

    /// Gives what the strings in a text are for. `padded` is the text and [`PADDING`].
    pub(super) fn find(&self, padded: &[u8], mut hit: impl FnMut(Range)) {
        if let Some(long) = &self.long {
            long.find(padded, &mut hit);
        }
        if let Some(four) = &self.four {
            four.find(padded, &mut hit);
        }
        if let Some(short) = &self.short {
            short.find(padded, &mut hit);
        }
        if let Some(foreign) = &self.foreign
            && !padded.is_ascii()
        {
            foreign.find(padded, &mut hit);
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

/// The words of a bitmap: 65,536 bits, which stay in the first cache.
type Bitmap = Box<[u64; 1024]>;

/// Strings looked for at every second place.
#[derive(Debug)]
struct Sampled {
    /// Two bits per group of bytes, in one word.
    bitmap: Bitmap,
    /// The bytes of a group.
    mask: u32,
    kept: Table<Kept>,
}

/// Where the two bits of a group of bytes are.
#[inline]
fn hash(gram: u32) -> (usize, u32, u32) {
    let hash = gram.wrapping_mul(0x9E37_79B1);
    ((hash >> 22) as usize, hash >> 16 & 63, hash >> 10 & 63)
}

impl Sampled {
    /// Strings longer than `width`, which is 3 or 4: how many bytes form a group.
    fn new(strings: Strings, width: usize, rarity: &Rarity) -> Self {
        let mut crowds: BTreeMap<u32, u32> = BTreeMap::new();
        let mut kept = Vec::new();
        let mut bitmap = Box::new([0; 1024]);
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
                let (word, a, b) = hash(gram);
                if let Some(word) = bitmap.get_mut(word) {
                    *word |= 1 << a | 1 << b;
                }
                kept.push((u64::from(gram), Kept { string: string.clone(), offset, range }));
            }
        }
        Self { bitmap, mask: u32::MAX >> (8 * (4 - width)), kept: Table::new(kept) }
    }

    fn find(&self, padded: &[u8], hit: &mut impl FnMut(Range)) {
        let text = padded.get(..padded.len().saturating_sub(PADDING)).unwrap_or_default();
        let mut place = 0;
        while let Some(part) = padded.get(place..).and_then(<[u8]>::first_chunk::<PADDING>)
            && place < text.len()
        {
            let [a, b, c, d, e, f, g, h, i, j, ..] = *part;
            let grams = [[a, b, c, d], [c, d, e, f], [e, f, g, h], [g, h, i, j]];
            let grams = grams.map(|gram| u32::from_le_bytes(gram) & self.mask);
            let [first, second, third, fourth] = grams.map(|gram| self.passes(gram));
            if first | second | third | fourth != 0 {
                let passes = [first, second, third, fourth];
                for (index, (gram, _)) in grams.iter().zip(passes).enumerate().filter(|(_, (_, passes))| *passes != 0) {
                    let kept = self.kept.find(u64::from(*gram));
                    kept.filter(|kept| kept.is_at(text, place + 2 * index)).for_each(|kept| hit(kept.range));
                }
            }
            place += 8;
        }
    }

    #[inline]
    fn passes(&self, gram: u32) -> u64 {
        let (word, a, b) = hash(gram);
        // The hash has ten bits for the word: the look-up cannot fail, and costs no comparison.
        let word = self.bitmap.get(word & 1023).copied().unwrap_or(0);
        word >> a & word >> b & 1
    }
}

/// Strings of one to three bytes, looked for at every place.
#[derive(Debug)]
struct Short {
    /// A bit per two bytes: a string starts with them.
    bitmap: Bitmap,
    /// By first byte.
    kept: Vec<Vec<Kept>>,
}

impl Short {
    fn new(strings: Strings) -> Self {
        let mut short = Self { bitmap: Box::new([0; 1024]), kept: (0..256).map(|_| Vec::new()).collect() };
        for (string, range) in strings {
            let (first, seconds) = match *string {
                [first] => (first, 0..=255),
                [first, second, ..] => (first, second..=second),
                [] => continue,
            };
            for second in seconds {
                let pair = usize::from(u16::from_le_bytes([first, second]));
                if let Some(word) = short.bitmap.get_mut(pair >> 6) {
                    *word |= 1 << (pair & 63);
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
        let mut place = 0;
        while let Some([a, b, c, d, e, ..]) = padded.get(place..).and_then(<[u8]>::first_chunk::<PADDING>).copied()
            && place < text.len()
        {
            let passes = [[a, b], [b, c], [c, d], [d, e]].map(|pair| self.passes(pair));
            if passes.iter().fold(0, |any, passes| any | passes) != 0 {
                for (index, first) in [a, b, c, d].into_iter().enumerate() {
                    let kept = self.kept.get(usize::from(first)).map(Vec::as_slice).unwrap_or_default();
                    kept.iter().filter(|kept| kept.is_at(text, place + index)).for_each(|kept| hit(kept.range));
                }
            }
            place += 4;
        }
    }

    #[inline]
    fn passes(&self, pair: [u8; 2]) -> u64 {
        let pair = usize::from(u16::from_le_bytes(pair));
        self.bitmap.get(pair >> 6).map_or(0, |word| word >> (pair & 63) & 1)
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
