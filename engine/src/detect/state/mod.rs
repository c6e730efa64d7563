//! Rules over several events: which matches count for which rule, and what is remembered of them.
//!
//! [`Plan`] belongs to a rule set and does not change; [`Memory`] belongs to whoever judges events. Time
//! is the events' own: the *watermark* is the newest time seen, and what is older than it by more
//! than the lateness is not counted. A window is closed at both ends and ends with a match; one that
//! says what must not happen begins with a match and is judged once it is over. Rules stand in an
//! order in which each comes after those it refers to, so one pass over an event settles all.

mod group;
mod key;
mod memory;
mod plan;
mod store;

use std::sync::Arc;

use group::{Entry, Group, Pick, Proof};
use key::Keys;
pub(super) use memory::Memory;
pub use memory::{Counters, Dropped, Limits};
use plan::Machine;
pub(super) use plan::Plan;

use crate::{
    alert::Evidence,
    event::{
        Event,
        value::{Bytes, Time},
    },
    rule::correlate::Measure,
};

/// A rule has matched over several events and alerts.
#[derive(Debug)]
pub(super) struct Fired {
    /// Its place in the set.
    pub(super) rule: usize,
    /// The event that completed the match.
    pub(super) event: Arc<Event>,
    /// What it has seen.
    pub(super) evidence: Arc<Evidence>,
}

/// Something that counts for a source of a rule.
#[derive(Clone, Debug)]
struct Item {
    machine: usize,
    slot: usize,
    time: i64,
    serial: u64,
    proof: Proof,
    event: Arc<Event>,
}

/// A match of a rule over several events.
struct Match {
    /// The end of its window.
    time: i64,
    evidence: Arc<Evidence>,
    event: Arc<Event>,
}

/// Takes what fires; says whether it made an alert that is not suppressed.
type Raise<'f> = &'f mut dyn FnMut(Fired) -> bool;

impl Plan {
    /// Takes an event and the rules that matched it, which stand in [`Memory::found`].
    pub(super) fn take(&self, event: &Arc<Event>, memory: &mut Memory, raise: Raise<'_>) {
        if self.machines.is_empty() {
            return;
        }
        memory.serve(self);
        let Some(Time(time)) = event.time else {
            let found = std::mem::take(&mut memory.found).len();
            memory.counters.untimed = memory.counters.untimed.saturating_add(found as u64);
            return;
        };
        let in_time = memory.observe(time);
        if memory.now >= memory.wake {
            self.wake(memory, raise);
        }
        if memory.found.is_empty() {
            return;
        }
        let found = std::mem::take(&mut memory.found);
        if in_time {
            let serial = memory.next_serial();
            let mut items = Vec::new();
            for feed in found.iter().filter_map(|rule| self.feeds.get(*rule)).flatten() {
                let proof = Proof::Event(event.id.clone());
                let event = Arc::clone(event);
                items.push(Item { machine: feed.machine, slot: feed.slot, time, serial, proof, event });
            }
            self.settle(items, memory, raise);
        } else {
            memory.counters.late = memory.counters.late.saturating_add(found.len() as u64);
        }
        memory.found = found;
        memory.found.clear();
    }

    /// Moves time on where no event does.
    pub(super) fn tick(&self, now: i64, memory: &mut Memory, raise: Raise<'_>) {
        memory.serve(self);
        // Nothing has begun before the first event.
        if memory.now == i64::MIN || now <= memory.now {
            return;
        }
        memory.now = now;
        if memory.now >= memory.wake {
            self.wake(memory, raise);
        }
    }

    /// Settles what items bring about, rule after rule.
    fn settle(&self, mut items: Vec<Item>, memory: &mut Memory, raise: Raise<'_>) {
        while let Some(number) = items.iter().map(|item| item.machine).min() {
            let (mine, others): (Vec<Item>, Vec<Item>) = items.into_iter().partition(|item| item.machine == number);
            items = others;
            let Some(machine) = self.machines.get(number) else { continue };
            let mut touched: Vec<(u128, i64)> = Vec::new();
            let mut last = None;
            for item in mine {
                let (time, slot, event) = (item.time, item.slot, Arc::clone(&item.event));
                if let Some(key) = memory.count(machine, number, item) {
                    if !touched.contains(&(key, time)) {
                        touched.push((key, time));
                    }
                    last = Some((slot, event));
                }
            }
            let Some((slot, event)) = last else { continue };
            for (key, time) in touched {
                // A late event may complete windows that end after it.
                let Some(group) = memory.group(number, key) else { continue };
                let anchors = group.times(time, time.saturating_add(machine.within_ns));
                for anchor in anchors {
                    let Some(group) = memory.group(number, key) else { break };
                    let from = anchor.saturating_sub(machine.within_ns);
                    let Some(pick) = group.judge(&machine.measure, from, anchor) else { continue };
                    if machine.is_heard(anchor, group) {
                        let evidence = evidence(group, &pick, machine.shown(slot, &event));
                        let found = Match { time: anchor, evidence, event: Arc::clone(&event) };
                        self.matched(machine, number, key, found, memory, &mut items, raise);
                    } else {
                        memory.counters.repeats = memory.counters.repeats.saturating_add(1);
                    }
                }
            }
        }
    }

