//! Why a condition is true or false of one event: its tree, with the value and the outcome of every part.
//!
//! The tree is the one that programs are made of, so what is shown is what is run; alternatives of a
//! single part and joins within joins of the same sort are left out. Where a name stands before a
//! part, the part is shown as its author wrote it: what `not name` negates is not turned inside out.

use crate::{
    event::{
        Event, Facts,
        facts::Reference,
        json::{self, Leaf},
        value::{Type, Value},
    },
    rule::{
        expr::{Derived, Expr, Predicate, Source, Subject},
        program::Purpose,
    },
};

/// A part of a condition on one event.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Whether it is true of the event.
    pub holds: bool,
    /// What it is.
    pub what: What,
    /// What it is made of.
    pub parts: Vec<Part>,
}

/// What a part is.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// All of its parts have to be true.
    All,
    /// One of its parts has to be true.
    Any,
    /// It is always the same: what it asks for is in no event, or in every one.
    Const,
    /// It has a name; it has one part, which it may negate.
    Named {
        /// The macro or search.
        name: String,
        /// Whether the part has to be false.
        negated: bool,
    },
    /// A predicate.
    Test(Tested),
}

/// A predicate and what it met.
#[derive(Clone, Debug, PartialEq)]
pub struct Tested {
    /// As an author would write it.
    pub text: String,
    /// Whether it has to fail.
    pub negated: bool,
    /// What it looked at, as JSON; none if it is absent, or if it is the whole event.
    pub value: Option<String>,
    /// The other field it was compared with, as JSON.
    pub other: Option<String>,
    /// What has to be known to understand the outcome.
    pub note: Option<Note>,
}

/// What has to be known to understand the outcome of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// The event does not have the field.
    Absent,
    /// The event has only a part of the text, so the outcome is what the purpose wants.
    Cut,
    /// No event of this kind has the field.
    NotOfKind,
}

impl Note {
    /// The word in reports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Cut => "cut",
            Self::NotOfKind => "not in this kind of event",
        }
    }
}

/// Judges a condition part by part. The outcome is that of [`crate::rule::Program`].
#[must_use]
pub fn explain(condition: &Expr, event: &Event, purpose: Purpose) -> Part {
    match condition {
        Expr::All(parts) => join(What::All, parts, event, purpose),
        Expr::Any(parts) => join(What::Any, parts, event, purpose),
        Expr::Const(constant) => Part { holds: *constant, what: What::Const, parts: Vec::new() },
        Expr::Named { name, negated, inner } => {
            let inner = explain(inner, event, purpose);
            let holds = inner.holds;
            let part = if *negated { inner.turned() } else { inner };
            Part { holds, what: What::Named { name: name.to_string(), negated: *negated }, parts: vec![part] }
        }
        Expr::Test { predicate, negated } => test(predicate, *negated, event, purpose),
    }
}

fn join(what: What, parts: &[Expr], event: &Event, purpose: Purpose) -> Part {
    let mut found = Vec::new();
    for part in parts.iter().map(|part| explain(part, event, purpose)) {
        if part.what == what { found.extend(part.parts) } else { found.push(part) }
    }
    if found.len() == 1
        && let Some(only) = found.pop()
    {
        return only;
    }
    let holds =
        if what == What::All { found.iter().all(|part| part.holds) } else { found.iter().any(|part| part.holds) };
    Part { holds, what, parts: found }
}

fn test(predicate: &Predicate, negated: bool, event: &Event, purpose: Purpose) -> Part {
    let is_open = predicate.reads_text() && negated != predicate.differs && predicate.is_cut(event);
    let decided = predicate.decided(Source::Kind(event.kind()));
    let holds = match decided {
        Some(holds) => holds != negated,
        None if is_open => purpose == Purpose::Alert,
        None => predicate.holds(event) != negated,
    };
    let value = looked_at(predicate, event);
    let other = predicate.test.related().and_then(|related| {
        let ty = match &related.other {
            Reference::Field(field) => field.any().ty,
            Reference::Named(_) => Type::Keyword,
        };
        written(Facts::value(event, &related.other), ty)
    });
    let is_of_kind = match &predicate.subject {
        Subject::Derived(Derived { field, .. }) | Subject::Field(field) => field.row(event.kind()).is_some(),
        Subject::Anywhere => true,
        Subject::Named(_) => false,
    };
    let note = if !is_of_kind {
        Some(Note::NotOfKind)
    } else if value.is_none() && predicate.subject != Subject::Anywhere {
        Some(Note::Absent)
    } else {
        (is_open && decided.is_none()).then_some(Note::Cut)
    };
    let tested = Tested { text: predicate.to_string(), negated, value, other, note };
    Part { holds, what: What::Test(tested), parts: Vec::new() }
}

/// What a predicate looks at, as JSON.
fn looked_at(predicate: &Predicate, event: &Event) -> Option<String> {
    match &predicate.subject {
        Subject::Anywhere | Subject::Named(_) => None,
        Subject::Field(field) => written(event.field(field), field.any().ty),
        Subject::Derived(Derived { field, chain }) => {
            let mut made = Vec::new();
            let mut take = |element: Value<'_>| {
                chain.through(element, &mut |value| {
                    made.extend(written(value, Type::Keyword));
                    false
                });
            };
            match event.field(field) {
                Value::List(list) => list.iter().for_each(take),
                scalar @ (Value::Absent
                | Value::Bool(_)
                | Value::Bytes(_)
                | Value::Int(_)
                | Value::Ip(_)
                | Value::Null) => take(scalar),
            }
            (!made.is_empty()).then(|| made.join(", "))
        }
    }
}

pub(super) fn written(value: Value<'_>, ty: Type) -> Option<String> {
    if matches!(value, Value::Absent) {
        return None;
    }
    let mut out = Vec::new();
    json::write_leaf(&mut out, Leaf::Typed(value, ty));
    Some(String::from_utf8_lossy(&out).into_owned())
}

impl Part {
    /// The opposite, part by part.
    fn turned(self) -> Self {
        let Self { holds, what, parts } = self;
        let holds = !holds;
        match what {
            What::All => Self { holds, what: What::Any, parts: parts.into_iter().map(Self::turned).collect() },
            What::Any => Self { holds, what: What::All, parts: parts.into_iter().map(Self::turned).collect() },
            What::Const => Self { holds, what, parts },
            // What bears the name stays as it is.
            What::Named { name, negated } => Self { holds, what: What::Named { name, negated: !negated }, parts },
            What::Test(tested) => {
                Self { holds, what: What::Test(Tested { negated: !tested.negated, ..tested }), parts }
            }
        }
    }
}
