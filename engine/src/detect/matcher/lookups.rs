//! The look-ups of all fields: what an event has of the facts that somebody wants.

use ahash::AHashMap;

use super::{
    field::FieldIndex,
    folded::Folded,
    need::Fact,
    rarity::Rarity,
    targets::{Range, Target, Targets},
};
use crate::{event::Facts, rule::expr::Subject};

/// Facts that are wanted, and what for.
#[derive(Default)]
pub(super) struct Wanted {
    facts: AHashMap<Subject, AHashMap<Fact, Vec<Target>>>,
    /// In the order in which they were wanted first.
    fields: Vec<Subject>,
}

/// Look-ups of several fields.
#[derive(Debug, Default)]
pub(super) struct Lookups {
    /// By the places of the fields.
    pub(super) indexes: Vec<FieldIndex>,
    /// What may be in any field.
    anywhere: Option<FieldIndex>,
    targets: Targets,
}

impl Wanted {
    pub(super) fn add(&mut self, (subject, fact): &(Subject, Fact), target: Target) {
        let facts = self.facts.entry(subject.clone()).or_insert_with(|| {
            self.fields.extend((*subject != Subject::Anywhere).then(|| subject.clone()));
            AHashMap::new()
        });
        facts.entry(fact.clone()).or_default().push(target);
    }

    /// The look-ups, and the fields they are of.
    pub(super) fn into_lookups(mut self, rarity: &Rarity) -> (Vec<Subject>, Lookups) {
        let mut targets = Targets::default();
        let mut index = |subject: &Subject| {
            let mut facts: Vec<_> = self.facts.remove(subject)?.into_iter().collect();
            facts.sort_by_key(|(_, targets)| targets.iter().min().copied());
            Some(FieldIndex::new(facts, rarity, &mut targets))
        };
        let anywhere = index(&Subject::Anywhere);
        let indexes = self.fields.iter().filter_map(&mut index).collect();
        (self.fields, Lookups { indexes, anywhere, targets })
    }
}

impl Lookups {
    /// What a fact is for.
    #[inline]
    pub(super) fn targets(&self, range: Range) -> &[Target] {
        self.targets.of(range)
    }

    /// Gives what an event has in any of its texts.
    pub(super) fn find_anywhere<F: Facts>(&self, facts: &F, folded: &mut Folded, hit: &mut impl FnMut(&[Target])) {
        if let Some(index) = &self.anywhere {
            facts.anywhere(|value| {
                index.find(value, folded, &mut |range| hit(self.targets.of(range)));
                false
            });
        }
    }

    /// Gives all that an event has.
    pub(super) fn find<F: Facts>(&self, fields: &[Subject], facts: &F, hit: &mut impl FnMut(&[Target])) {
        let mut folded = Folded::default();
        for (field, index) in fields.iter().zip(&self.indexes) {
            index.find(field.value(facts), &mut folded, &mut |range| hit(self.targets.of(range)));
        }
        self.find_anywhere(facts, &mut folded, hit);
    }
}
