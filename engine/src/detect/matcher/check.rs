//! Predicates made ready to be asked: those of folded texts look at the text that is folded already.

use std::sync::Arc;

use aho_corasick::packed;
use memchr::memmem::Finder;

use crate::rule::{
    Predicate,
    test::{Case, Position, Strings, Test},
};

/// Up to so many strings are looked for one by one.
const FEW: usize = 2;

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
    /// All at once.
    Many(Box<packed::Searcher>),
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
    pub(super) fn holds_folded(&self, text: &[u8]) -> bool {
        let Some(strings) = folded(&self.predicate) else { return false };
        let found = match &self.search {
            Some((_, Search::Few(finders))) => finders.iter().any(|finder| finder.find(text).is_some()),
            Some((_, Search::Many(searcher))) => searcher.find(text).is_some(),
            Some((_, Search::Plain)) | None => strings.holds_folded(text),
        };
        found != self.predicate.differs
    }
}

/// The strings of a test of the folded text.
fn folded(predicate: &Predicate) -> Option<&Strings> {
    match &predicate.test {
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
        if strings.position() != Position::Anywhere {
            return Self::Plain;
        }
        if needles.len() <= FEW {
            return Self::Few(needles.iter().map(|needle| Finder::new(needle).into_owned()).collect());
        }
        // It is built for a few dozen strings, none empty, on processors with the right instructions.
        packed::Searcher::new(needles).map_or(Self::Plain, |searcher| Self::Many(Box::new(searcher)))
    }
}
