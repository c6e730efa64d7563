//! The matcher: many programs over one kind of event, few of which are run for any one event.
//!
//! ```text
//! programs ─ need ─> sets of facts ─ chosen by rarity ─> FieldIndex per field ─┐
//!     │                                            event ─> values ─> look-ups ┴─> programs to run
//!     └── code, check ──────────────────────────────────────────────────────────> run, cheapest first
//! ```
//!
//! Of every program up to three needs are chosen: sets of facts of which an event must have one; and what
//! excludes it: facts that an event must not have. Each field is looked at once, or its value is recalled from an
//! earlier event; what the value meets is marked, and programs whose needs are all marked and that nothing
//! excludes are run, but for the parts that hold whenever a need is met. Those without a need are
//! always run. A need may be met without a match, never the other way round: `tests` holds the matcher
//! against running every program.

mod affix;
mod check;
mod choose;
mod code;
mod field;
mod filter;
mod folded;
mod gate;
mod known;
mod literal;
mod lookups;
mod need;
mod network;
mod number;
mod rarity;
mod scan;
mod seen;
mod table;
mod targets;
mod texts;

use std::sync::Arc;

pub(super) use self::seen::MAX_EVENTS;

use ahash::{AHashMap, AHashSet};

use self::{
    check::Check,
    choose::Candidate,
    code::{Code, Goto},
    folded::Folded,
    known::{Found, Identity, Memory, Recalled},
    lookups::{Lookups, Wanted},
    rarity::Rarity,
    targets::{Marks, NEEDS, Target},
};
use crate::{
    event::{Event, Facts, value::Value},
    rule::{PredicateId, Program, Table, expr::Subject, test::Test},
};

/// Programs, ready to run.
#[derive(Debug, Default)]
pub(super) struct Matcher {
    /// Fields that are looked at; those of `lookups` first, in their order.
    fields: Vec<Subject>,
    lookups: Lookups,
    /// The needs of programs that need less than two.
    initial: Marks,
    code: Code,
    /// Where each program starts.
    starts: Vec<Goto>,
    /// The same of the programs that are run on request.
    extra_starts: Vec<Goto>,
    checks: Vec<Check>,
    identity: Identity,
}

/// A program that is run on request only.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extra(usize);

/// What a worker keeps between events: room for what is known of the event at hand.
#[derive(Clone, Debug, Default)]
pub(super) struct Scratch {
    event: u64,
    /// Per check: the number of the event it was judged for, shifted by one, and the outcome.
    memo: Vec<u64>,
    marks: Marks,
    slots: Vec<Slot>,
    /// What is known of values whatever the event.
    memory: Memory,
}

/// What is known of one field.
#[derive(Clone, Debug, Default)]
struct Slot {
    /// The event it is known of.
    event: u64,
    /// Its value is a single string, which is this one folded.
    is_text: bool,
    folded: Folded,
}

impl Scratch {
    /// Forgets the last event and makes room for what a matcher needs.
    fn next_event(&mut self, matcher: &Matcher) {
        // 63 bits of events: at a billion per second, three centuries. Numbers are never used again,
        // so that nothing known of another event or from another matcher is taken for this one's.
        self.event = self.event.wrapping_add(1);
        if self.memo.len() < matcher.checks.len() {
            self.memo.resize(matcher.checks.len(), 0);
        }
        // One more for what belongs to no field.
        if self.slots.len() <= matcher.fields.len() {
            self.slots.resize_with(matcher.fields.len() + 1, Slot::default);
        }
        self.marks.start(&matcher.initial);
    }
}

impl Matcher {
    /// Calls `matched` with the number of every program that matches, in order. Programs on request
    /// can be asked for the same event until the next call.
    pub(super) fn evaluate<F: Facts>(
        &self,
        facts: &F,
        scratch: &mut Scratch,
        mut matched: impl FnMut(usize, &mut Scratch),
    ) {
        self.candidates(facts, scratch, |program, scratch| {
            if self.holds_for(program, facts, scratch) {
                matched(program, scratch);
            }
        });
    }

