//! Strings anywhere in a text: one pass over it, whatever their number.
//!
//! Strings of four bytes and more are kept by four of their bytes, at one, two, four or eight neighbouring
//! offsets: as many as the shortest of them has. Only every second, fourth or eighth place of the text has
//! to be looked at then, since one of the offsets is there. A filter says whether some string has the four bytes at
//! hand; few places pass, and there the strings themselves are compared. Shorter ones are kept by their
//! first two bytes, looked for at every place.
//!
//! Strings of four bytes and less would cost most, and few texts have one of a few of them: a search by
//! vector instructions goes before them, or takes their place. Those outside ASCII cost nothing in a
//! text that is ASCII.

use ahash::AHashMap;
use memchr::memmem::Finder;

use super::{
    affix::Strings,
    filter::{Filter, Hashes},
    folded::{BLOCK, Folded, gram, pair},
    gate::Gate,
    rarity::{Rarity, bits},
    table::Table,
    targets::Range,
};
use crate::event::value::Bytes;

/// A set of strings, none empty.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    ascii: Group,
    /// Strings with bytes that no ASCII text has.
    foreign: Group,
}

impl Scanner {
    pub(super) fn new(strings: Strings, rarity: &Rarity) -> Self {
        let (ascii, foreign) = strings.into_iter().partition(|(string, _)| string.is_ascii());
        Self { ascii: Group::new(ascii, rarity), foreign: Group::new(foreign, rarity) }
    }

    /// Gives what the strings in a text are for.
    pub(super) fn find(&self, text: &Folded, mut hit: impl FnMut(Range)) {
        self.ascii.find(text, &mut hit);
        if !text.is_ascii() {
            self.foreign.find(text, &mut hit);
        }
    }
}

/// Strings by their length.
#[derive(Debug, Default)]
struct Group {
    /// Five bytes and more.
    long: Option<Sampled>,
    /// Four bytes.
    four: Option<Gated<Sampled>>,
    /// Two or three bytes.
    short: Option<Gated<Short>>,
    /// Others of two to four bytes, of which there are few: one by one.
    few: Option<Gated<Few>>,
    single: Vec<(u8, Range)>,
}

impl Group {
    fn new(strings: Strings, rarity: &Rarity) -> Self {
        let mut group = Self::default();
        let (long, rest): (Strings, Strings) = strings.into_iter().partition(|(string, _)| string.len() > 4);
        let (four, rest): (Strings, Strings) = rest.into_iter().partition(|(string, _)| string.len() == 4);
        let (short, single): (Strings, Strings) = rest.into_iter().partition(|(string, _)| string.len() > 1);
        let mut few = Strings::new();
        let mut unless_few = |strings: Strings| {
            if strings.len() > FEW {
                return strings;
            }
            few.extend(strings);
            Strings::new()
        };
        let (four, short) = (unless_few(four), unless_few(short));
        group.single = single.iter().filter_map(|(byte, range)| Some((*byte.first()?, *range))).collect();
        group.long = (!long.is_empty()).then(|| Sampled::new(long, rarity));
        group.four = Gated::new(four, |strings| Sampled::new(strings, rarity));
        group.short = Gated::new(short, Short::new);
        group.few = Gated::new(few, self::few);
        group
    }

    fn find(&self, text: &Folded, hit: &mut impl FnMut(Range)) {
        if let Some(long) = &self.long {
            long.find(text, hit);
        }
        for (byte, range) in &self.single {
            if memchr::memchr(*byte, text.text()).is_some() {
                hit(*range);
            }
        }
        if let Some(few) = &self.few {
            few.find(text.text(), hit);
        }
        if let Some(four) = self.four.as_ref().and_then(|four| four.unless_none(text.text())) {
            four.find(text, hit);
        }
        if let Some(short) = self.short.as_ref().and_then(|short| short.unless_none(text.text())) {
            short.find(text, hit);
        }
    }
}