    /// Hands a match on: to rules that refer to this one, and as an alert.
    #[expect(clippy::too_many_arguments, reason = "all are of one moment")]
    fn matched(
        &self,
        machine: &Machine,
        number: usize,
        key: u128,
        found: Match,
        memory: &mut Memory,
        items: &mut Vec<Item>,
        raise: Raise<'_>,
    ) {
        let serial = memory.next_serial();
        for feed in &machine.feeds {
            items.push(Item {
                machine: feed.machine,
                slot: feed.slot,
                time: found.time,
                serial,
                proof: Proof::Match(Arc::clone(&found.evidence)),
                event: Arc::clone(&found.event),
            });
        }
        let Some(group) = memory.group(number, key) else { return };
        if machine.silenced || found.time <= group.quiet_until {
            return;
        }
        let Match { time, evidence, event } = found;
        if raise(Fired { rule: machine.rule, event, evidence })
            && let Some(group) = memory.group(number, key)
        {
            group.quiet_until = time.saturating_add(machine.within_ns);
        }
    }

    /// Looks at windows that are over, and forgets what is past.
    fn wake(&self, memory: &mut Memory, raise: Raise<'_>) {
        let mut items = Vec::new();
        for (number, machine) in self.machines.iter().enumerate() {
            while let Some((from, key)) = memory.next_over(number, machine) {
                let to = from.saturating_add(machine.within_ns);
                let Some(group) = memory.group(number, key) else { continue };
                let Some(pick) = group.judge_absence(&machine.measure, from, to) else { continue };
                let Some(event) = last_event(group, &pick) else { continue };
                let slot = last_slot(group, &pick);
                let evidence = evidence(group, &pick, machine.shown(slot, &event));
                let found = Match { time: to, evidence, event };
                self.matched(machine, number, key, found, memory, &mut items, raise);
            }
        }
        if !items.is_empty() {
            self.settle(items, memory, raise);
        }
        memory.sweep(self);
    }
}

/// The entries of a pick, in order.
fn picked<'g>(group: &'g Group, pick: &'g Pick) -> Box<dyn Iterator<Item = &'g Entry> + 'g> {
    match pick {
        Pick::Range(range, slots) => {
            let entries = range.clone().filter_map(|index| group.get(index));
            Box::new(entries.filter(move |entry| entry.slots & slots != 0))
        }
        Pick::These(indexes) => Box::new(indexes.iter().filter_map(|index| group.get(*index))),
    }
}

fn evidence(group: &Group, pick: &Pick, shown: Vec<String>) -> Arc<Evidence> {
    let mut evidence = Evidence { group: shown, ..Evidence::default() };
    let mut last = None;
    for entry in picked(group, pick) {
        evidence.count(Time(entry.time));
        if !evidence.is_full() {
            ids(entry).iter().for_each(|id| evidence.name(id));
        }
        last = Some(entry);
    }
    last.and_then(|entry| ids(entry).last()).into_iter().for_each(|id| evidence.name(id));
    Arc::new(evidence)
}

/// Ids of the events behind an entry.
fn ids(entry: &Entry) -> &[Bytes] {
    match &entry.proof {
        Proof::Event(id) => id.as_slice(),
        Proof::Match(evidence) => &evidence.events,
    }
}

fn last_event(group: &Group, pick: &Pick) -> Option<Arc<Event>> {
    picked(group, pick).last().and_then(|entry| entry.event.clone())
}

fn last_slot(group: &Group, pick: &Pick) -> usize {
    let slots = picked(group, pick).last().map_or(0, |entry| entry.slots);
    usize::try_from(slots.trailing_zeros()).unwrap_or_default()
}

impl Machine {
    /// Whether anybody would hear of a match that ends at `time`.
    fn is_heard(&self, time: i64, group: &Group) -> bool {
        !self.feeds.is_empty() || (!self.silenced && time > group.quiet_until)
    }

    fn shown(&self, slot: usize, event: &Event) -> Vec<String> {
        self.slots.get(slot).map(|slot| key::shown(slot, event)).unwrap_or_default()
    }

    /// Whether some of its windows are judged only when they are over.
    fn waits(&self) -> bool {
        self.measure.absences().next().is_some()
    }

    /// What an event brings to the measure; `None` if it lacks a field.
    fn value(&self, slot: usize, event: &Event, keys: &mut Keys) -> Option<i128> {
        let slot = self.slots.get(slot)?;
        match &self.measure {
            Measure::Average(_) | Measure::Percentile(..) | Measure::Sum(_) => key::number(slot, event),
            Measure::Distinct(_) => keys.value(slot, self.case, event),
            Measure::Events(_) | Measure::Together { .. } => Some(0),
        }
    }
}

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
