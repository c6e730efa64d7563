//! One group of one rule: what has been seen of it, and whether that is enough.
//!
//! Entries stand in order of time; those of one time in order of arrival. What is measured over the
//! window that ends with the newest entry is kept up to date as entries come; windows that end
//! earlier, which only late events ask for, are measured anew.

use std::{collections::VecDeque, ops::Range, sync::Arc};

use ahash::AHashMap;

use crate::{
    alert::Evidence,
    event::{Event, value::Bytes},
    rule::correlate::{Bound, Clause, Measure, Together, measure::whole},
};

/// Entries up to which a window is measured by looking at each.
const SMALL: usize = 32;

/// What an entry stands for.
#[derive(Clone, Debug)]
pub(super) enum Proof {
    /// An event, by its id.
    Event(Option<Bytes>),
    /// A match of another rule over several events.
    Match(Arc<Evidence>),
}

/// One match that counts.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// When, nanoseconds.
    pub(super) time: i64,
    /// A bit for each source it belongs to.
    pub(super) slots: u64,
    /// The number that is summed, or the hash of what is counted.
    pub(super) value: i128,
    /// The same for what one event brings to several sources.
    pub(super) serial: u64,
    /// What it stands for.
    pub(super) proof: Proof,
    /// The event, where an alert may have to be made of it later.
    pub(super) event: Option<Arc<Event>>,
}

/// A group.
#[derive(Clone, Debug)]
pub(super) struct Group {
    entries: VecDeque<Entry>,
    /// Until when matches make no alert.
    pub(super) quiet_until: i64,
    running: Option<Box<Running>>,
}

impl Default for Group {
    fn default() -> Self {
        Self { entries: VecDeque::new(), quiet_until: i64::MIN, running: None }
    }
}

/// What is known of the entries of one window.
#[derive(Clone, Debug, Default)]
struct Running {
    range: Range<usize>,
    /// How often each value or source occurs.
    counts: AHashMap<i128, u32>,
    sum: i128,
}

/// The entries that make a match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pick {
    /// Those of a range that belong to any of some sources.
    Range(Range<usize>, u64),
    /// These.
    These(Vec<usize>),
}

impl Running {
    fn keys(measure: &Measure, entry: &Entry) -> impl Iterator<Item = i128> {
        let by_slot = matches!(measure, Measure::Together { .. });
        let slots = if by_slot { entry.slots } else { 0 };
        let bits = (0..64u32).filter(move |slot| slots & 1 << slot != 0).map(i128::from);
        let value = matches!(measure, Measure::Distinct(_)).then_some(entry.value);
        bits.chain(value)
    }

    fn add(&mut self, measure: &Measure, entry: &Entry) {
        if measure.is_numeric() {
            self.sum += entry.value;
        }
        for key in Self::keys(measure, entry) {
            *self.counts.entry(key).or_default() += 1;
        }
    }

    fn remove(&mut self, measure: &Measure, entry: &Entry) {
        if measure.is_numeric() {
            self.sum -= entry.value;
        }
        for key in Self::keys(measure, entry) {
            if let Some(count) = self.counts.get_mut(&key) {
                *count -= 1;
                if *count == 0 {
                    self.counts.remove(&key);
                }
            }
        }
    }

    /// The sources that are in the window.
    fn present(&self) -> u64 {
        self.counts.keys().filter_map(|slot| u32::try_from(*slot).ok()).fold(0, |mask, slot| mask | 1 << slot)
    }
}

impl Group {
    /// The number of entries.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Time of the newest entry.
    fn newest(&self) -> Option<i64> {
        self.entries.back().map(|entry| entry.time)
    }

    /// Whether no window that may still come holds an entry, and none that may still come is quiet.
    pub(super) fn is_past(&self, horizon: i64, earliest: i64) -> bool {
        self.newest().is_none_or(|newest| newest < horizon) && self.quiet_until < earliest
    }

    /// All entries in order.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// The entry at a place.
    pub(super) fn get(&self, index: usize) -> Option<&Entry> {
        self.entries.get(index)
    }

    /// Puts an entry in its place. False if it only adds a source to one that is there.
    pub(super) fn insert(&mut self, entry: Entry) -> bool {
        let at = self.entries.partition_point(|other| other.time <= entry.time);
        if let Some(before) = at.checked_sub(1).and_then(|before| self.entries.get_mut(before))
            && before.serial == entry.serial
            && before.value == entry.value
        {
            before.slots |= entry.slots;
            self.running = None;
            return false;
        }
        if at < self.entries.len() {
            self.running = None;
        }
        self.entries.insert(at, entry);
        true
    }

    /// Drops the oldest entry.
    pub(super) fn drop_oldest(&mut self, measure: &Measure) -> Option<Entry> {
        let entry = self.entries.pop_front()?;
        if let Some(running) = &mut self.running {
            let Range { start, end } = running.range.clone();
            if start == 0 && end > 0 {
                running.remove(measure, &entry);
            }
            running.range = start.saturating_sub(1)..end.saturating_sub(1);
        }
        Some(entry)
    }

    /// Times of entries from `from` to `to`, each once.
    pub(super) fn times(&self, from: i64, to: i64) -> Vec<i64> {
        let mut times: Vec<i64> = self.entries.range(self.range(from, to)).map(|entry| entry.time).collect();
        times.dedup();
        times
    }

