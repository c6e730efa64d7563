//! The detection engine: a set of rules, compiled for each kind of event, and its verdict on events.
//!
//! Reading rules does I/O; judging an event does none, asks no clock and looks up no name. Rules are
//! routed by kind; equal predicates of different rules are judged once per event, through a memo
//! that lives in the caller's [`State`]. Nothing is allocated unless a rule matches.

mod cost;
mod foreign;
mod matcher;
mod report;
mod sample;
mod state;

use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

pub use cost::{Cost, Costs};
pub use foreign::ForeignRules;
use matcher::{Builder, Extra, Matcher, Scratch};
pub use report::ExceptionReport;
pub use sample::Sample;
pub use state::{Counters as StateCounters, Dropped, Limits as StateLimits};
use state::{Fired, Memory, Plan};

use crate::{
    alert::{Alert, Indicator, Occurrences, RuleFacts},
    event::{Event, Kind, value::Time},
    rule::{
        Diagnostics, Filter, Loaded, Loader, Program, Purpose, Table, Template, Until,
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
    /// Whether a match of its condition makes no alert: it counts for rules over several events.
    silent: bool,
}

/// One `unless` of a rule.
#[derive(Debug)]
struct Unless {
    name: String,
    owner: String,
    until: Option<Until>,
    hits: AtomicU64,
    /// Set if it is asked of the event that completes a match over several.
    filter: Option<Filter>,
}

/// A rule's programs for one kind.
#[derive(Debug)]
struct Compiled {
    rule: usize,
    program: Program,
    /// In the order of the rule's list; one that can never match has a constant.
    unless: Vec<Program>,
}

/// Fewer events of a kind say nothing of others.
const MIN_EVENTS: usize = 32;

/// Rules ready to judge. Immutable but for the hit counters of exceptions; shared by all workers.
#[derive(Debug, Default)]
pub struct RuleSet {
    rules: Arc<Vec<Rule>>,
    /// How many of them somebody wrote; those after them are steps of theirs.
    written: usize,
    table: Arc<Table>,
    /// By kind.
    routed: Vec<Routed>,
    plan: Arc<Plan>,
    /// What alerts say of the texts it was made of.
    generation: Option<Arc<str>>,
}

/// The rules of one kind.
#[derive(Clone, Debug, Default)]
struct Routed {
    rules: Arc<Vec<Compiled>>,
    matcher: Arc<Matcher>,
    /// By the places of the rules: their exceptions in the matcher.
    unless: Arc<Vec<Vec<Extra>>>,
}

/// What a worker keeps between events: what is known of the event at hand, and what rules over several
/// events remember.
#[derive(Clone, Debug, Default)]
pub struct State {
    scratch: Scratch,
    memory: Memory,
}

impl State {
    /// One that remembers within bounds.
    #[must_use]
    pub fn new(limits: StateLimits) -> Self {
        Self { scratch: Scratch::default(), memory: Memory::new(limits) }
    }

    /// What rules over several events hold, and what was done.
    #[must_use]
    pub fn counters(&self) -> StateCounters {
        self.memory.counters()
    }

    /// Makes the state one for another set. Rules over several events that are in it with the same id
    /// and the same content, that of the rules they refer to included, keep what they remember. Returns
    /// what of it is dropped.
    pub fn move_to(&mut self, rules: &RuleSet) -> Dropped {
        self.scratch = Scratch::default();
        self.memory.move_to(&rules.plan)
    }
}

impl Rule {
    fn new(loaded: Loaded, kinds: Vec<Kind>) -> Self {
        let facts = Arc::new(facts(&loaded));
        let is_asked_last = matches!(&loaded.correlation, Some(it) if !it.has_condition());
        let silent = loaded.silenced || loaded.correlation.is_some();
        let unless = loaded
            .unless
            .into_iter()
            .map(|exception| Unless {
                filter: is_asked_last.then(|| Filter::new(&exception.condition, Purpose::Suppress)),
                name: exception.name,
                owner: exception.owner,
                until: exception.until,
                hits: AtomicU64::new(0),
            })
            .collect();
        Self { facts, state: loaded.state, kinds, respond: loaded.respond, output: loaded.output, unless, silent }
    }
}

impl Routed {
    /// The events, if there are any, stand for those that are to be expected.
    fn new(rules: Arc<Vec<Compiled>>, table: &Table, events: &[Arc<Event>]) -> Self {
        let programs: Vec<&Program> = rules.iter().map(|compiled| &compiled.program).collect();
        let mut builder = Builder::new(&programs, table, events);
        let mut extras = |compiled: &Compiled| compiled.unless.iter().map(|program| builder.extra(program)).collect();
        let unless = rules.iter().map(&mut extras).collect();
        Self { matcher: Arc::new(builder.finish()), unless: Arc::new(unless), rules }
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

    /// Compiles rules. The set depends on nothing else, and can be swapped for another at any time.
    #[must_use]
    pub fn new(mut loaded: Vec<Loaded>) -> Self {
        let written = loaded.len();
        let plan = Plan::new(&mut loaded);
        let mut table = Table::default();
        let mut by_kind: Vec<Vec<Compiled>> = Kind::ALL.iter().map(|_| Vec::new()).collect();
        let mut rules = Vec::with_capacity(loaded.len());
        for loaded in loaded {
            let mut kinds = Vec::new();
            for (kind, compiled) in Kind::ALL.iter().copied().zip(&mut by_kind) {
                let program = Program::new(&loaded.condition, kind, Purpose::Alert, &mut table);
                if matches!(program, Program::Const(false)) {
                    continue;
                }
                let exceptions = loaded.unless.iter();
                let unless = exceptions
                    .map(|exception| Program::new(&exception.condition, kind, Purpose::Suppress, &mut table))
                    .collect();
                kinds.push(kind);
                compiled.push(Compiled { rule: rules.len(), program, unless });
            }
            rules.push(Rule::new(loaded, kinds));
        }
        add_kinds_of_sources(&mut rules, &plan);
        let routed = by_kind.into_iter().map(|rules| Routed::new(Arc::new(rules), &table, &[])).collect();
        let (rules, table, plan) = (Arc::new(rules), Arc::new(table), Arc::new(plan));
        Self { rules, written, table, routed, plan, generation: None }
    }

    /// The same rules with matchers made for events like these: same verdicts, sooner. Kinds of which few events are
    /// there keep theirs. The counters of exceptions are shared, and states of either set are states of the other.
    #[must_use]
    pub fn tuned(&self, sample: &Sample) -> Self {
        let routed = Kind::ALL.iter().zip(&self.routed).map(|(kind, routed)| match sample.of(*kind) {
            events if events.len() < MIN_EVENTS => routed.clone(),
            events => Routed::new(Arc::clone(&routed.rules), &self.table, events),
        });
        Self {
            routed: routed.collect(),
            rules: Arc::clone(&self.rules),
            written: self.written,
            table: Arc::clone(&self.table),
            plan: Arc::clone(&self.plan),
            generation: self.generation.clone(),
        }
    }

    /// Names the texts it was made of: every alert carries that.
    #[must_use]
    pub fn with_generation(mut self, generation: &str) -> Self {
        self.generation = Some(generation.into());
        self
    }

    /// The name of the texts it was made of; none if nobody gave one.
    #[must_use]
    pub fn generation(&self) -> Option<&str> {
        self.generation.as_deref()
    }

    /// Goes on counting where the exceptions of unchanged rules of another set have ended.
    pub fn inherit(&self, other: &Self) {
        let old: HashMap<(&str, &str), &[Unless]> = other
            .rules
            .iter()
            .map(|rule| ((rule.facts.id.as_str(), rule.facts.content_hash.as_str()), rule.unless.as_slice()))
            .collect();
        for rule in self.rules.iter() {
            let before = old.get(&(rule.facts.id.as_str(), rule.facts.content_hash.as_str()));
            for (unless, before) in rule.unless.iter().zip(before.copied().unwrap_or_default()) {
                unless.hits.fetch_add(before.hits.load(Ordering::Relaxed), Ordering::Relaxed);
            }
        }
    }

    /// The rules, in the order they were read.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        self.rules.get(..self.written).unwrap_or_default()
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
        self.judge(event, state, sink);
        self.plan.take(event, &mut state.memory, &mut |fired| self.raise(fired, sink));
    }

    /// Moves the time of rules over several events on where no event does: some say what must not
    /// happen, and are judged when their window is over.
    pub fn tick(&self, Time(now): Time, state: &mut State, sink: &mut dyn FnMut(Alert)) {
        self.plan.tick(now, &mut state.memory, &mut |fired| self.raise(fired, sink));
    }

    /// Makes the alert of a rule over several events; says whether nothing suppresses it.
    fn raise(&self, Fired { rule, event, evidence }: Fired, sink: &mut dyn FnMut(Alert)) -> bool {
        let Some(rule) = self.rules.get(rule) else { return false };
        let suppressed_by = rule.unless.iter().find(|unless| {
            !unless.until.is_some_and(|until| until.is_over(event.time))
                && unless.filter.as_ref().is_some_and(|filter| filter.matches(&event))
        });
        if let Some(unless) = suppressed_by {
            unless.hits.fetch_add(1, Ordering::Relaxed);
        }
        sink(Alert {
            id: Alert::id_of_evidence(&rule.facts, &evidence),
            rule: Arc::clone(&rule.facts),
            message: rule.output.fill(&event),
            suppressed_by: suppressed_by.map(|unless| unless.name.clone()),
            occurrences: Occurrences::once(event.time),
            event,
            evidence: Some(evidence),
            indicator: None,
            generation: self.generation.clone(),
        });
        suppressed_by.is_none()
    }

    /// Judges an event by every condition.
    fn judge(&self, event: &Arc<Event>, State { scratch, memory }: &mut State, sink: &mut dyn FnMut(Alert)) {
        let facts: &Event = event;
        let Some(routed) = self.routed.get(facts.kind() as usize) else { return };
        routed.matcher.evaluate(facts, scratch, |number, scratch| {
            let (Some(found), Some(extras)) = (routed.rules.get(number), routed.unless.get(number)) else { return };
            let Some(rule) = self.rules.get(found.rule) else { return };
            let suppressed_by = rule.unless.iter().zip(extras).find(|(unless, program)| {
                !unless.until.is_some_and(|until| until.is_over(event.time))
                    && routed.matcher.matches(**program, facts, scratch)
            });
            if let Some((unless, _)) = suppressed_by {
                unless.hits.fetch_add(1, Ordering::Relaxed);
            }
            if suppressed_by.is_none() && self.plan.counts(found.rule) {
                memory.found.push(found.rule);
            }
            if rule.silent {
                return;
            }
            sink(Alert {
                id: Alert::id_of(&rule.facts, event),
                rule: Arc::clone(&rule.facts),
                event: Arc::clone(event),
                message: self.message(rule, &found.program, event),
                suppressed_by: suppressed_by.map(|(unless, _)| unless.name.clone()),
                occurrences: Occurrences::once(event.time),
                evidence: None,
                indicator: found.program.indicator(facts, &self.table).map(|(list, hit)| Indicator {
                    list: list.name().to_owned(),
                    entry: hit.indicator,
                    description: hit.description,
                    reference: hit.reference,
                }),
                generation: self.generation.clone(),
            });
        });
    }

    /// The rules that match an event, suppressed ones too, found by running every rule by its
    /// definition: what [`Self::evaluate`] must agree with.
    pub fn scan<'s>(&'s self, event: &'s Event) -> impl Iterator<Item = &'s Rule> {
        let routed = self.routed.get(event.kind() as usize).map(|routed| routed.rules.as_slice()).unwrap_or_default();
        let holds = |id| self.table.get(id).is_some_and(|predicate| predicate.holds(event));
        let matching = routed.iter().filter(move |routed| routed.program.matches(event, &self.table, &mut { holds }));
        matching.filter_map(|routed| self.rules.get(routed.rule))
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

/// A rule over several events looks at what its sources look at.
fn add_kinds_of_sources(rules: &mut [Rule], plan: &Plan) {
    for rule in plan.rules() {
        let sources = plan.sources(rule).filter_map(|source| rules.get(source));
        let kinds: BTreeSet<Kind> = sources.flat_map(|source| source.kinds.iter().copied()).collect();
        if let Some(rule) = rules.get_mut(rule) {
            rule.kinds = kinds.into_iter().collect();
        }
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
