//! Strings at one place of a text: all of it, its start, its end, the last component of a path.
//!
//! As many look-ups as there are widths of keys, however many strings there are.

use super::{
    bits,
    folded::Folded,
    table::{Table, bytes_as_number},
    targets::Range,
};
use crate::event::value::Bytes;

/// How many outer bytes keys may have, longest first.
const WIDTHS: [usize; 5] = [8, 4, 3, 2, 1];

/// Strings with what they are for.
pub(super) type Strings = Vec<(Bytes, Range)>;

/// Which end of the text.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    First,
    Last,
}

impl End {
    fn cut(self, text: &[u8], width: usize) -> Option<&[u8]> {
        match self {
            Self::First => text.get(..width),
            Self::Last => text.get(text.len().checked_sub(width)?..),
        }
    }

    /// The hint of a text.
    #[inline]
    fn hint(self, text: &Folded) -> usize {
        let [outer, inner, ..] = match self {
            Self::First => text.first().to_le_bytes(),
            Self::Last => text.last().to_be_bytes(),
        };
        hint(outer, inner)
    }

    /// The hints of the texts that have a string at that end.
    fn hints(self, string: &[u8]) -> impl Iterator<Item = usize> {
        let outermost = match (self, string) {
            (Self::First, [outer, inner, ..]) | (Self::Last, [.., inner, outer]) => Some((*outer, *inner..=*inner)),
            // A string of one byte has any neighbour.
            (Self::First | Self::Last, [only]) => Some((*only, 0..=u8::MAX)),
            (Self::First | Self::Last, []) => None,
        };
        outermost.into_iter().flat_map(|(outer, inner)| inner.map(move |inner| hint(outer, inner)))
    }
}

/// Strings at one end. Each is kept by as many of its outermost bytes as the widest key it fills;
/// the look-up by these leaves few strings to compare.
#[derive(Debug)]
pub(super) struct Affixes {
    end: End,
    by_width: Vec<(usize, Table<(Bytes, Range)>)>,
    /// By the two outermost bytes: which of the widths some string with these has, one bit each.
    hints: Box<[u8; HINTS]>,
}

/// Different hints.
const HINTS: usize = 1 << 10;

/// The place of the hint for the two outermost bytes.
#[inline]
fn hint(outer: u8, inner: u8) -> usize {
    (usize::from(outer) << 3 ^ usize::from(inner)) & (HINTS - 1)
}

impl Affixes {
    /// Of strings that are not empty.
    pub(super) fn new(end: End, strings: Strings) -> Self {
        let mut by_width: Vec<(usize, Vec<_>)> = WIDTHS.iter().map(|width| (*width, Vec::new())).collect();
        for (string, range) in strings {
            let place = by_width.iter_mut().find(|(width, _)| *width <= string.len());
            if let Some((width, strings)) = place
                && let Some(key) = end.cut(&string, *width).map(bytes_as_number)
            {
                strings.push((key, (string, range)));
            }
        }
        by_width.retain(|(_, strings)| !strings.is_empty());
        let mut hints = Box::new([0; HINTS]);
        for (place, (_, strings)) in by_width.iter().enumerate() {
            for hint in strings.iter().flat_map(|(_, (string, _))| end.hints(string)) {
                hints[hint] |= 1 << place;
            }
        }
        Self { end, by_width: by_width.into_iter().map(|(width, it)| (width, Table::new(it))).collect(), hints }
    }

    /// Gives what the strings that a text starts or ends with are for.
    #[inline]
    pub(super) fn find(&self, text: &Folded, hit: impl FnMut(Range)) {
        // Zero bytes stand for what a short text does not have: more is looked up then, and compared.
        let widths = self.hints[self.end.hint(text)];
        if widths != 0 {
            self.look_up(widths, text, hit);
        }
    }

    /// Out of line, since most texts need none of it.
    #[inline(never)]
    fn look_up(&self, widths: u8, text: &Folded, mut hit: impl FnMut(Range)) {
        let word = match self.end {
            End::First => text.first(),
            End::Last => text.last(),
        };
        for place in bits(widths.into()) {
            let Some((width, strings)) = self.by_width.get(place) else { return };
            let others = 64 - 8 * width;
            let key = match self.end {
                End::First => word << others >> others,
                End::Last => word >> others,
            };
            for (string, range) in strings.find(key) {
                if self.end.cut(text.text(), string.len()).is_some_and(|part| part == &**string) {
                    hit(*range);
                }
            }
        }
    }
}

