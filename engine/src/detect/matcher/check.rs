//! Predicates made ready to be asked: those of folded texts look at the text that is folded already.

use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind, packed};
use memchr::memmem::Finder;

use super::{
    affix::{Affixes, End, Whole},
    folded::Folded,
    literal,
    rarity::Rarity,
    targets::Range,
};
use crate::rule::{
    Predicate,
    expr::Quantifier,
    test::{Case, Position, Strings, Test},
};

/// Up to so many strings are looked for one by one.
const FEW: usize = 2;
/// Up to so many bytes of strings have a table of all transitions: some hundred KiB at most.
const MAX_TABLE: usize = 2_048;

/// A predicate.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) predicate: Arc<Predicate>,
    /// How it is judged on the folded text of a single string, and which of the matcher's fields that is.
    search: Option<(usize, Search)>,
}

/// How strings are looked for in a folded text.
#[derive(Debug)]
enum Search {
    /// One by one.
    Few(Box<[Finder<'static>]>),
    /// All at once, by vector instructions.
    Many(Box<packed::Searcher>),
    /// All at once, by a table.
    More(Box<AhoCorasick>),
    /// By a few look-ups, at one end of the text.
    End(Box<Affixes>),
    /// By one look-up of the whole text.
    Whole(Box<Whole>),
    /// As the predicate does it.
    Plain,
}

impl Check {
    /// `slot` is the number of the field among the matcher's.
    pub(super) fn new(predicate: Arc<Predicate>, slot: Option<usize>, rarity: &Rarity) -> Self {
        let search = slot.and_then(|slot| Some((slot, Search::of(&predicate, rarity)?)));
        Self { predicate, search }
    }

    /// The field whose folded text answers it, if it is a single string.
    pub(super) fn slot(&self) -> Option<usize> {
        self.search.as_ref().map(|(slot, _)| *slot)
    }

    /// Whether it holds for a field with this folded text. What it cannot answer does `ask`.
    pub(super) fn holds_folded(&self, folded: &Folded, ask: impl FnOnce() -> bool) -> bool {
        let Some((_, search)) = &self.search else { return ask() };
        match (&self.predicate.test, search) {
            (Test::Text(strings), Search::Plain) => strings.holds_folded(folded.text()) != self.predicate.differs,
            (Test::Pattern(_), search) if search.finds(folded) => ask(),
            (_, search) => search.finds(folded) != self.predicate.differs,
        }
    }
}

/// Whether a look-up finds anything.
fn found_by(look: impl FnOnce(&mut dyn FnMut(Range))) -> bool {
    let mut found = false;
    look(&mut |_| found = true);
    found
}

impl Search {
    /// How the folded text of a single string answers a predicate: all of it, or, of an expression, that
    /// there is nothing to be matched.
    fn of(predicate: &Predicate, rarity: &Rarity) -> Option<Self> {
        // A single string is the first of its field's values, and the only one.
        if matches!(predicate.quantifier, Quantifier::At(1..)) {
            return None;
        }
        match &predicate.test {
            Test::Text(strings) => (strings.case() == Case::Folded).then(|| Self::of_strings(strings)),
            Test::Pattern(pattern) => {
                let strings = literal::required(pattern.text(), Case::Folded, rarity)?;
                Self::anywhere(&strings)
            }
            Test::Bool(_)
            | Test::Exists
            | Test::Field(_)
            | Test::Fraction(..)
            | Test::Indicator(_)
            | Test::Int(..)
            | Test::Ints(_)
            | Test::Moment(_)
            | Test::Networks(_)
            | Test::Null => None,
        }
    }

    fn of_strings(strings: &Strings) -> Self {
        let needles = strings.needles();
        let all = || needles.iter().map(|needle| (needle.clone(), Range::default())).collect();
        match strings.position() {
            Position::Anywhere => Self::anywhere(needles).unwrap_or(Self::Plain),
            // One by one is faster, or an empty string is at every end.
            Position::Start | Position::End | Position::Whole
                if needles.len() <= FEW || needles.iter().any(|it| it.is_empty()) =>
            {
                Self::Plain
            }
            Position::Start => Self::End(Box::new(Affixes::new(End::First, all()))),
            Position::End => Self::End(Box::new(Affixes::new(End::Last, all()))),
            Position::Whole => Self::Whole(Box::new(Whole::new(all()))),
        }
    }

    /// For any of some strings, unless these are too many.
    fn anywhere<S: AsRef<[u8]>>(needles: &[S]) -> Option<Self> {
        if needles.len() <= FEW {
            return Some(Self::Few(needles.iter().map(|needle| Finder::new(needle).into_owned()).collect()));
        }
        // It is built for a few dozen strings, none empty, on processors with the right instructions.
        if let Some(searcher) = packed::Searcher::new(needles) {
            return Some(Self::Many(Box::new(searcher)));
        }
        if needles.iter().map(|needle| needle.as_ref().len()).sum::<usize>() > MAX_TABLE {
            return None;
        }
        let automaton = AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).build(needles);
        automaton.ok().map(|automaton| Self::More(Box::new(automaton)))
    }

    fn finds(&self, folded: &Folded) -> bool {
        let text = folded.text();
        match self {
            Self::Few(finders) => finders.iter().any(|finder| finder.find(text).is_some()),
            Self::Many(searcher) => searcher.find(text).is_some(),
            Self::More(automaton) => automaton.is_match(text),
            Self::End(affixes) => found_by(|hit| affixes.find(folded, hit)),
            Self::Whole(whole) => found_by(|hit| whole.find(folded, hit)),
            // Whoever has it asks the predicate.
            Self::Plain => true,
        }
    }
}
