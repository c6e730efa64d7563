//! What each rule costs: the same verdicts as [`RuleSet::evaluate`], with a clock held beside every run.
//!
//! Events never pass here on their way; only an author who asks what a rule costs comes this way.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{RuleSet, State};
use crate::event::Event;

/// What one rule has cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// How often its condition, or that of one of its steps, was run: an event met its needs.
    pub evaluations: u64,
    /// How often the rule matched, suppressed matches counted.
    pub hits: u64,
    /// The time its conditions and exceptions took, nanoseconds.
    pub time_ns: u64,
}

/// What a set of rules has cost.
#[derive(Clone, Debug, Default)]
pub struct Costs {
    /// By rule, in their order.
    pub rules: Vec<Cost>,
    /// Events judged.
    pub events: u64,
    /// The time it took to find the rules that have to be run, nanoseconds.
    pub routing_ns: u64,
    /// The time that rules over several events took to count and measure, nanoseconds.
    pub counting_ns: u64,
    /// By rule and step: the rule it belongs to, and whether a match of its condition is one of that rule.
    owners: Vec<(usize, bool)>,
}

impl Costs {
    /// Nothing yet.
    #[must_use]
    pub fn new(set: &RuleSet) -> Self {
        let places: HashMap<&str, usize> =
            set.rules().iter().enumerate().map(|(place, rule)| (rule.facts.id.as_str(), place)).collect();
        let several: HashSet<usize> = set.plan.rules().collect();
        let owner = |(place, rule): (usize, &super::Rule)| {
            let owner = places.get(rule.facts.id.as_str()).copied().unwrap_or_default();
            (owner, owner == place && !several.contains(&place))
        };
        Self {
            rules: vec![Cost::default(); set.rules().len()],
            owners: set.rules.iter().enumerate().map(owner).collect(),
            ..Self::default()
        }
    }

    /// The costs a rule or step goes to, and whether a match of it is one of that rule.
    fn of(&mut self, rule: usize) -> Option<(&mut Cost, bool)> {
        let (owner, is_own) = *self.owners.get(rule)?;
        self.rules.get_mut(owner).map(|cost| (cost, is_own))
    }
}

impl RuleSet {
    /// Judges an event and adds what that cost. `clock` gives nanoseconds since whenever.
    pub fn measure(&self, event: &Arc<Event>, state: &mut State, costs: &mut Costs, clock: &mut dyn FnMut() -> u64) {
        let State { scratch, memory } = state;
        costs.events += 1;
        let Some(routed) = self.routed.get(event.kind() as usize) else { return };
        let facts: &Event = event;
        let began = clock();
        // When the last run ended: what lies between two runs is finding the next one.
        let mut ended = began;
        routed.matcher.candidates(facts, scratch, |number, scratch| {
            let start = clock();
            costs.routing_ns = costs.routing_ns.saturating_add(start.saturating_sub(ended));
            let holds = routed.matcher.holds_for(number, facts, scratch);
            if let Some(found) = routed.rules.get(number)
                && let Some(extras) = routed.unless.get(number)
                && let Some(rule) = self.rules.get(found.rule)
            {
                let is_suppressed = holds
                    && rule.unless.iter().zip(extras).any(|(unless, program)| {
                        !unless.until.is_some_and(|until| until.is_over(event.time))
                            && routed.matcher.matches(*program, facts, scratch)
                    });
                if holds && !is_suppressed && self.plan.counts(found.rule) {
                    memory.found.push(found.rule);
                }
                ended = clock();
                if let Some((cost, is_own)) = costs.of(found.rule) {
                    cost.evaluations += 1;
                    cost.hits += u64::from(holds && is_own);
                    cost.time_ns = cost.time_ns.saturating_add(ended.saturating_sub(start));
                }
            }
        });
        let start = clock();
        costs.routing_ns = costs.routing_ns.saturating_add(start.saturating_sub(ended));
        self.plan.take(event, memory, &mut |fired| {
            if let Some((cost, _)) = costs.of(fired.rule) {
                cost.hits += 1;
            }
            true
        });
        costs.counting_ns = costs.counting_ns.saturating_add(clock().saturating_sub(start));
    }
}
