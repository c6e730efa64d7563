//! A quick look whether a text has any of some strings that few texts have.

use aho_corasick::packed::Searcher;

use super::{affix::Strings, rarity::bits};

/// More strings than these are in most texts.
const MAX_STRINGS: usize = 32;
/// A byte that says so many bits is in few texts.
const RARE: f64 = 7.0;

/// Finds out that there is none of them, mostly.
#[derive(Debug)]
pub(super) enum Gate {
    /// Each string has one of these bytes.
    One(u8),
    Two(u8, u8),
    Three(u8, u8, u8),
    /// By vector instructions.
    Strings(Box<Searcher>),
    /// It cannot be found out faster than by looking for them.
    Open,
}

impl Gate {
    /// Of strings that are not empty.
    pub(super) fn new(strings: &Strings) -> Self {
        let rarest = |string: &[u8]| string.iter().copied().max_by(|a, b| bits(*a).total_cmp(&bits(*b)));
        let mut rare: Vec<u8> = strings.iter().filter_map(|(string, _)| rarest(string)).collect();
        rare.sort_unstable();
        rare.dedup();
        if rare.iter().all(|byte| bits(*byte) >= RARE) {
            match rare.as_slice() {
                [one] => return Self::One(*one),
                [one, two] => return Self::Two(*one, *two),
                [one, two, three] => return Self::Three(*one, *two, *three),
                _ => {}
            }
        }
        // On processors with the right instructions.
        let searcher = || Searcher::new(strings.iter().map(|(string, _)| string)).map(Box::new);
        (strings.len() <= MAX_STRINGS).then(searcher).flatten().map_or(Self::Open, Self::Strings)
    }

    /// Whether the text has none of them. It may not know.
    pub(super) fn has_none(&self, text: &[u8]) -> bool {
        match self {
            Self::One(one) => memchr::memchr(*one, text).is_none(),
            Self::Two(one, two) => memchr::memchr2(*one, *two, text).is_none(),
            Self::Three(one, two, three) => memchr::memchr3(*one, *two, *three, text).is_none(),
            // It is slow at texts that are shorter than its vectors.
            Self::Strings(searcher) => text.len() >= searcher.minimum_len() && searcher.find(text).is_none(),
            Self::Open => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::detect::matcher::targets::Range;

    fn gate(strings: &[Vec<u8>]) -> Gate {
        Gate::new(&strings.iter().map(|string| (string.as_slice().into(), Range::default())).collect())
    }

    #[test]
    fn rare_bytes_are_looked_for_alone() {
        let of = |strings: &[&[u8]]| gate(&strings.iter().map(|string| string.to_vec()).collect::<Vec<_>>());
        assert!(matches!(of(&[b"-W"]), Gate::One(b'W')));
        assert!(matches!(of(&[b"-W", b"-R", b" R"]), Gate::Two(b'R', b'W')));
        assert!(matches!(of(&[b"-W", b"-R", b"\"{"]), Gate::Three(..)));
        assert!(!matches!(of(&[b"-W", b"-w"]), Gate::Two(..)));
    }

    proptest! {
        #[test]
        fn no_text_with_a_string_is_said_to_have_none(
            strings in proptest::collection::vec(proptest::collection::vec(prop::sample::select(&b"aW-{\"R"[..]), 1..4), 1..40),
            text in proptest::collection::vec(prop::sample::select(&b"aW-{\"R "[..]), 0..80),
        ) {
            let has = strings.iter().any(|string| memchr::memmem::find(&text, string).is_some());
            prop_assert!(!has || !gate(&strings).has_none(&text), "{:?} in {:?}", strings, text);
        }
    }
}
