//! What rules of other languages ask for and no event of ours carries, and what becomes of them then.

use std::fmt;

use super::{
    diagnostic::Place,
    expr::{Expr, Source},
    loaded::State,
    program::Program,
    reason::{Code, Reason},
};
use crate::event::Kind;

/// A fact that a rule asks for and that no event carries, or not all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lack {
    /// The field, as the rule calls it.
    pub(super) field: String,
    /// The value, if the field is there with others.
    pub(super) value: Option<String>,
    /// Whether some of it is there.
    pub(super) partly: bool,
    /// Why it is not there, or which part is.
    pub(super) reason: Option<String>,
    /// Where a condition asks for it, if that may be in another file than the rule.
    pub(super) place: Option<Place>,
}

impl Lack {
    /// Why a rule that asks for it cannot match, or not always.
    pub(super) fn reason(&self) -> Reason {
        let (code, fact) = match &self.value {
            None if self.partly => (Code::FieldInPart, self.field.clone()),
            None => (Code::FieldNotCarried, self.field.clone()),
            Some(value) => (Code::ValueNotCarried, format!("{} = {value}", self.field)),
        };
        Reason::new(code, fact, self.to_string())
    }
}

impl fmt::Display for Lack {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.partly {
            true => write!(out, "events carry `{}` in part", self.field)?,
            false => write!(out, "no event carries `{}`", self.field)?,
        }
        if let Some(value) = &self.value {
            write!(out, " with the value `{value}`")?;
        }
        if let Some(place) = &self.place {
            let file = std::path::Path::new(&place.source.name).file_name().unwrap_or_default();
            write!(out, " ({} line {})", file.to_string_lossy(), place.start().0)?;
        }
        self.reason.as_ref().map_or(Ok(()), |reason| write!(out, ": {reason}"))
    }
}

/// Whether a condition can match, with some facts missing.
pub(super) fn state(condition: &Expr, missing: Vec<Reason>) -> State {
    let can_match = kinds(condition).next().is_some() || is_possible(condition, Source::Foreign);
    match (can_match, missing.is_empty()) {
        (true, true) => State::Active,
        (true, false) => State::Degraded(missing),
        (false, true) => State::Dormant(vec![Reason::contradiction()]),
        (false, false) => State::Dormant(missing),
    }
}

/// The kinds of events that a condition may match.
pub(super) fn kinds(condition: &Expr) -> impl Iterator<Item = Kind> {
    Kind::ALL.iter().copied().filter(|kind| is_possible(condition, Source::Kind(*kind)))
}

fn is_possible(condition: &Expr, source: Source) -> bool {
    Program::constant(condition, source) != Some(false)
}