    /// Calls `candidate` with the number of every program whose needs the event meets, in order.
    pub(super) fn candidates<F: Facts>(
        &self,
        facts: &F,
        scratch: &mut Scratch,
        mut candidate: impl FnMut(usize, &mut Scratch),
    ) {
        scratch.next_event(self);
        self.mark(facts, scratch);
        if !facts.cut().is_empty() {
            // A negated test of a text of which the event has a part only is open, whatever was found.
            scratch.marks.exclude_none();
        }
        let mut block = 0;
        while let Some(groups) = scratch.marks.groups_met(block) {
            for group in bits(groups).map(|place| block * 64 + place) {
                for program in bits(scratch.marks.met(group)).map(|place| group * 64 + place) {
                    candidate(program, scratch);
                }
            }
            block += 1;
        }
    }

    /// Whether a program matches the event that is being evaluated.
    pub(super) fn holds_for<F: Facts>(&self, program: usize, facts: &F, scratch: &mut Scratch) -> bool {
        self.starts.get(program).is_some_and(|start| self.run(*start, facts, scratch))
    }

    /// Whether a program on request matches the event that was evaluated last.
    pub(super) fn matches<F: Facts>(&self, extra: Extra, facts: &F, scratch: &mut Scratch) -> bool {
        self.extra_starts.get(extra.0).is_some_and(|start| self.run(*start, facts, scratch))
    }

    /// Marks the needs that the event meets.
    fn mark<F: Facts>(&self, facts: &F, scratch: &mut Scratch) {
        let Scratch { event: number, marks, slots, memory, .. } = scratch;
        let memory = memory.of(&self.identity, self.lookups.indexes.len());
        let fields = self.fields.iter().zip(&self.lookups.indexes);
        for (((field, index), slot), known) in fields.zip(slots.iter_mut()).zip(memory) {
            let value = field.value(facts);
            let mut kept = None;
            if let Value::Bytes(text) = value
                && index.has_texts()
            {
                match known.recall(text) {
                    Recalled::Known(ranges) => {
                        ranges.iter().for_each(|range| marks.set(self.lookups.targets(*range)));
                        // It is folded if somebody asks for it.
                        slot.event = 0;
                        continue;
                    }
                    Recalled::New(place) => kept = Some((place, text)),
                    Recalled::No => {}
                }
            }
            let mut found = Found::default();
            slot.is_text = index.find(value, &mut slot.folded, &mut |range| {
                marks.set(self.lookups.targets(range));
                found.add(range);
            });
            slot.event = *number;
            if let Some((place, text)) = kept {
                known.keep(place, text, &found);
            }
        }
        if let Some(room) = slots.last_mut() {
            self.lookups.find_anywhere(facts, &mut room.folded, &mut |targets| marks.set(targets));
        }
    }

    fn run<F: Facts>(&self, start: Goto, facts: &F, scratch: &mut Scratch) -> bool {
        let is_cut = !facts.cut().is_empty();
        self.code.run(
            start,
            |check| self.holds(check, facts, scratch),
            |check| is_cut && self.checks.get(check).is_some_and(|check| check.predicate.is_cut(facts)),
        )
    }

    fn holds<F: Facts>(&self, number: usize, facts: &F, scratch: &mut Scratch) -> bool {
        let (Some(check), Some(memo)) = (self.checks.get(number), scratch.memo.get_mut(number)) else { return false };
        if *memo >> 1 == scratch.event {
            return *memo & 1 == 1;
        }
        let text = check.slot().and_then(|slot| {
            let (field, slot) = (self.fields.get(slot)?, scratch.slots.get_mut(slot)?);
            slot.text(scratch.event, || field.value(facts))
        });
        let outcome = match text {
            Some(text) => check.holds_folded(text, || check.predicate.holds(facts)),
            None => check.predicate.holds(facts),
        };
        *memo = scratch.event << 1 | u64::from(outcome);
        outcome
    }
}

/// The places of the bits of a word, the lowest first.
fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = (word != 0).then(|| word.trailing_zeros() as usize)?;
        word &= word - 1;
        Some(place)
    })
}

impl Slot {
    /// The folded text of a field, if it is a single string.
    fn text<'e>(&mut self, event: u64, value: impl FnOnce() -> Value<'e>) -> Option<&Folded> {
        if self.event != event {
            self.event = event;
            self.is_text = false;
            if let Value::Bytes(text) = value() {
                self.folded.fill(text);
                self.is_text = true;
            }
        }
        self.is_text.then_some(&self.folded)
    }
}

/// Makes a [`Matcher`].
pub(super) struct Builder<'t> {
    table: &'t Table,
    matcher: Matcher,
    check_numbers: AHashMap<PredicateId, u32>,
    rarity: Rarity,
    slots: AHashMap<Subject, usize>,
}

