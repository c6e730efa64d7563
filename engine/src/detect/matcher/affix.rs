//! Strings at the start or at the end of a text, found by as many look-ups as there are lengths.
//!
//! A string is kept by its outermost bytes: sixteen, eight, four, three, two or one, as many as it
//! has. The look-up by these leaves few strings to compare.

use ahash::AHashMap;

use super::targets::Range;
use crate::event::value::Bytes;

/// How many outer bytes keys may have, longest first.
const WIDTHS: [usize; 6] = [16, 8, 4, 3, 2, 1];

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
}

/// Strings at one end, with what they are for.
#[derive(Debug)]
pub(super) struct Affixes {
    end: End,
    /// Of each width that is used: the strings by their outermost bytes.
    by_width: Vec<(usize, AHashMap<Box<[u8]>, Vec<(Bytes, Range)>>)>,
}

impl Affixes {
    /// Of strings that are not empty.
    pub(super) fn new(end: End, strings: impl IntoIterator<Item = (Bytes, Range)>) -> Self {
        let mut affixes = Self { end, by_width: Vec::new() };
        for (string, range) in strings {
            let Some(width) = WIDTHS.iter().copied().find(|width| *width <= string.len()) else { continue };
            let Some(key) = end.cut(&string, width).map(Box::from) else { continue };
            let place = affixes.by_width.iter().position(|(other, _)| *other == width);
            let place = place.unwrap_or_else(|| {
                affixes.by_width.push((width, AHashMap::new()));
                affixes.by_width.len() - 1
            });
            if let Some((_, strings)) = affixes.by_width.get_mut(place) {
                strings.entry(key).or_default().push((string, range));
            }
        }
        affixes
    }

    /// Gives what the strings that a text starts or ends with are for.
    pub(super) fn find(&self, text: &[u8], mut hit: impl FnMut(Range)) {
        for (width, strings) in &self.by_width {
            let Some(found) = self.end.cut(text, *width).and_then(|key| strings.get(key)) else { continue };
            for (string, range) in found {
                if self.end.cut(text, string.len()).is_some_and(|part| part == &**string) {
                    hit(*range);
                }
            }
        }
    }
}

/// Strings that are the last component of a path, the separator included: `/bash`, `\cmd.exe`.
///
/// One look-up by the component finds them, however many there are.
#[derive(Debug)]
pub(super) struct BaseNames {
    /// By separator.
    by_separator: Vec<(u8, AHashMap<Bytes, Range>)>,
}

impl BaseNames {
    /// The separators it knows.
    const SEPARATORS: [u8; 2] = [b'/', b'\\'];

    /// Whether a suffix is such a string.
    pub(super) fn takes(suffix: &[u8]) -> bool {
        suffix.split_first().is_some_and(|(first, rest)| Self::SEPARATORS.contains(first) && !rest.contains(first))
    }

    /// Of strings that [`Self::takes`] takes.
    pub(super) fn new(strings: Vec<(Bytes, Range)>) -> Self {
        let of = |separator: u8| {
            let strings = strings.iter().filter(|(string, _)| string.first() == Some(&separator));
            let strings: AHashMap<_, _> = strings.cloned().collect();
            (!strings.is_empty()).then_some((separator, strings))
        };
        Self { by_separator: Self::SEPARATORS.into_iter().filter_map(of).collect() }
    }

    /// Gives what the last component of a text is for.
    pub(super) fn find(&self, text: &[u8], mut hit: impl FnMut(Range)) {
        for (separator, strings) in &self.by_separator {
            let Some(place) = memchr::memrchr(*separator, text) else { continue };
            if let Some(range) = text.get(place..).and_then(|name| strings.get(name)) {
                hit(*range);
            }
        }
    }
}