/// Strings that are looked for one by one.
pub(super) type Few = Vec<(Finder<'static>, Range)>;

/// Strings ready to be looked for one by one.
pub(super) fn few(strings: Strings) -> Few {
    strings.into_iter().map(|(string, range)| (Finder::new(&string).into_owned(), range)).collect()
}

/// Strings that few texts have, behind a quick look whether there is any.
#[derive(Debug)]
pub(super) struct Gated<S> {
    gate: Gate,
    strings: S,
}

/// Up to so many strings of a length are looked for one by one.
const FEW: usize = 2;

impl<S> Gated<S> {
    pub(super) fn new(strings: Strings, make: impl FnOnce(Strings) -> S) -> Option<Self> {
        let gate = Gate::new(&strings);
        (!strings.is_empty()).then(|| Self { gate, strings: make(strings) })
    }

    /// The strings, unless the text has none of them.
    fn unless_none(&self, text: &[u8]) -> Option<&S> {
        (!self.gate.has_none(text)).then_some(&self.strings)
    }
}

impl Gated<Few> {
    /// Gives what those in a text are for.
    pub(super) fn find(&self, text: &[u8], hit: &mut impl FnMut(Range)) {
        for (finder, range) in self.unless_none(text).into_iter().flatten() {
            if finder.find(text).is_some() {
                hit(*range);
            }
        }
    }
}

/// A string and which of its bytes it is kept by.
#[derive(Clone, Copy, Debug)]
struct Kept {
    /// Where it is in [`Sampled::strings`].
    start: usize,
    length: u32,
    offset: u32,
    range: Range,
}

/// What it costs to keep a string by bytes that every event has, in bits.
const SEEN: f64 = 200.0;

/// Bytes that form a group.
const GROUP: usize = 4;
/// The largest step from one place to the next.
const MAX_STRIDE: usize = 8;

/// Strings of four bytes and more.
#[derive(Debug)]
struct Sampled {
    filter: Filter,
    /// From one place of a text that is looked at to the next: 1, 2, 4 or 8.
    stride: usize,
    kept: Table<Kept>,
    /// One after the other.
    strings: Vec<u8>,
}

impl Sampled {
    fn new(strings: Strings, rarity: &Rarity) -> Self {
        let shortest = strings.iter().map(|(string, _)| string.len()).min().unwrap_or(GROUP);
        let room = (shortest + 1).saturating_sub(GROUP).clamp(1, MAX_STRIDE);
        let stride = 1 << room.ilog2();
        // What many of these strings have, many texts have.
        let mut common: AHashMap<[u8; GROUP], u32> = AHashMap::new();
        for (string, _) in &strings {
            string.windows(GROUP).for_each(|part| *common.entry(group(part, 0)).or_default() += 1);
        }
        let mut crowds: AHashMap<[u8; GROUP], u32> = AHashMap::new();
        let mut kept = Vec::new();
        let mut all = Vec::new();
        let mut filter = Filter::new(strings.len() * stride);
        for (string, range) in strings {
            let start = all.len();
            all.extend_from_slice(&string);
            let burden = |offset: usize| {
                let part = group(&string, offset);
                let say: f64 = part.iter().map(|byte| bits(*byte)).sum();
                let of = |counts: &AHashMap<_, u32>| f64::from(counts.get(&part).copied().unwrap_or(0));
                // Bits, all of them; a crowd costs besides, since each of it is compared.
                3.0 * (1.0 + of(&common)).log2()
                    + 20.0 * rarity.of_gram(part)
                    + of(&crowds) / 4.0
                    + rarity
                        .observed(part)
                        .map_or(if rarity.is_common(part) { 10.0 } else { 0.0 }, |share| SEEN * share)
                    - say
            };
            let burdens: Vec<f64> = (0..=string.len().saturating_sub(GROUP)).map(burden).collect();
            let sums = burdens.windows(stride).map(|some| some.iter().sum::<f64>());
            let Some((first, _)) = sums.enumerate().min_by(|a, b| a.1.total_cmp(&b.1)) else { continue };
            for offset in first..first + stride {
                let part = group(&string, offset);
                *crowds.entry(part).or_default() += 1;
                let gram = u32::from_le_bytes(part);
                filter.add(gram);
                // A rule's strings are of a few bytes.
                let short = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
                let kept_by = Kept { start, length: short(string.len()), offset: short(offset), range };
                kept.push((u64::from(gram), kept_by));
            }
        }
        Self { filter, stride, kept: Table::new(kept), strings: all }
    }

    fn find(&self, text: &Folded, hit: &mut impl FnMut(Range)) {
        match &self.filter {
            Filter::Tiny(filter) => self.find_by(filter, text, hit),
            Filter::Small(filter) => self.find_by(filter, text, hit),
            Filter::Medium(filter) => self.find_by(filter, text, hit),
            Filter::Large(filter) => self.find_by(filter, text, hit),
        }
    }

    #[inline]
    fn find_by<const N: usize>(&self, filter: &Hashes<N>, text: &Folded, hit: &mut impl FnMut(Range)) {
        match self.stride {
            8 => self.walk::<N, 8>(filter, text, hit),
            4 => self.walk::<N, 4>(filter, text, hit),
            2 => self.walk::<N, 2>(filter, text, hit),
            _ => self.walk::<N, 1>(filter, text, hit),
        }
    }

    /// Looks at every place that is a multiple of `STRIDE`; eight bytes at a time, without a branch for each place.
    fn walk<const N: usize, const STRIDE: usize>(
        &self,
        filter: &Hashes<N>,
        text: &Folded,
        hit: &mut impl FnMut(Range),
    ) {
        for (number, block) in text.blocks().enumerate() {
            let passes = |at: usize| filter.passes(gram(block, at));
            // Spelled out, so that it is no loop.
            let mut any = passes(0);
            if STRIDE <= 4 {
                any |= passes(4);
            }
            if STRIDE <= 2 {
                any |= passes(2) | passes(6);
            }
            if STRIDE <= 1 {
                any |= passes(1) | passes(3) | passes(5) | passes(7);
            }
            if any != 0 {
                self.compare_some::<N, STRIDE>(filter, text.text(), number * 8, block, hit);
            }
        }
    }

    /// Out of line, so that the loop around it is small.
    #[inline(never)]
    fn compare_some<const N: usize, const STRIDE: usize>(
        &self,
        filter: &Hashes<N>,
        text: &[u8],
        place: usize,
        block: &[u8; BLOCK],
        hit: &mut impl FnMut(Range),
    ) {
        for at in (0..8).step_by(STRIDE) {
            let gram = gram(block, at);
            if filter.confirms(gram) {
                self.compare(text, place + at, gram, hit);
            }
        }
    }

    fn compare(&self, text: &[u8], place: usize, gram: u32, hit: &mut impl FnMut(Range)) {
        for kept in self.kept.find(u64::from(gram)) {
            let length = kept.length as usize;
            let part = place.checked_sub(kept.offset as usize).and_then(|start| text.get(start..start + length));
            if part.is_some_and(|part| self.strings.get(kept.start..kept.start + length) == Some(part)) {
                hit(kept.range);
            }
        }
    }
}

/// A group of bytes of a string.
fn group(string: &[u8], offset: usize) -> [u8; GROUP] {
    string.get(offset..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default()
}

/// Strings of two and three bytes, looked for at every place.
#[derive(Debug)]
struct Short {
    /// By two bytes: some string starts with them.
    filter: Hashes<4_096>,
    kept: Table<(Bytes, Range)>,
}

impl Short {
    fn new(strings: Strings) -> Self {
        let mut filter = Hashes::new();
        let mut kept = Vec::new();
        for (string, range) in strings {
            if let Some([first, second]) = string.first_chunk() {
                let pair = u32::from(u16::from_le_bytes([*first, *second]));
                filter.add(pair);
                kept.push((u64::from(pair), (string, range)));
            }
        }
        Self { filter, kept: Table::new(kept) }
    }

    fn find(&self, text: &Folded, hit: &mut impl FnMut(Range)) {
        for (number, block) in text.blocks().enumerate() {
            let passes = |at: usize| self.filter.passes(pair(block, at));
            let first = passes(0) | passes(1) | passes(2) | passes(3);
            if first | passes(4) | passes(5) | passes(6) | passes(7) != 0 {
                (0..8).for_each(|at| self.compare(text.text(), number * 8 + at, pair(block, at), hit));
            }
        }
    }

    fn compare(&self, text: &[u8], place: usize, pair: u32, hit: &mut impl FnMut(Range)) {
        for (string, range) in self.kept.find(u64::from(pair)) {
            if text.get(place..).is_some_and(|rest| rest.starts_with(string)) {
                hit(*range);
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
        let mut folded = Folded::default();
        folded.fill(text);
        scanner.find(&folded, |range| found.extend_from_slice(targets.of(range)));
        found.sort_unstable();
        found.dedup();
        let is_in = |string: &[u8]| text.windows(string.len()).any(|part| part == string);
        let expected: Vec<_> =
            numbered.iter().filter(|(_, string)| is_in(string)).map(|(number, _)| Target::new(*number, 0)).collect();
        assert_eq!(found, expected, "{strings:?} in {text:?}");
    }

    /// Strings of some lengths, over few letters, one of which is outside ASCII.
    fn strings() -> impl Strategy<Value = Vec<Vec<u8>>> {
        // What is shortest decides how large the steps are.
        let lengths = prop::sample::select(vec![(1, 8), (2, 5), (4, 9), (5, 9), (7, 14), (11, 30)]);
        let letters = prop::sample::select(vec![&b"ab"[..], b"abc\xff", b"\0a"]);
        let set = |((least, most), letters): ((usize, usize), &'static [u8])| {
            let string = proptest::collection::vec(prop::sample::select(letters), least..most);
            proptest::collection::hash_set(string, 1..50)
        };
        (lengths, letters).prop_flat_map(set).prop_map(|set| set.into_iter().collect())
    }

    proptest! {
        #[test]
        fn every_string_is_found_wherever_it_is_and_no_other(
            strings in strings(),
            // Parts of the strings and what is between them.
            parts in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..3, "[a-c]{0,9}"), 0..9),
        ) {
            let part = |(index, cut, filler): &(prop::sample::Index, usize, String)| {
                let string = index.get(&strings);
                [&string[..string.len().saturating_sub(*cut)], filler.as_bytes()].concat()
            };
            let text = parts.iter().flat_map(part).collect::<Vec<u8>>();
            check(&strings, &text);
        }
    }

    #[test]
    fn sets_of_any_size_find_what_is_there() {
        for size in [3, 50, 500, 3_000, 12_000] {
            let strings: Vec<_> = (0..size).map(|number| format!("string {number:x}!").into_bytes()).collect();
            for number in [0, 1, size / 2, size - 1, size] {
                check(&strings, format!("a text with the string {number:x}! in it").as_bytes());
            }
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
