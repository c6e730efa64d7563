//! Conditions made ready to run: specialised for one kind of event, predicates shared by number.
//!
//! What the kind decides (`event.action`, fields it does not have) is decided here, once. The caller
//! supplies the outcome of a predicate, so that it can remember it for the rest of the event.

use std::sync::Arc;

use ahash::AHashMap;

use super::expr::{Expr, Predicate, Source, Subject};
use crate::{
    event::{Facts, Kind},
    indicator::{Hit, List},
};

/// Number of a predicate in its [`Table`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PredicateId(u32);

impl PredicateId {
    /// The place of the predicate in its table.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Predicates, each once.
#[derive(Clone, Debug, Default)]
pub struct Table {
    predicates: Vec<Arc<Predicate>>,
    ids: AHashMap<String, PredicateId>,
    /// Numbers of predicates that several conditions share, by where they are: the text of a long list is
    /// not made once more for each. They are kept, so that nothing else comes to lie there.
    shared: AHashMap<usize, (Arc<Predicate>, PredicateId)>,
}

impl Table {
    /// The number of a predicate, which is added if it is new.
    pub fn intern(&mut self, predicate: &Arc<Predicate>) -> PredicateId {
        let place = Arc::as_ptr(predicate).addr();
        if let Some((_, id)) = self.shared.get(&place) {
            return *id;
        }
        // A rule set cannot hold 2^32 predicates: each takes more than a byte of the capped files.
        let next = PredicateId(u32::try_from(self.predicates.len()).unwrap_or(u32::MAX));
        let id = *self.ids.entry(predicate.to_string()).or_insert_with(|| {
            self.predicates.push(Arc::clone(predicate));
            next
        });
        if Arc::strong_count(predicate) > 1 {
            self.shared.insert(place, (Arc::clone(predicate), id));
        }
        id
    }

    /// The predicate of a number.
    #[must_use]
    pub fn get(&self, id: PredicateId) -> Option<&Predicate> {
        self.predicates.get(id.index()).map(Arc::as_ref)
    }

    /// All, by number.
    #[must_use]
    pub fn predicates(&self) -> &[Arc<Predicate>] {
        &self.predicates
    }
}

/// What a match is for. It decides on negated tests of a text of which the event has only a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To alert: such a test is true.
    Alert,
    /// To suppress an alert: such a test is false, since it is not surely true.
    Suppress,
}

/// A condition for one kind of event.
#[derive(Clone, Debug)]
pub enum Program {
    /// True if all are.
    All(Box<[Program]>),
    /// True if any is.
    Any(Box<[Program]>),
    /// Always the same.
    Const(bool),
    /// A predicate, or its negation.
    Test {
        /// The predicate.
        id: PredicateId,
        /// Whether it has to fail.
        negated: bool,
        /// The outcome if the field was cut, for a negated test of a text.
        if_cut: Option<bool>,
    },
}

impl Program {
    /// Specialises a condition for a kind; predicates go into `table`.
    #[must_use]
    pub fn new(expr: &Expr, kind: Kind, purpose: Purpose, table: &mut Table) -> Self {
        Self::for_source(expr, Source::Kind(kind), purpose, table)
    }

    /// Specialises a condition for one sort of events.
    #[must_use]
    pub fn for_source(expr: &Expr, source: Source, purpose: Purpose, table: &mut Table) -> Self {
        Self::build(expr, source, purpose, table).0
    }

    /// What a condition is of all events of one sort, if it is the same of all: what the program of it would be,
    /// without one.
    #[must_use]
    pub fn constant(expr: &Expr, source: Source) -> Option<bool> {
        let join = |parts: &[Expr], decisive: bool| {
            let mut outcome = Some(!decisive);
            for part in parts {
                match Self::constant(part, source) {
                    Some(constant) if constant == decisive => return Some(decisive),
                    Some(_) => {}
                    None => outcome = None,
                }
            }
            outcome
        };
        match expr {
            Expr::All(parts) => join(parts, false),
            Expr::Any(parts) => join(parts, true),
            Expr::Const(constant) => Some(*constant),
            Expr::Named { inner, .. } => Self::constant(inner, source),
            Expr::Test { predicate, negated } => predicate.decided(source).map(|holds| holds != *negated),
        }
    }

