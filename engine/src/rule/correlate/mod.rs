//! Rules over several events: what a native `count` or `sequence` and a Sigma correlation have in common.
//!
//! ```text
//! native count, sequence ─ native ─┐
//! Sigma correlation ─ sigma::correlation ─┴─> Draft (names) ─ resolve ─> Correlation (ids, fields)
//! ```
//!
//! A correlation looks at the matches of *sources*: other rules, correlations among them, or
//! conditions of its own. Each source is a *slot*, by whose number the condition speaks of it. There
//! is no state here: `detect` keeps it.

pub(super) mod clause;
pub(super) mod draft;
pub mod measure;
pub(super) mod native;
mod resolve;

pub use measure::{Bound, Clause, Compare, Measure, Together};
pub(super) use resolve::resolve;

use std::collections::{HashMap, HashSet};

use super::{expr::Expr, loaded::Loaded, test::Case};
use crate::event::field::Field;

/// Events that are remembered for one group at most, and so the largest count there can be.
pub const MAX_EVENTS: usize = 65_536;
/// Rules that may build on each other.
const MAX_CHAIN: usize = 16;
/// Sources one rule may have: they are bits of a word.
pub const MAX_SLOTS: usize = 64;

/// A rule over several events, ready to be compiled.
#[derive(Clone, Debug)]
pub struct Correlation {
    /// What it looks at.
    pub slots: Vec<Slot>,
    /// When it matches.
    pub measure: Measure,
    /// The length of the window, nanoseconds of event time. Both ends belong to it.
    pub within_ns: i64,
    /// Whether texts that differ in case are one group or value.
    pub case: Case,
    /// SHA-256 over the rule's content and that of all it refers to, lower-case hex. What was counted
    /// under another one was counted for another rule.
    pub lineage: String,
}

impl Correlation {
    /// Whether the rule's own condition is a source: its exceptions then say what does not count.
    #[must_use]
    pub fn has_condition(&self) -> bool {
        self.slots.iter().any(|slot| matches!(slot.source, Source::Own))
    }
}

/// Ids of the rules that wanted rules refer to, directly or not.
pub(super) fn needed(rules: &[Loaded], wanted: impl Fn(&Loaded) -> bool) -> HashSet<String> {
    let by_id: HashMap<&str, &Loaded> = rules.iter().map(|rule| (rule.id.as_str(), rule)).collect();
    let mut needed = HashSet::new();
    let mut open: Vec<&Loaded> = rules.iter().filter(|rule| wanted(rule)).collect();
    while let Some(rule) = open.pop() {
        for slot in rule.correlation.iter().flat_map(|correlation| &correlation.slots) {
            if let Source::Rule(id) = &slot.source
                && needed.insert(id.clone())
            {
                open.extend(by_id.get(id.as_str()));
            }
        }
    }
    needed
}

/// One source and where it has what events are grouped by.
#[derive(Clone, Debug)]
pub struct Slot {
    /// Whose matches count.
    pub source: Source,
    /// For each part of the group where it is: the first of these fields that the event has.
    pub by: Vec<Vec<&'static Field>>,
    /// For each part of the value that is counted or measured where it is; empty if events count.
    pub of: Vec<Vec<&'static Field>>,
}

/// Whose matches count.
#[derive(Clone, Debug)]
pub enum Source {
    /// A condition of the rule's own: a step of a sequence.
    Condition(Expr),
    /// The condition of the rule itself: `when`.
    Own,
    /// The rule of that id.
    Rule(String),
}
