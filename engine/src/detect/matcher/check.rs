//! Predicates made ready to be asked: those of folded texts look at the text that is folded already.

use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind, packed};
use memchr::memmem::Finder;

use super::{
    affix::{Affixes, End, Whole},
    folded::Folded,
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
    pub(super) fn new(predicate: Arc<Predicate>, slot: Option<usize>) -> Self {
        let search = slot.zip(folded(&predicate)).map(|(slot, strings)| (slot, Search::new(strings)));
        Self { predicate, search }
    }

    /// The field whose folded text answers it, if it is a single string.
    pub(super) fn slot(&self) -> Option<usize> {
        self.search.as_ref().map(|(slot, _)| *slot)
    }

    /// Whether it holds for a field with this folded text.
    pub(super) fn holds_folded(&self, folded_text: &Folded) -> bool {
        let Some(strings) = folded(&self.predicate) else { return false };
        let text = folded_text.text();
        let found = match &self.search {
            Some((_, Search::Few(finders))) => finders.iter().any(|finder| finder.find(text).is_some()),
            Some((_, Search::Many(searcher))) => searcher.find(text).is_some(),
            Some((_, Search::More(automaton))) => automaton.is_match(text),
            Some((_, Search::End(affixes))) => found_by(|hit| affixes.find(folded_text, hit)),
            Some((_, Search::Whole(whole))) => found_by(|hit| whole.find(folded_text, hit)),
            Some((_, Search::Plain)) | None => strings.holds_folded(text),
        };
        found != self.predicate.differs
    }
}

/// Whether a look-up finds anything.
fn found_by(look: impl FnOnce(&mut dyn FnMut(Range))) -> bool {
    let mut found = false;
    look(&mut |_| found = true);
    found
}

/// The strings of a test of the folded text.
fn folded(predicate: &Predicate) -> Option<&Strings> {
    match &predicate.test {
        // A single string is the first of its field's values, and the only one.
        Test::Text(_) if matches!(predicate.quantifier, Quantifier::At(1..)) => None,
        Test::Text(strings) => (strings.case() == Case::Folded).then_some(strings),
        Test::Bool(_)
        | Test::Exists
        | Test::Field(_)
        | Test::Fraction(..)
        | Test::Indicator(_)
        | Test::Int(..)
        | Test::Ints(_)
        | Test::Moment(_)
        | Test::Networks(_)
        | Test::Null
        | Test::Pattern(_) => None,
    }
}

impl Search {
    fn new(strings: &Strings) -> Self {
        let needles = strings.needles();
        let all = || needles.iter().map(|needle| (needle.clone(), Range::default())).collect();
        match strings.position() {
            Position::Anywhere => {}
            // One by one is faster, or an empty string is at every end.
            Position::Start | Position::End | Position::Whole
                if needles.len() <= FEW || needles.iter().any(|it| it.is_empty()) =>
            {
                return Self::Plain;
            }
            Position::Start => return Self::End(Box::new(Affixes::new(End::First, all()))),
            Position::End => return Self::End(Box::new(Affixes::new(End::Last, all()))),
            Position::Whole => return Self::Whole(Box::new(Whole::new(all()))),
        }
        if needles.len() <= FEW {
            return Self::Few(needles.iter().map(|needle| Finder::new(needle).into_owned()).collect());
        }
        // It is built for a few dozen strings, none empty, on processors with the right instructions.
        if let Some(searcher) = packed::Searcher::new(needles) {
            return Self::Many(Box::new(searcher));
        }
        if needles.iter().map(|needle| needle.len()).sum::<usize>() > MAX_TABLE {
            return Self::Plain;
        }
        let automaton = AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).build(needles);
        automaton.map_or(Self::Plain, |automaton| Self::More(Box::new(automaton)))
    }
}