    /// The program and its rough cost.
    fn build(expr: &Expr, source: Source, purpose: Purpose, table: &mut Table) -> (Self, u32) {
        match expr {
            Expr::Const(constant) => (Self::Const(*constant), 0),
            Expr::Named { inner, .. } => Self::build(inner, source, purpose, table),
            Expr::Test { predicate, negated } => match predicate.decided(source) {
                Some(holds) => (Self::Const(holds != *negated), 0),
                None => {
                    let is_open = predicate.reads_text() && *negated != predicate.differs;
                    let id = table.intern(predicate);
                    let cost = match &predicate.subject {
                        Subject::Anywhere => 5_000,
                        Subject::Derived(_) => 100 + predicate.test.cost(),
                        Subject::Field(_) | Subject::Named(_) => predicate.test.cost(),
                    };
                    (Self::Test { id, negated: *negated, if_cut: is_open.then_some(purpose == Purpose::Alert) }, cost)
                }
            },
            Expr::All(parts) => Self::join(parts, source, purpose, table, false),
            Expr::Any(parts) => Self::join(parts, source, purpose, table, true),
        }
    }

    /// Joins parts; one that is `decisive` decides alone.
    fn join(parts: &[Expr], source: Source, purpose: Purpose, table: &mut Table, decisive: bool) -> (Self, u32) {
        let mut kept = Vec::new();
        for part in parts {
            match Self::build(part, source, purpose, table) {
                (Self::Const(constant), _) if constant == decisive => return (Self::Const(decisive), 0),
                (Self::Const(_), _) => {}
                (program @ (Self::All(_) | Self::Any(_) | Self::Test { .. }), cost) => kept.push((program, cost)),
            }
        }
        // Programs have no effects, so cheap parts can go first.
        kept.sort_by_key(|(_, cost)| *cost);
        let cost = kept.iter().map(|(_, cost)| *cost).fold(0, u32::saturating_add);
        let mut programs: Vec<Self> = kept.into_iter().map(|(program, _)| program).collect();
        let program = match programs.len() {
            0 => Self::Const(!decisive),
            1 => programs.swap_remove(0),
            _ if decisive => Self::Any(programs.into()),
            _ => Self::All(programs.into()),
        };
        (program, cost)
    }

    /// Whether the event matches. `holds` gives the outcome of a predicate for it.
    pub fn matches<F: Facts>(&self, facts: &F, table: &Table, holds: &mut impl FnMut(PredicateId) -> bool) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.matches(facts, table, holds)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(facts, table, holds)),
            Self::Const(constant) => *constant,
            Self::Test { id, negated, if_cut } => match if_cut {
                Some(outcome)
                    if !facts.cut().is_empty() && table.get(*id).is_some_and(|predicate| predicate.is_cut(facts)) =>
                {
                    *outcome
                }
                Some(_) | None => holds(*id) != *negated,
            },
        }
    }

    /// Calls `with` for every test, in the order of the program.
    pub fn each_test(&self, with: &mut impl FnMut(PredicateId)) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.each_test(with)),
            Self::Const(_) => {}
            Self::Test { id, .. } => with(*id),
        }
    }

    /// The indicator that the event matches by, with its list.
    #[must_use]
    pub fn indicator<'t, F: Facts>(&self, facts: &F, table: &'t Table) -> Option<(&'t List, Hit)> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().find_map(|part| part.indicator(facts, table)),
            Self::Const(_) | Self::Test { negated: true, .. } => None,
            Self::Test { id, negated: false, .. } => table.get(*id).and_then(|predicate| predicate.indicator(facts)),
        }
    }

    /// Names of cut fields that a negated test of this program looked at, in the order of the event's list.
    #[must_use]
    pub fn cut_fields<F: Facts>(&self, facts: &F, table: &Table) -> Vec<&'static str> {
        facts.cut().iter().copied().filter(|name| self.doubts(name, table)).collect()
    }

    fn doubts(&self, name: &str, table: &Table) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(|part| part.doubts(name, table)),
            Self::Const(_) => false,
            Self::Test { id, if_cut, .. } => {
                if_cut.is_some() && table.get(*id).is_some_and(|predicate| predicate.reads_text_of(name))
            }
        }
    }
}
