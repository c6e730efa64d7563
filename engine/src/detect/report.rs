//! What exceptions have done, for those who have to keep them short.

use std::sync::atomic::Ordering;

use super::RuleSet;
use crate::{event::value::Time, rule::Until};

/// One `unless` of one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExceptionReport {
    /// The rule's id.
    pub rule: String,
    /// The exception's name.
    pub name: String,
    /// Who answers for it.
    pub owner: String,
    /// Its last day.
    pub until: Option<Until>,
    /// Alerts it has suppressed.
    pub hits: u64,
}

impl ExceptionReport {
    /// Whether its last day is over at a time.
    #[must_use]
    pub fn is_expired(&self, now: Time) -> bool {
        self.until.is_some_and(|until| until.is_over(Some(now)))
    }
}

impl RuleSet {
    /// All exceptions of all rules with their hits.
    pub fn exceptions(&self) -> impl Iterator<Item = ExceptionReport> {
        self.rules.iter().flat_map(|rule| {
            rule.unless.iter().map(|unless| ExceptionReport {
                rule: rule.facts.id.clone(),
                name: unless.name.clone(),
                owner: unless.owner.clone(),
                until: unless.until,
                hits: unless.hits.load(Ordering::Relaxed),
            })
        })
    }
}
