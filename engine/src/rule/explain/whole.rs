//! A whole rule on one event: its condition, what would suppress the alert, and what the event counts for.

use super::part::{Part, explain, written};
use crate::{
    event::{Event, Facts, field::Field, value::Value},
    rule::{
        Entry, Exception, Loaded, Purpose,
        correlate::{Correlation, Slot, Source, measure},
    },
};

/// What a rule makes of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An alert.
    Alerts,
    /// No alert; the event counts, for this rule or for one that refers to it.
    Counts,
    /// Nothing.
    Nothing,
    /// It matches, and this entry of `unless` or of a whitelist suppresses it.
    Suppressed(String),
}

/// A rule on one event.
#[derive(Clone, Debug)]
pub struct Explained<'r> {
    /// The rule.
    pub rule: &'r Loaded,
    /// What it makes of the event.
    pub outcome: Outcome,
    /// Its condition; none if its members have the conditions.
    pub condition: Option<Part>,
    /// What it counts, if it looks at several events.
    pub members: Vec<Member<'r>>,
    /// What may suppress its alerts, in the order in which it is asked.
    pub suppressions: Vec<Suppression<'r>>,
}

/// A member of a rule over several events.
#[derive(Clone, Debug)]
pub struct Member<'r> {
    /// The condition that counts, unless it is another rule's.
    pub condition: Option<Part>,
    /// The rule whose matches count.
    pub rule: Option<Box<Explained<'r>>>,
    /// What events are grouped by.
    pub group: Vec<Measured>,
    /// What is counted or measured of the event.
    pub measured: Vec<Measured>,
    /// Whether the event counts.
    pub counts: bool,
}

/// A field of the group, or one that is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Its name; of several that may stand for each other the one that is there.
    pub field: &'static str,
    /// Its value as JSON; without one the event does not count.
    pub value: Option<String>,
}

/// An entry that may suppress alerts.
#[derive(Clone, Debug)]
pub struct Suppression<'r> {
    /// Name, reason, owner.
    pub entry: &'r Exception,
    /// Whether it stands in a whitelist, not in the rule.
    pub is_global: bool,
    /// Whether its last day was over when the event happened.
    pub is_over: bool,
    /// Its condition.
    pub condition: Part,
}

impl Suppression<'_> {
    /// Whether it suppresses an alert on the event.
    #[must_use]
    pub fn suppresses(&self) -> bool {
        self.condition.holds && !self.is_over
    }
}

/// Explains one of some rules that were loaded together.
#[must_use]
pub fn explain_rule<'r>(rule: &'r Loaded, rules: &'r [Loaded], whitelist: &'r [Entry], event: &Event) -> Explained<'r> {
    let applies = |entry: &&Entry| entry.rules.is_empty() || entry.rules.contains(&rule.id);
    let own = rule.unless.iter().map(|entry| suppression(entry, false, event));
    let global = whitelist.iter().filter(applies).map(|entry| suppression(&entry.exception, true, event));
    let suppressions: Vec<Suppression<'_>> = own.chain(global).collect();
    let Some(correlation) = &rule.correlation else {
        let condition = explain(&rule.condition, event, Purpose::Alert);
        let outcome = of_single(rule, condition.holds, &suppressions);
        return Explained { rule, outcome, condition: Some(condition), members: Vec::new(), suppressions };
    };
    let members: Vec<Member<'_>> =
        correlation.slots.iter().map(|slot| member(rule, correlation, slot, rules, &suppressions, event)).collect();
    let outcome = if members.iter().any(|member| member.counts) { Outcome::Counts } else { Outcome::Nothing };
    Explained { rule, outcome, condition: None, members, suppressions }
}

/// The outcome of a rule about single events.
fn of_single(rule: &Loaded, holds: bool, suppressions: &[Suppression<'_>]) -> Outcome {
    // Whitelists judge alerts; a match that makes none is only kept from counting by the rule's own entries.
    let mut asked = suppressions.iter().filter(|entry| !(rule.silenced && entry.is_global));
    match asked.find(|entry| entry.suppresses()) {
        _ if !holds => Outcome::Nothing,
        Some(entry) => Outcome::Suppressed(entry.entry.name.clone()),
        None if rule.silenced => Outcome::Counts,
        None => Outcome::Alerts,
    }
}

fn suppression<'r>(entry: &'r Exception, is_global: bool, event: &Event) -> Suppression<'r> {
    Suppression {
        entry,
        is_global,
        is_over: entry.until.is_some_and(|until| until.is_over(event.time)),
        condition: explain(&entry.condition, event, Purpose::Suppress),
    }
}

fn member<'r>(
    of: &'r Loaded,
    correlation: &Correlation,
    slot: &Slot,
    rules: &'r [Loaded],
    suppressions: &[Suppression<'_>],
    event: &Event,
) -> Member<'r> {
    let (condition, rule, holds) = match &slot.source {
        Source::Condition(condition) => {
            let part = explain(condition, event, Purpose::Alert);
            let holds = part.holds;
            (Some(part), None, holds)
        }
        Source::Own => {
            let part = explain(&of.condition, event, Purpose::Alert);
            let is_suppressed = suppressions.iter().any(|entry| !entry.is_global && entry.suppresses());
            let holds = part.holds && !is_suppressed;
            (Some(part), None, holds)
        }
        Source::Rule(id) => {
            let rule = rules.iter().find(|rule| rule.id == *id);
            let explained = rule.map(|rule| Box::new(explain_rule(rule, rules, &[], event)));
            let holds = explained.as_ref().is_some_and(|it| matches!(it.outcome, Outcome::Alerts | Outcome::Counts));
            (None, explained, holds)
        }
    };
    let group: Vec<Measured> = slot.by.iter().filter_map(|fields| measured(fields, event, false)).collect();
    let is_numeric = correlation.measure.is_numeric();
    let counted: Vec<Measured> = slot.of.iter().filter_map(|fields| measured(fields, event, is_numeric)).collect();
    let is_complete = group.iter().chain(&counted).all(|it| it.value.is_some());
    let counts = holds && is_complete && event.time.is_some();
    Member { condition, rule, group, measured: counted, counts }
}

/// The first of some fields that the event has.
fn measured(fields: &[&'static Field], event: &Event, is_numeric: bool) -> Option<Measured> {
    let is_there = |field: &&&'static Field| !matches!(event.field(field), Value::Absent);
    let field = fields.iter().find(is_there).or(fields.first())?;
    let value = event.field(field);
    let is_number = match value {
        Value::Int(_) => true,
        Value::Bytes(bytes) => std::str::from_utf8(bytes).ok().and_then(measure::number).is_some(),
        Value::Absent | Value::Bool(_) | Value::Ip(_) | Value::List(_) | Value::Null => false,
    };
    let value = if is_number || !is_numeric { written(value, field.any().ty) } else { None };
    Some(Measured { field: field.name, value })
}
