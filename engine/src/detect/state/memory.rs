//! What is remembered between events: the groups of all rules, within bounds that hold for all together.
//!
//! When a bound is reached, the least recently used group of one rule goes. A rule that holds more than
//! its share makes room itself; if it holds less, the rule that holds most does. So one rule
//! that is flooded does not make the others forget.

use std::collections::HashMap;

use super::{
    Item,
    group::{Entry, Group},
    key::Keys,
    plan::{Machine, Plan},
    store::Store,
};
use crate::rule::correlate::MAX_EVENTS;

/// Event time between two looks for groups that are past.
const SWEEP_NS: i64 = 1_000_000_000;
/// Groups that are forgotten at one event at most, so that none waits long.
const SWEEP_GROUPS: usize = 256;
/// So many events in a row that are too late mean that the clock was set back.
const SET_BACK: u32 = 1_000;

/// Bounds of what rules over several events remember.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Groups of all rules together.
    pub groups: usize,
    /// Entries of all groups together.
    pub entries: usize,
    /// Entries of one group. A rule that counts further keeps as many as it needs.
    pub group_entries: usize,
    /// How much older than the newest event one may be and still count, nanoseconds.
    pub lateness_ns: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { groups: 100_000, entries: 1_000_000, group_entries: 10_000, lateness_ns: 10_000_000_000 }
    }
}

/// What is held and what was done, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Groups held now.
    pub groups: usize,
    /// Entries held now.
    pub entries: usize,
    /// Groups forgotten early, to make room.
    pub evicted_groups: u64,
    /// Entries forgotten early, in groups that went or because their group was full.
    pub evicted_entries: u64,
    /// Matches that were not counted because they came too late.
    pub late: u64,
    /// Matches that were not counted because their event has no time.
    pub untimed: u64,
    /// Matches that were not counted because their event lacks a field to group, count or measure by.
    pub incomplete: u64,
    /// Matches that made no alert because the group had made one within the window.
    pub repeats: u64,
    /// How often everything was forgotten because the clock was set back.
    pub set_back: u64,
}

