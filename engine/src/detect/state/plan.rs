//! Rules over several events, compiled: whose matches count where.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::rule::{
    Loaded,
    correlate::{Correlation, Measure, Slot, Source},
    test::Case,
};

/// The rules over several events of a set, each after those it refers to.
#[derive(Debug, Default)]
pub(in crate::detect) struct Plan {
    pub(super) machines: Vec<Machine>,
    /// By rule: where the matches of its condition count.
    pub(super) feeds: Vec<Vec<Feed>>,
    /// Tells plans apart.
    pub(super) id: [u8; 32],
}

/// One rule over several events.
#[derive(Debug)]
pub(super) struct Machine {
    /// Its place in the set.
    pub(super) rule: usize,
    /// Its id, for reports.
    pub(super) name: String,
    pub(super) slots: Vec<Slot>,
    pub(super) measure: Measure,
    pub(super) within_ns: i64,
    pub(super) case: Case,
    pub(super) lineage: String,
    /// Whether it makes no alerts.
    pub(super) silenced: bool,
    /// Where its own matches count.
    pub(super) feeds: Vec<Feed>,
}

/// A source of a rule over several events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Feed {
    pub(super) machine: usize,
    pub(super) slot: usize,
}

impl Plan {
    /// Compiles what rules ask of several events. Conditions that are sources become rules of their
    /// own, which are added at the end.
    pub(in crate::detect) fn new(rules: &mut Vec<Loaded>) -> Self {
        let mut compiler = Compiler {
            ids: rules.iter().enumerate().map(|(index, rule)| (rule.id.clone(), index)).collect(),
            plan: Self { feeds: vec![Vec::new(); rules.len()], ..Self::default() },
            done: HashMap::new(),
        };
        for rule in 0..rules.len() {
            compiler.add(rule, rules);
        }
        let mut plan = compiler.plan;
        let mut hash = Sha256::new();
        for machine in &plan.machines {
            hash.update(&machine.lineage);
            hash.update([u8::from(machine.silenced)]);
        }
        plan.id = hash.finalize().into();
        plan
    }

    /// Whether matches of a rule's condition count for some rule.
    pub(in crate::detect) fn counts(&self, rule: usize) -> bool {
        self.feeds.get(rule).is_some_and(|feeds| !feeds.is_empty())
    }

    /// The rules whose matches are sources of a rule over several events, or its own number if its
    /// condition is; nothing for other rules.
    pub(in crate::detect) fn sources(&self, rule: usize) -> impl Iterator<Item = usize> {
        let machine = self.machines.iter().position(|machine| machine.rule == rule);
        let fed = move |feeds: &[Feed]| feeds.iter().any(|feed| Some(feed.machine) == machine);
        let conditions = self.feeds.iter().enumerate().filter(move |(_, feeds)| fed(feeds)).map(|(rule, _)| rule);
        conditions.chain(self.machines.iter().filter(move |other| fed(&other.feeds)).map(|other| other.rule))
    }

    /// The rules over several events, each after those it refers to.
    pub(in crate::detect) fn rules(&self) -> impl Iterator<Item = usize> {
        self.machines.iter().map(|machine| machine.rule)
    }
}

struct Compiler {
    ids: HashMap<String, usize>,
    plan: Plan,
    /// Machines by rule.
    done: HashMap<usize, usize>,
}

impl Compiler {
    /// Adds the machine of a rule, those it refers to before it. The loader has made sure that rules
    /// do not refer to themselves and that the way is short.
    fn add(&mut self, rule: usize, rules: &mut Vec<Loaded>) {
        if self.done.contains_key(&rule) {
            return;
        }
        let Some(Correlation { slots, measure, within_ns, case, lineage }) =
            rules.get(rule).and_then(|rule| rule.correlation.clone())
        else {
            return;
        };
        for slot in &slots {
            if let Source::Rule(id) = &slot.source
                && let Some(source) = self.ids.get(id)
            {
                self.add(*source, rules);
            }
        }
        let machine = self.plan.machines.len();
        for (slot, source) in slots.iter().enumerate() {
            let feed = Feed { machine, slot };
            match &source.source {
                Source::Condition(condition) => {
                    let Some(parent) = rules.get(rule) else { continue };
                    rules.push(parent.step(condition.clone()));
                    self.plan.feeds.push(vec![feed]);
                }
                Source::Own => self.feed(rule, feed),
                Source::Rule(id) => {
                    let Some(source) = self.ids.get(id).copied() else { continue };
                    match self.done.get(&source).and_then(|machine| self.plan.machines.get_mut(*machine)) {
                        Some(source) => source.feeds.push(feed),
                        None => self.feed(source, feed),
                    }
                }
            }
        }
        self.done.insert(rule, machine);
        let (name, silenced) = rules.get(rule).map(|rule| (rule.id.clone(), rule.silenced)).unwrap_or_default();
        let feeds = Vec::new();
        self.plan.machines.push(Machine { rule, name, slots, measure, within_ns, case, lineage, silenced, feeds });
    }

    fn feed(&mut self, rule: usize, feed: Feed) {
        if let Some(feeds) = self.plan.feeds.get_mut(rule) {
            feeds.push(feed);
        }
    }
}
