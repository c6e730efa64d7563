//! What one host can give: for each kind of event the attach alternative that runs there, if any does.

use crate::event::{Kind, Source, field::Field};

/// Fields that only an alternative with an outcome gives.
const OUTCOME: &[&str] = &["event.outcome", "error.code"];

/// The alternatives that run, by kind.
#[derive(Clone, Copy, Debug)]
pub struct Sensors {
    sources: [Option<&'static Source>; Kind::ALL.len()],
}

/// A set of kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds(u32);

impl Kinds {
    /// All there are.
    #[must_use]
    pub fn all() -> Self {
        Kind::ALL.iter().copied().collect()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The kinds, in their order.
    pub fn iter(self) -> impl Iterator<Item = Kind> {
        Kind::ALL.iter().copied().filter(move |kind| self.0 >> (*kind as usize) & 1 == 1)
    }

    /// The kinds of either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The kinds that are not in `other`.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Their names, for people.
    #[must_use]
    pub fn words(self) -> String {
        self.iter().map(Kind::name).collect::<Vec<_>>().join(", ")
    }
}

impl FromIterator<Kind> for Kinds {
    fn from_iter<I: IntoIterator<Item = Kind>>(kinds: I) -> Self {
        Self(kinds.into_iter().fold(0, |bits, kind| bits | 1 << kind as usize))
    }
}

impl Sensors {
    /// A host where for each kind the given alternative runs.
    #[must_use]
    pub fn new(running: impl Fn(Kind) -> Option<&'static Source>) -> Self {
        let mut sources = [None; Kind::ALL.len()];
        for (source, kind) in sources.iter_mut().zip(Kind::ALL) {
            *source = running(*kind);
        }
        Self { sources }
    }

    /// A host where every kind has its best alternative.
    #[must_use]
    pub fn best() -> Self {
        Self::new(|kind| kind.sources().first())
    }

    /// A host where every kind has the alternative of a name, or its best one if it has none of that name.
    #[must_use]
    pub fn preferring(name: &str) -> Self {
        Self::new(|kind| {
            let sources = kind.sources();
            sources.iter().find(|source| source.name == name).or(sources.first())
        })
    }

    /// The alternative of a kind that runs.
    #[must_use]
    pub fn of(&self, kind: Kind) -> Option<&'static Source> {
        self.sources.get(kind as usize).copied().flatten()
    }

    /// The kinds that can be had.
    #[must_use]
    pub fn kinds(&self) -> Kinds {
        Kind::ALL.iter().copied().filter(|kind| self.of(*kind).is_some()).collect()
    }

    /// Whether events of a kind have a field here.
    #[must_use]
    pub fn has(&self, kind: Kind, field: &Field) -> bool {
        self.of(kind).is_some_and(|source| field.row(kind).is_some() && !is_absent(source, field))
    }

    /// Whether a field of a kind is read from memory that another thread can change meanwhile.
    #[must_use]
    pub fn is_racy(&self, kind: Kind, field: &Field) -> bool {
        self.of(kind).is_some_and(|source| source.racy.contains(&field.name))
    }
}

/// Whether an alternative cannot give a field.
fn is_absent(source: &Source, field: &Field) -> bool {
    source.absent.contains(&field.name) || (!source.outcome && OUTCOME.contains(&field.name))
}

/// The alternatives of a kind that give a field, for advice.
pub(super) fn giving(kind: Kind, field: &Field) -> Vec<&'static str> {
    let sources = kind.sources().iter().filter(|source| !is_absent(source, field));
    sources.map(|source| source.name).collect()
}