impl Counters {
    /// What was forgotten early or not counted although it should have been.
    #[must_use]
    pub fn lost(&self) -> u64 {
        [self.evicted_entries, self.late, self.untimed].into_iter().fold(0, u64::saturating_add)
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub(in crate::detect) struct Memory {
    limits: Limits,
    plan: [u8; 32],
    /// By machine.
    stores: Vec<Store>,
    /// Rules and lineages of the machines.
    owners: Vec<(String, String)>,
    keys: Keys,
    /// Newest time seen; the least there is before the first event.
    pub(super) now: i64,
    /// When something has to be looked at.
    pub(super) wake: i64,
    late_in_a_row: u32,
    serial: u64,
    groups: usize,
    entries: usize,
    pub(super) counters: Counters,
    /// Rules whose condition matched the event at hand.
    pub(in crate::detect) found: Vec<usize>,
}

impl Default for Memory {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

/// What is not kept when rules change. To free it takes time that a pipeline may not have.
#[derive(Debug, Default)]
pub struct Dropped {
    /// Ids of the rules over several events whose memory it was.
    pub rules: Vec<String>,
    _stores: Vec<Store>,
}

impl Memory {
    pub(in crate::detect) fn new(limits: Limits) -> Self {
        let limits = Limits {
            groups: limits.groups.max(1),
            entries: limits.entries.max(1),
            group_entries: limits.group_entries.clamp(1, MAX_EVENTS),
            lateness_ns: limits.lateness_ns.max(0),
        };
        Self {
            limits,
            plan: [0; 32],
            stores: Vec::new(),
            owners: Vec::new(),
            keys: Keys::default(),
            now: i64::MIN,
            wake: i64::MIN,
            late_in_a_row: 0,
            serial: 0,
            groups: 0,
            entries: 0,
            counters: Counters::default(),
            found: Vec::new(),
        }
    }

    /// What is held and what was done.
    pub(in crate::detect) fn counters(&self) -> Counters {
        Counters { groups: self.groups, entries: self.entries, ..self.counters }
    }

    /// Makes sure that what is remembered belongs to a plan.
    pub(super) fn serve(&mut self, plan: &Plan) {
        if self.plan != plan.id || self.stores.len() != plan.machines.len() {
            self.move_to(plan);
        }
    }

    /// Keeps what rules of another plan remember that are in this one unchanged; gives the rest.
    pub(in crate::detect) fn move_to(&mut self, plan: &Plan) -> Dropped {
        let stores = std::mem::take(&mut self.stores);
        let mut old: HashMap<(String, String), Store> =
            std::mem::take(&mut self.owners).into_iter().zip(stores).collect();
        self.owners = plan.machines.iter().map(|it| (it.name.clone(), it.lineage.clone())).collect();
        self.stores = self.owners.iter().map(|owner| old.remove(owner).unwrap_or_default()).collect();
        self.groups = self.stores.iter().map(Store::len).sum();
        self.entries = self.stores.iter().map(|store| store.entries).sum();
        self.plan = plan.id;
        self.wake = i64::MIN;
        let (mut rules, stores): (Vec<String>, Vec<Store>) =
            old.into_iter().map(|((rule, _), store)| (rule, store)).unzip();
        rules.sort_unstable();
        Dropped { rules, _stores: stores }
    }

    pub(super) fn next_serial(&mut self) -> u64 {
        self.serial = self.serial.wrapping_add(1);
        self.serial
    }

    /// Takes the time of an event; says whether it is in time.
    pub(super) fn observe(&mut self, time: i64) -> bool {
        if time >= self.now.saturating_sub(self.limits.lateness_ns) {
            self.now = self.now.max(time);
            self.late_in_a_row = 0;
            return true;
        }
        self.late_in_a_row = self.late_in_a_row.saturating_add(1);
        if self.late_in_a_row < SET_BACK {
            return false;
        }
        for store in &mut self.stores {
            *store = Store::default();
        }
        (self.groups, self.entries, self.late_in_a_row) = (0, 0, 0);
        (self.now, self.wake) = (time, i64::MIN);
        self.counters.set_back = self.counters.set_back.saturating_add(1);
        true
    }

    /// A group.
    pub(super) fn group(&mut self, machine: usize, key: u128) -> Option<&mut Group> {
        self.stores.get_mut(machine)?.get(key)
    }

    /// Puts an item into its group, whose key is returned; `None` if it lacks a field.
    pub(super) fn count(&mut self, machine: &Machine, number: usize, item: Item) -> Option<u128> {
        let slot = machine.slots.get(item.slot)?;
        let key = self.keys.group(slot, machine.case, &item.event);
        let value = machine.value(item.slot, &item.event, &mut self.keys);
        let (Some(key), Some(value)) = (key, value) else {
            self.counters.incomplete = self.counters.incomplete.saturating_add(1);
            return None;
        };
        self.make_room(number, key);
        let oldest = self.now.saturating_sub(machine.within_ns).saturating_sub(self.limits.lateness_ns);
        let most = self.limits.group_entries.max(machine.measure.needs()).min(MAX_EVENTS);
        let store = self.stores.get_mut(number)?;
        let before = store.len();
        let group = store.touch(key);
        let had = group.len();
        while group.entries().next().is_some_and(|entry| entry.time < oldest) {
            group.drop_oldest(&machine.measure);
        }
        let waits = machine.waits();
        let inserted = group.insert(Entry {
            time: item.time,
            slots: 1 << item.slot,
            value,
            serial: item.serial,
            proof: item.proof,
            event: waits.then_some(item.event),
        });
        if group.len() > most {
            let dropped = group.drop_oldest(&machine.measure);
            if let Some(entry) = dropped.filter(|_| waits) {
                store.open.remove(&(entry.time, key));
            }
            self.counters.evicted_entries = self.counters.evicted_entries.saturating_add(1);
        }
        let has = store.get(key).map_or(0, |group| group.len());
        store.entries = store.entries.saturating_sub(had) + has;
        self.entries = self.entries.saturating_sub(had) + has;
        self.groups = self.groups.saturating_sub(before) + store.len();
        if waits && inserted {
            store.open.insert((item.time, key));
            let over = self.over(item.time, machine).saturating_add(1);
            self.wake = self.wake.min(over);
        }
        Some(key)
    }

    /// Makes room for one more entry, and for one more group if that of `key` is new.
    fn make_room(&mut self, number: usize, key: u128) {
        let is_new = self.stores.get(number).is_some_and(|store| !store.has(key));
        while is_new && self.groups >= self.limits.groups && self.evict(number, Store::len, self.limits.groups) {}
        while self.entries >= self.limits.entries && self.evict(number, |store| store.entries, self.limits.entries) {}
    }

    /// Forgets one group; see the module for which.
    fn evict(&mut self, number: usize, size: fn(&Store) -> usize, limit: usize) -> bool {
        let used = self.stores.iter().filter(|store| store.len() > 0).count().max(1);
        let own = self.stores.get(number).map_or(0, size);
        let victim = if own > limit / used {
            Some(number)
        } else {
            self.stores.iter().enumerate().max_by_key(|(_, store)| size(store)).map(|(index, _)| index)
        };
        let Some(store) = victim.and_then(|victim| self.stores.get_mut(victim)) else { return false };
        let Some(entries) = store.remove_oldest() else { return false };
        self.groups = self.groups.saturating_sub(1);
        self.entries = self.entries.saturating_sub(entries);
        self.counters.evicted_groups = self.counters.evicted_groups.saturating_add(1);
        self.counters.evicted_entries = self.counters.evicted_entries.saturating_add(entries as u64);
        true
    }

    /// The time from which on a window that begins at `from` can no longer change.
    fn over(&self, from: i64, machine: &Machine) -> i64 {
        from.saturating_add(machine.within_ns).saturating_add(self.limits.lateness_ns)
    }

    /// The next window of a machine that is over: its start and its group.
    pub(super) fn next_over(&mut self, number: usize, machine: &Machine) -> Option<(i64, u128)> {
        let (from, _) = *self.stores.get(number)?.open.first()?;
        if self.over(from, machine) >= self.now {
            return None;
        }
        self.stores.get_mut(number)?.open.pop_first()
    }

    /// Forgets groups whose last entry no window can hold any more, and sets the time of the next look.
    pub(super) fn sweep(&mut self, plan: &Plan) {
        let mut left = SWEEP_GROUPS;
        for (store, machine) in self.stores.iter_mut().zip(&plan.machines) {
            let earliest = self.now.saturating_sub(self.limits.lateness_ns);
            let horizon = earliest.saturating_sub(machine.within_ns);
            while left > 0 && store.oldest().is_some_and(|group| group.is_past(horizon, earliest)) {
                let entries = store.remove_oldest().unwrap_or_default();
                self.groups = self.groups.saturating_sub(1);
                self.entries = self.entries.saturating_sub(entries);
                left -= 1;
            }
        }
        // If there may be more, the next event goes on.
        self.wake = if left == 0 { self.now } else { self.now.saturating_add(SWEEP_NS) };
        for (store, machine) in self.stores.iter().zip(&plan.machines) {
            if let Some((from, _)) = store.open.first() {
                let over = from.saturating_add(machine.within_ns).saturating_add(self.limits.lateness_ns);
                self.wake = self.wake.min(over.saturating_add(1));
            }
        }
    }
}