    /// The entries from `from` to `to`, both included.
    fn range(&self, from: i64, to: i64) -> Range<usize> {
        let start = self.entries.partition_point(|entry| entry.time < from);
        start..self.entries.partition_point(|entry| entry.time <= to).max(start)
    }

    /// What makes a match in the window from `from` to `to`, both included. Clauses that say what must
    /// not be are left to [`Self::judge_absence`].
    pub(super) fn judge(&mut self, measure: &Measure, from: i64, to: i64) -> Option<Pick> {
        let range = self.range(from, to);
        let all = |holds: bool| holds.then(|| Pick::Range(range.clone(), u64::MAX));
        match measure {
            Measure::Events(bounds) => all(Bound::all_hold(bounds, whole(range.len()), 1)),
            Measure::Percentile(percent, bounds) => {
                let (numerator, denominator) = self.percentile(&range, *percent)?;
                all(Bound::all_hold(bounds, numerator, denominator))
            }
            Measure::Average(bounds) => {
                let count = i128::try_from(range.len()).ok().filter(|count| *count > 0)?;
                let sum = self.running(measure, &range).sum;
                all(Bound::all_hold(bounds, sum, count))
            }
            Measure::Sum(bounds) => {
                let sum = self.running(measure, &range).sum;
                all(Bound::all_hold(bounds, sum, 1))
            }
            Measure::Distinct(bounds) => {
                let distinct = self.running(measure, &range).counts.len();
                all(Bound::all_hold(bounds, whole(distinct), 1))
            }
            Measure::Together { what, ordered } => {
                let present = self.running(measure, &range).present();
                self.together(what, *ordered, &range, present)
            }
        }
    }

    /// What makes a match of a window that is over and begins with an entry at `from`.
    pub(super) fn judge_absence(&self, measure: &Measure, from: i64, to: i64) -> Option<Pick> {
        let Measure::Together { ordered, .. } = measure else { return None };
        let range = self.range(from, to);
        let present = self.entries.range(range.clone()).fold(0, |mask, entry| mask | entry.slots);
        let first = self.entries.range(self.range(from, from)).fold(0, |mask, entry| mask | entry.slots);
        measure
            .absences()
            .filter(|clause| clause.present & first != 0)
            .find_map(|clause| self.clause(clause, *ordered, &range, present))
    }

    fn together(&self, what: &Together, ordered: bool, range: &Range<usize>, present: u64) -> Option<Pick> {
        match what {
            Together::Any(clauses) => clauses
                .iter()
                .filter(|clause| clause.absent == 0)
                .find_map(|clause| self.clause(*clause, ordered, range, present)),
            Together::Count(bounds) => {
                let count = usize::try_from(present.count_ones()).unwrap_or(usize::MAX);
                let clause = Clause { present, absent: 0 };
                Bound::all_hold(bounds, whole(count), 1).then(|| self.clause(clause, ordered, range, present)).flatten()
            }
        }
    }

    fn clause(&self, clause: Clause, ordered: bool, range: &Range<usize>, present: u64) -> Option<Pick> {
        if present & clause.present != clause.present || present & clause.absent != 0 {
            return None;
        }
        if !ordered {
            return Some(Pick::Range(range.clone(), clause.present));
        }
        // The earliest entry of each source after that of the one before leaves most room for the next.
        let mut these: Vec<usize> = Vec::new();
        let mut after: Option<i64> = None;
        let mut at = range.start;
        for slot in (0..64).filter(|slot| clause.present & 1 << slot != 0) {
            let fits = |entry: &Entry| entry.slots & 1 << slot != 0 && after.is_none_or(|after| entry.time > after);
            at += self.entries.range(at..range.end).position(fits)?;
            after = self.entries.get(at).map(|entry| entry.time);
            these.push(at);
        }
        Some(Pick::These(these))
    }

    /// What is known of a range. The one that ends with the newest entry is carried on from call to call.
    fn running(&mut self, measure: &Measure, range: &Range<usize>) -> &Running {
        let carried = range.end == self.entries.len() && range.len() > SMALL;
        let mut running = self.running.take().filter(|_| carried).unwrap_or_default();
        if running.range.start > range.start || running.range.end > range.end {
            running = Box::default();
        }
        if running.range.is_empty() {
            running.range = range.start..range.start;
        }
        for entry in self.entries.range(running.range.end..range.end) {
            running.add(measure, entry);
        }
        for entry in self.entries.range(running.range.start..range.start) {
            running.remove(measure, entry);
        }
        running.range = range.clone();
        self.running.insert(running)
    }

    /// The value below which `percent` of a hundred lie, as a fraction.
    fn percentile(&self, range: &Range<usize>, percent: u8) -> Option<(i128, i128)> {
        let mut values: Vec<i128> = self.entries.range(range.clone()).map(|entry| entry.value).collect();
        let position = usize::from(percent) * values.len().checked_sub(1)?;
        let (below, part) = (position / 100, position % 100);
        let (_, low, above) = values.select_nth_unstable(below);
        let low = *low;
        let high = above.iter().min().copied().unwrap_or(low);
        let part = i128::try_from(part).ok()?;
        Some((low * (100 - part) + high * part, 100))
    }
}
