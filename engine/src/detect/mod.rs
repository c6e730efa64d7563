//! The detection engine: a set of rules, compiled for each kind of event, and its verdict on events.
//!
//! Reading rules does I/O; judging an event does none, asks no clock and looks up no name. Rules are
//! routed by kind; equal predicates of different rules are judged once per event, through a memo
//! that lives in the caller's [`State`]. Nothing is allocated unless a rule matches.

mod foreign;
mod report;

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

pub use foreign::ForeignRules;
pub use report::ExceptionReport;

use crate::{
    alert::{Alert, Occurrences, RuleFacts},
    event::{Event, Kind},
    rule::{
        Diagnostics, Loaded, Loader, Program, Purpose, Table, Template, Until,
        loaded::{Action, State as RuleState},
        sigma::Fieldmap,
    },
};

/// A rule of a set.
#[derive(Debug)]
pub struct Rule {
    /// What alerts say of it.
    pub facts: Arc<RuleFacts>,
    /// Whether it can match.
    pub state: RuleState,
    /// Kinds of which an event may match.
    pub kinds: Vec<Kind>,
    /// What is to be done about a match.
    pub respond: Vec<Action>,
    output: Template,
    unless: Vec<Unless>,
}

/// One `unless` of a rule.
#[derive(Debug)]
struct Unless {
    name: String,
    owner: String,
    until: Option<Until>,
    hits: AtomicU64,
}

/// A rule's programs for one kind.
#[derive(Debug)]
struct Routed {
    rule: usize,
    program: Program,
    /// In the order of the rule's list; one that can never match has a constant.
    unless: Vec<Program>,
}

/// Rules ready to judge. Immutable but for the hit counters of exceptions; shared by all workers.
#[derive(Debug, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
    table: Table,
    /// By kind.
    routed: Vec<Vec<Routed>>,
}

/// What a worker keeps between events: the outcomes of predicates for the event at hand.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Per predicate: the number of the event it was judged for, shifted by one, and the outcome.
    memo: Vec<u64>,
    event: u64,
}

impl State {
    /// Forgets the last event and makes room for the predicates of a set.
    fn next_event(&mut self, predicates: usize) {
        // 63 bits of events: at a billion per second, three centuries.
        self.event = self.event.wrapping_add(1);
        if self.memo.len() != predicates {
            self.memo.clear();
            self.memo.resize(predicates, 0);
        }
    }

    fn outcome(&mut self, index: usize, judge: impl FnOnce() -> bool) -> bool {
        let Some(slot) = self.memo.get_mut(index) else { return judge() };
        if *slot >> 1 == self.event {
            return *slot & 1 == 1;
        }
        let outcome = judge();
        *slot = self.event << 1 | u64::from(outcome);
        outcome
    }
}

impl RuleSet {
    /// Reads and compiles all rules below some paths. The findings beside the set are warnings.
    ///
    /// # Errors
    /// Everything that is wrong with any of them; then no rule is used.
    pub fn load(paths: &[PathBuf], fieldmap: Arc<Fieldmap>) -> Result<(Self, Diagnostics), Diagnostics> {
        Self::read(paths, &Loader::new(fieldmap))
    }

    /// Reads with a loader of one's own and compiles all rules below some paths.
    ///
    /// # Errors
    /// Everything that is wrong with any of them; then no rule is used.
    pub fn read(paths: &[PathBuf], loader: &Loader) -> Result<(Self, Diagnostics), Diagnostics> {
        let (rules, diagnostics) = loader.load(paths);
        if diagnostics.has_errors() { Err(diagnostics) } else { Ok((Self::new(rules), diagnostics)) }
    }

    /// Compiles rules.
    #[must_use]
    pub fn new(loaded: Vec<Loaded>) -> Self {
        let mut set = Self { routed: Kind::ALL.iter().map(|_| Vec::new()).collect(), ..Self::default() };
        for loaded in loaded {
            set.add(loaded);
        }
        set
    }