/// Strings that are a whole text.
#[derive(Debug)]
pub(super) struct Whole {
    strings: Table<(Bytes, Range)>,
    /// Bit by length; the last stands for all that are longer.
    lengths: u64,
}

impl Whole {
    pub(super) fn new(strings: Strings) -> Self {
        let lengths = strings.iter().fold(0, |lengths, (string, _)| lengths | length_bit(string.len()));
        let strings = strings.into_iter().map(|(string, range)| {
            let last = string.last_chunk().map_or(0, |eight| u64::from_le_bytes(*eight));
            (key(bytes_as_number(&string), last, string.len()), (string, range))
        });
        Self { strings: Table::new(strings.collect()), lengths }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lengths == 0
    }

    /// Whether some string has that length, or may have.
    #[inline]
    pub(super) fn has_length(&self, length: usize) -> bool {
        self.lengths & length_bit(length) != 0
    }

    /// Gives what a text is for.
    #[inline]
    pub(super) fn find(&self, text: &Folded, hit: impl FnMut(Range)) {
        self.find_part(text, text.first(), text.len(), hit);
    }

    /// Gives what the last part of a text is for: of some length, with these first eight bytes.
    #[inline]
    fn find_part(&self, text: &Folded, first: u64, length: usize, mut hit: impl FnMut(Range)) {
        if !self.has_length(length) {
            return;
        }
        let last = if length < 8 { 0 } else { text.last() };
        for (string, range) in self.strings.find(key(first, last, length)) {
            if text.text().ends_with(string) && string.len() == length {
                hit(*range);
            }
        }
    }

    /// Length of the longest string; of very long ones, any.
    fn longest(&self) -> usize {
        match self.lengths.leading_zeros() {
            0 => usize::MAX,
            zeros => 63_usize.saturating_sub(zeros as usize),
        }
    }
}

/// The key of a string: its first and last eight bytes, the latter zero if it has fewer, and its length.
#[inline]
fn key(first: u64, last: u64, length: usize) -> u64 {
    first ^ last.rotate_left(23) ^ (length as u64) << 52
}

fn length_bit(length: usize) -> u64 {
    1 << length.min(63)
}

/// Strings that are the last component of a path, the separator included: `/bash`, `\cmd.exe`.
///
/// One look-up by the component finds them, however many there are.
#[derive(Debug)]
pub(super) struct BaseNames {
    by_separator: Vec<(u8, Whole)>,
    /// By the last two bytes: whether some string has these.
    hints: Box<[bool; HINTS]>,
}

impl BaseNames {
    /// The separators it knows.
    const SEPARATORS: [u8; 2] = [b'/', b'\\'];

    /// Whether a suffix is such a string.
    pub(super) fn takes(suffix: &[u8]) -> bool {
        suffix.split_first().is_some_and(|(first, rest)| Self::SEPARATORS.contains(first) && !rest.contains(first))
    }

    /// Of strings that [`Self::takes`] takes.
    pub(super) fn new(strings: &Strings) -> Self {
        let of = |separator: u8| {
            let strings = strings.iter().filter(|(string, _)| string.first() == Some(&separator));
            (separator, Whole::new(strings.cloned().collect()))
        };
        let by_separator = Self::SEPARATORS.into_iter().map(of).filter(|(_, strings)| !strings.is_empty());
        let mut hints = Box::new([false; HINTS]);
        strings.iter().flat_map(|(string, _)| End::Last.hints(string)).for_each(|hint| hints[hint] = true);
        Self { by_separator: by_separator.collect(), hints }
    }

    /// Gives what the last component of a text is for.
    #[inline]
    pub(super) fn find(&self, text: &Folded, hit: impl FnMut(Range)) {
        if self.hints[End::Last.hint(text)] {
            self.look_up(text, hit);
        }
    }

    #[inline(never)]
    fn look_up(&self, text: &Folded, mut hit: impl FnMut(Range)) {
        for (separator, strings) in &self.by_separator {
            if let Some((first, length)) = text.last_part(*separator, strings.longest()) {
                strings.find_part(text, first, length, &mut hit);
            }
        }
    }
}
