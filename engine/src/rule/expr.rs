//! The form all rule languages meet in: boolean expressions over predicates.
//!
//! Negation stands only before predicates. A predicate is a field, a quantifier over its elements
//! and a test; equal predicates have equal texts, by which [`super::program::Table`] shares them.

use std::{fmt, sync::Arc};

use super::{related::Others, test::Test, transform::Chain};
use crate::{
    event::{
        Event, Facts, Kind,
        facts::{Name, Reference},
        field::{DECIDED_BY_KIND, Field},
        value::Value,
    },
    indicator::{Hit, List},
};

/// A condition.
#[derive(Clone, Debug)]
pub enum Expr {
    /// True if all are; true if there are none.
    All(Vec<Expr>),
    /// True if any is; false if there are none.
    Any(Vec<Expr>),
    /// Always the same.
    Const(bool),
    /// A part that its author gave a name: a macro, a search.
    Named {
        /// The name.
        name: Arc<str>,
        /// Whether `inner` is the opposite of what has the name.
        negated: bool,
        /// The part.
        inner: Box<Expr>,
    },
    /// A predicate, or its negation.
    Test {
        /// The predicate.
        predicate: Arc<Predicate>,
        /// Whether it has to fail.
        negated: bool,
    },
}

/// What a predicate looks at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Every field of the event that does not follow from its kind: Sigma's keywords.
    Anywhere,
    /// What transforms make of one field.
    Derived(Derived),
    /// One field.
    Field(&'static Field),
    /// One field of another product's events.
    Named(Name),
}

impl Subject {
    /// The value of the one field it is; absent for the whole event, and for what is made of a field.
    #[must_use]
    pub fn value<'f, F: Facts>(&self, facts: &'f F) -> Value<'f> {
        match self {
            // What transforms make lives no longer than it is looked at.
            Self::Anywhere | Self::Derived(_) => Value::Absent,
            Self::Field(field) => facts.field(field),
            Self::Named(name) => facts.named(name),
        }
    }
}

/// Which events a condition is specialised for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Those of another product: they have names, and none of our fields.
    Foreign,
    /// Ours of one kind.
    Kind(Kind),
}

/// A field with transforms around it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Derived {
    /// The field.
    pub field: &'static Field,
    /// The transforms; at least one.
    pub chain: Chain,
}

/// How many elements of an array must pass; a scalar is an array of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    /// Every element, and there is one.
    All,
    /// At least one.
    Any,
    /// The one at this place, counted from 0.
    At(usize),
}

/// A field put to a test.
#[derive(Clone, Debug)]
pub struct Predicate {
    /// What is tested.
    pub subject: Subject,
    /// How many of its elements must pass.
    pub quantifier: Quantifier,
    /// Whether an element passes by failing the test: `!=`. Unknown elements pass neither way.
    pub differs: bool,
    /// The test.
    pub test: Test,
}

impl Predicate {
    /// Any element of a field passes.
    #[must_use]
    pub fn any(field: &'static Field, test: Test) -> Self {
        Self { subject: Subject::Field(field), quantifier: Quantifier::Any, differs: false, test }
    }

    /// Whether it holds for an event, as far as the event's values go.
    #[must_use]
    pub fn holds<F: Facts>(&self, facts: &F) -> bool {
        let other = self.test.related().map(|related| Others::new(related, facts.value(&related.other)));
        let other = other.as_ref();
        match &self.subject {
            Subject::Anywhere => facts.anywhere(|value| self.judge(value, |element| self.passes(element, other))),
            Subject::Derived(derived) => {
                let passes = |element: Value<'_>| derived.chain.through(element, &mut |made| self.passes(made, other));
                self.judge(facts.field(derived.field), passes)
            }
            Subject::Field(_) | Subject::Named(_) => {
                self.judge(self.subject.value(facts), |element| self.passes(element, other))
            }
        }
    }