    fn add(&mut self, loaded: Loaded) {
        let rule = self.rules.len();
        let mut kinds = Vec::new();
        for (kind, routed) in Kind::ALL.iter().copied().zip(&mut self.routed) {
            let program = Program::new(&loaded.condition, kind, Purpose::Alert, &mut self.table);
            if matches!(program, Program::Const(false)) {
                continue;
            }
            let unless = loaded
                .unless
                .iter()
                .map(|exception| Program::new(&exception.condition, kind, Purpose::Suppress, &mut self.table))
                .collect();
            kinds.push(kind);
            routed.push(Routed { rule, program, unless });
        }
        let facts = Arc::new(facts(&loaded));
        let unless = loaded
            .unless
            .into_iter()
            .map(|exception| Unless {
                name: exception.name,
                owner: exception.owner,
                until: exception.until,
                hits: AtomicU64::new(0),
            })
            .collect();
        self.rules.push(Rule {
            facts,
            state: loaded.state,
            kinds,
            respond: loaded.respond,
            output: loaded.output,
            unless,
        });
    }

    /// The rules, in the order they were read.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The kinds some rule may match: no other has to be watched for their sake.
    #[must_use]
    pub fn needed_kinds(&self) -> BTreeSet<Kind> {
        self.rules.iter().flat_map(|rule| rule.kinds.iter().copied()).collect()
    }

    /// The number of different predicates.
    #[must_use]
    pub fn predicates(&self) -> usize {
        self.table.predicates().len()
    }

    /// Judges an event by all rules and gives every match to `sink`, suppressed ones too.
    pub fn evaluate(&self, event: &Arc<Event>, state: &mut State, sink: &mut dyn FnMut(Alert)) {
        let facts: &Event = event;
        let Some(routed) = self.routed.get(facts.kind() as usize) else { return };
        state.next_event(self.table.predicates().len());
        let mut holds = |id: crate::rule::PredicateId| {
            state.outcome(id.index(), || self.table.get(id).is_some_and(|predicate| predicate.holds(facts)))
        };
        for routed in routed {
            if !routed.program.matches(facts, &self.table, &mut holds) {
                continue;
            }
            let Some(rule) = self.rules.get(routed.rule) else { continue };
            let suppressed_by = rule.unless.iter().zip(&routed.unless).find(|(unless, program)| {
                !unless.until.is_some_and(|until| until.is_over(event.time))
                    && program.matches(facts, &self.table, &mut holds)
            });
            if let Some((unless, _)) = suppressed_by {
                unless.hits.fetch_add(1, Ordering::Relaxed);
            }
            sink(Alert {
                id: Alert::id_of(&rule.facts, event),
                rule: Arc::clone(&rule.facts),
                event: Arc::clone(event),
                message: self.message(rule, &routed.program, event),
                suppressed_by: suppressed_by.map(|(unless, _)| unless.name.clone()),
                occurrences: Occurrences::once(event.time),
            });
        }
    }

    /// The rule's output, and which fields the verdict rests on without having seen them whole.
    fn message(&self, rule: &Rule, program: &Program, event: &Event) -> Vec<u8> {
        let mut message = rule.output.fill(event);
        let cut = program.cut_fields(event, &self.table);
        if !cut.is_empty() {
            message.extend_from_slice(format!(" [not seen whole: {}]", cut.join(", ")).as_bytes());
        }
        message
    }
}

/// What alerts say of a rule.
fn facts(loaded: &Loaded) -> RuleFacts {
    RuleFacts {
        id: loaded.id.clone(),
        title: loaded.title.clone(),
        description: loaded.description.clone(),
        severity: loaded.severity,
        tags: loaded.tags.clone(),
        references: loaded.references.clone(),
        author: loaded.author.clone(),
        license: loaded.license.clone(),
        ruleset: loaded.ruleset,
        content_hash: loaded.content_hash.clone(),
    }
}

#[cfg(test)]
mod tests;
