//! Strings that are looked for in the texts of one field, by their place in it.

use super::{
    affix::{Affixes, BaseNames, End, Strings, Whole},
    folded::Folded,
    rarity::Rarity,
    scan::{self, Few, Gated, Scanner},
    targets::Range,
};
use crate::{event::value::Bytes, rule::test::Position};

/// The strings of a field.
#[derive(Debug)]
pub(super) struct Texts {
    whole: Whole,
    /// There are no others than whole ones.
    whole_only: bool,
    base_names: Option<BaseNames>,
    starts: Option<Affixes>,
    ends: Option<Affixes>,
    anywhere: Option<Scanner>,
    /// Strings that are looked for in the text as it is.
    exact: Option<Gated<Few>>,
}

impl Texts {
    pub(super) fn new(strings: Vec<(Position, Bytes, Range)>, exact: Strings, rarity: &Rarity) -> Self {
        let (mut whole, mut base_names) = (Strings::new(), Strings::new());
        let (mut starts, mut ends, mut anywhere) = (Strings::new(), Strings::new(), Strings::new());
        for (position, string, range) in strings {
            let strings = match position {
                Position::Anywhere => &mut anywhere,
                Position::End if BaseNames::takes(&string) => &mut base_names,
                Position::End => &mut ends,
                Position::Start => &mut starts,
                Position::Whole => &mut whole,
            };
            strings.push((string, range));
        }
        let filled = |strings: Strings| (!strings.is_empty()).then_some(strings);
        let (base_names, starts, ends, anywhere) = (filled(base_names), filled(starts), filled(ends), filled(anywhere));
        Self {
            whole: Whole::new(whole),
            whole_only: exact.is_empty()
                && base_names.is_none()
                && starts.is_none()
                && ends.is_none()
                && anywhere.is_none(),
            base_names: base_names.as_ref().map(BaseNames::new),
            starts: starts.map(|strings| Affixes::new(End::First, strings)),
            ends: ends.map(|strings| Affixes::new(End::Last, strings)),
            anywhere: anywhere.map(|strings| Scanner::new(strings, rarity)),
            exact: Gated::new(exact, scan::few),
        }
    }

    /// Gives what the strings that a text has are for. Says whether `folded` holds the text afterwards.
    #[inline]
    pub(super) fn find(&self, text: &[u8], folded: &mut Folded, hit: &mut impl FnMut(Range)) -> bool {
        // Outside ASCII the folded text may have another length.
        if self.whole_only && !self.whole.has_length(text.len()) && text.is_ascii() {
            return false;
        }
        folded.fill(text);
        self.mark(folded, hit);
        if let Some(exact) = &self.exact {
            exact.find(text, hit);
        }
        true
    }

    fn mark(&self, text: &Folded, hit: &mut impl FnMut(Range)) {
        self.whole.find(text, &mut *hit);
        if let Some(base_names) = &self.base_names {
            base_names.find(text, &mut *hit);
        }
        if let Some(starts) = &self.starts {
            starts.find(text, &mut *hit);
        }
        if let Some(ends) = &self.ends {
            ends.find(text, &mut *hit);
        }
        if let Some(anywhere) = &self.anywhere {
            anywhere.find(text, &mut *hit);
        }
    }
}