    /// The indicator that a value of the event was found to be, if this asks for one.
    #[must_use]
    pub fn indicator<F: Facts>(&self, facts: &F) -> Option<(&List, Hit)> {
        let Test::Indicator(list) = &self.test else { return None };
        let mut found = None;
        let mut look = |element: Value<'_>| {
            found = list.find(element);
            found.is_some()
        };
        match &self.subject {
            Subject::Anywhere => facts.anywhere(&mut look),
            Subject::Derived(Derived { field, chain }) => {
                each(facts.field(field), &mut |element| chain.through(element, &mut look))
            }
            Subject::Field(_) | Subject::Named(_) => each(self.subject.value(facts), &mut look),
        };
        found.map(|hit| (list.as_ref(), hit))
    }

    /// Whether a scalar passes. What is unknown, on either side, passes neither the test nor its opposite.
    fn passes(&self, element: Value<'_>, other: Option<&Others<'_>>) -> bool {
        let outcome = match (element, other) {
            (Value::Absent, _) => None,
            (_, Some(other)) => other.compare(element),
            (_, None) => Some(self.test.holds(element)),
        };
        outcome.is_some_and(|holds| holds != self.differs)
    }

    fn judge(&self, value: Value<'_>, passes: impl Fn(Value<'_>) -> bool) -> bool {
        match (value, self.quantifier) {
            (Value::List(list), Quantifier::Any) => list.iter().any(passes),
            (Value::List(list), Quantifier::At(place)) => passes(list.at(place)),
            (Value::List(list), Quantifier::All) => !list.is_empty() && list.iter().all(passes),
            (
                scalar
                @ (Value::Absent | Value::Bool(_) | Value::Bytes(_) | Value::Int(_) | Value::Ip(_) | Value::Null),
                Quantifier::Any | Quantifier::All | Quantifier::At(0),
            ) => passes(scalar),
            (_, Quantifier::At(_)) => false,
        }
    }

    /// Whether its outcome is open because the event has only a part of the text.
    #[must_use]
    pub fn is_cut<F: Facts>(&self, facts: &F) -> bool {
        facts.cut().iter().any(|name| self.reads_text_of(name))
    }

    /// Whether its outcome depends on texts, so that a cut one leaves it open.
    #[must_use]
    pub fn reads_text(&self) -> bool {
        // Whatever is made of a text depends on the whole of it.
        self.test.reads_text() || matches!(self.subject, Subject::Derived(_))
    }

    /// Whether its outcome depends on the text of a field.
    #[must_use]
    pub fn reads_text_of(&self, name: &str) -> bool {
        let related = matches!(&self.test, Test::Field(related) if related.other.is(name));
        self.reads_text()
            && match &self.subject {
                Subject::Anywhere => true,
                Subject::Derived(Derived { field, .. }) | Subject::Field(field) => field.name == name || related,
                // Events of other products are whole.
                Subject::Named(_) => false,
            }
    }

    /// What it says of all events of a sort, if that can be said beforehand.
    #[must_use]
    pub fn decided(&self, source: Source) -> Option<bool> {
        let lacks = |reference: &Reference| match (source, reference) {
            (Source::Foreign, Reference::Field(_)) | (Source::Kind(_), Reference::Named(_)) => true,
            (Source::Foreign, Reference::Named(_)) => false,
            (Source::Kind(kind), Reference::Field(field)) => field.row(kind).is_none(),
        };
        let subject = match &self.subject {
            Subject::Anywhere => return None,
            Subject::Derived(Derived { field, .. }) | Subject::Field(field) => Reference::Field(field),
            Subject::Named(name) => Reference::Named(name.clone()),
        };
        let lacks_other = matches!(&self.test, Test::Field(related) if lacks(&related.other));
        if lacks(&subject) || lacks_other {
            return Some(false);
        }
        match (source, &self.subject) {
            (Source::Kind(kind), Subject::Field(field)) if DECIDED_BY_KIND.contains(&field.name) => {
                Some(self.holds(&Event::new(kind)))
            }
            (
                Source::Foreign | Source::Kind(_),
                Subject::Anywhere | Subject::Derived(_) | Subject::Field(_) | Subject::Named(_),
            ) => None,
        }
    }
}

/// Whether a scalar or some element of a list passes.
fn each(value: Value<'_>, passes: &mut dyn FnMut(Value<'_>) -> bool) -> bool {
    match value {
        Value::List(list) => list.iter().any(passes),
        Value::Absent | Value::Bool(_) | Value::Bytes(_) | Value::Int(_) | Value::Ip(_) | Value::Null => passes(value),
    }
}

/// As an author would write it; the same for equal predicates only.
impl fmt::Display for Predicate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut name = String::new();
        match &self.subject {
            Subject::Anywhere => name.push('*'),
            Subject::Derived(derived) => derived.chain.write(&mut name, derived.field.name)?,
            Subject::Field(field) => name.push_str(field.name),
            Subject::Named(foreign) => name.push_str(foreign.text()),
        }
        let not = if self.differs { "differs from: " } else { "" };
        match self.quantifier {
            Quantifier::All => write!(out, "all({name}) {not}{}", self.test),
            Quantifier::Any => write!(out, "{name} {not}{}", self.test),
            Quantifier::At(place) => write!(out, "{name}[{place}] {not}{}", self.test),
        }
    }
}

impl Expr {
    /// A predicate.
    #[must_use]
    pub fn test(predicate: Predicate) -> Self {
        Self::Test { predicate: Arc::new(predicate), negated: false }
    }

    /// This under a name.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self::Named { name: name.into(), negated: false, inner: Box::new(self) }
    }

    /// The opposite.
    #[must_use]
    pub fn negate(self) -> Self {
        match self {
            Self::All(parts) => Self::Any(parts.into_iter().map(Self::negate).collect()),
            Self::Any(parts) => Self::All(parts.into_iter().map(Self::negate).collect()),
            Self::Const(constant) => Self::Const(!constant),
            Self::Named { name, negated, inner } => {
                Self::Named { name, negated: !negated, inner: Box::new(inner.negate()) }
            }
            Self::Test { predicate, negated } => Self::Test { predicate, negated: !negated },
        }
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self::All(vec![self, other])
    }

    /// The number of its parts, to bound what macros can grow into.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::All(parts) | Self::Any(parts) => 1 + parts.iter().map(Self::size).sum::<usize>(),
            Self::Const(_) | Self::Test { .. } => 1,
            Self::Named { inner, .. } => inner.size(),
        }
    }
}