impl<'t> Builder<'t> {
    /// Of programs that are numbered in this order, over the predicates of a table. The events, if there are any,
    /// stand for those that are to be expected.
    pub(super) fn new(programs: &[&Program], table: &'t Table, events: &[Arc<Event>]) -> Self {
        let mut rarity = Rarity::default();
        events.iter().for_each(|event| rarity.observe(event.as_ref()));
        let mut seen = AHashSet::new();
        for program in programs {
            program.each_test(&mut |id| {
                if seen.insert(id)
                    && let Some(Test::Text(strings)) = table.get(id).map(|predicate| &predicate.test)
                {
                    strings.needles().iter().for_each(|needle| rarity.learn(needle));
                }
            });
        }
        let (matcher, check_numbers, slots) = (Matcher::default(), AHashMap::new(), AHashMap::new());
        let mut builder = Self { table, matcher, check_numbers, rarity, slots };
        let decided = builder.index(programs, events);
        for (program, decided) in programs.iter().zip(decided) {
            let open = need::parts(program).iter().enumerate().filter(|(number, _)| !decided.contains(number));
            let open: Vec<&Program> = open.map(|(_, part)| part).collect();
            let start = builder.compile(&open);
            builder.matcher.starts.push(start);
        }
        builder
    }

    /// A program that is run on request.
    pub(super) fn extra(&mut self, program: &Program) -> Extra {
        let start = self.compile(&[program]);
        self.matcher.extra_starts.push(start);
        Extra(self.matcher.extra_starts.len() - 1)
    }

    pub(super) fn finish(self) -> Matcher {
        self.matcher
    }

    /// The code of parts that all have to hold.
    fn compile(&mut self, parts: &[&Program]) -> Goto {
        let Self { table, matcher, check_numbers, rarity, slots } = self;
        let Matcher { code, checks, fields, .. } = matcher;
        let mut check = |id: PredicateId| {
            *check_numbers.entry(id).or_insert_with(|| {
                if let Some(predicate) = table.predicates().get(id.index()) {
                    let slot = match &predicate.subject {
                        Subject::Anywhere | Subject::Derived(_) => None,
                        field @ (Subject::Field(_) | Subject::Named(_)) => {
                            Some(*slots.entry(field.clone()).or_insert_with(|| {
                                fields.push(field.clone());
                                fields.len() - 1
                            }))
                        }
                    };
                    checks.push(Check::new(Arc::clone(predicate), slot, rarity));
                }
                u32::try_from(checks.len().saturating_sub(1)).unwrap_or(u32::MAX)
            })
        };
        code.add(parts, &mut check)
    }

    /// Chooses needs and builds the look-ups for them. Gives the parts of each program that need no test
    /// any more once they are met.
    fn index<'p>(&mut self, programs: &[&'p Program], events: &[Arc<Event>]) -> Vec<Vec<usize>> {
        let rarity = &self.rarity;
        let mut decided = Vec::with_capacity(programs.len());
        let candidate = |program: &&'p Program| Candidate {
            program,
            needs: need::of_program(program, self.table, rarity),
            exclusions: need::exclusions(program, self.table, rarity),
        };
        let mut candidates: Vec<Candidate<'_>> = programs.iter().map(candidate).collect();
        seen::count(&mut candidates, events, rarity);
        let mut wanted = Wanted::default();
        let mut initial = Marks::new(programs.len());
        for (number, chosen) in (0_u32..).zip(choose::choose(&candidates, self.table)) {
            decided.push(chosen.needs.iter().filter_map(|need| need.decides).collect());
            for place in 0..NEEDS {
                let target = Target::new(number, place);
                match chosen.needs.get(place as usize) {
                    Some(need) => need.facts.iter().for_each(|fact| wanted.add(fact, target)),
                    None => initial.set(&[target]),
                }
            }
            let excluding = chosen.excluding.iter().flat_map(|need| &need.facts);
            excluding.for_each(|fact| wanted.add(fact, Target::exclusion(number)));
        }
        let (fields, lookups) = wanted.into_lookups(rarity);
        self.matcher.lookups = lookups;
        self.slots = fields.iter().enumerate().map(|(slot, field)| (field.clone(), slot)).collect();
        self.matcher.fields = fields;
        self.matcher.initial = initial;
        decided
    }
}

#[cfg(test)]
mod tests;
