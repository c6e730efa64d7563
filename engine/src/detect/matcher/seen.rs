//! How often needs are met, counted in events that stand for all of their kind.
//!
//! A guess of a string's rarity knows nothing of the host: to a mail server `sendmail` says nothing at all. Where
//! events that were seen lately are at hand, every need that a program could be looked up by is looked up in them.
//! What comes of it, like the guess, decides on speed only.

use std::sync::Arc;

use super::{choose::Candidate, lookups::Wanted, need::Need, rarity::Rarity, targets::Target};
use crate::event::Event;

/// The most events that are looked at.
pub(in crate::detect) const MAX_EVENTS: usize = 256;
const WORDS: usize = MAX_EVENTS / 64;

/// Which of the events have something: a bit for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen([u64; WORDS]);

impl Seen {
    pub(super) const NONE: Self = Self([0; WORDS]);
    pub(super) const ALL: Self = Self([u64::MAX; WORDS]);

    fn add(&mut self, event: usize) {
        if let Some(word) = self.0.get_mut(event / 64) {
            *word |= 1 << (event % 64);
        }
    }

    /// Events that have this, too.
    pub(super) fn and(self, other: Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] & other.0[word]))
    }

    /// Events that do not have this.
    pub(super) fn without(self, other: Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] & !other.0[word]))
    }

    fn count(self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }
}

/// The share of a kind's events that have something: guessed, and counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    guess: f64,
    seen: Seen,
    /// How many events were looked at.
    events: u32,
}

impl Share {
    /// A guess.
    pub(super) fn guessed(guess: f64) -> Self {
        Self { guess: guess.min(1.0), seen: Seen::ALL, events: 0 }
    }

    /// The guess counts as much as one event.
    pub(super) fn value(self) -> f64 {
        if self.events == 0 {
            return self.guess;
        }
        (f64::from(self.seen.count().min(self.events)) + self.guess) / (f64::from(self.events) + 1.0)
    }

    /// The share of events that have this, too.
    pub(super) fn and(self, other: Self) -> Self {
        Self { guess: self.guess * other.guess, seen: self.seen.and(other.seen), events: other.events }
    }

    /// The share of events that do not have this.
    pub(super) fn without(self, other: Self) -> Self {
        let guess = self.guess * (1.0 - other.guess);
        if other.events == 0 {
            return Self { guess, ..self };
        }
        Self { guess, seen: self.seen.without(other.seen), events: other.events }
    }
}

/// Counts how often what programs are to be looked up by is met.
pub(super) fn count(candidates: &mut [Candidate<'_>], events: &[Arc<Event>], rarity: &Rarity) {
    let needs = candidates.iter_mut().flat_map(|candidate| candidate.needs.iter_mut().chain(&mut candidate.exclusions));
    let needs: Vec<&mut Need> = needs.collect();
    let events = events.get(..MAX_EVENTS).unwrap_or(events);
    let Ok(number) = u32::try_from(events.len()) else { return };
    if number == 0 {
        return;
    }
    let mut wanted = Wanted::default();
    for (number, need) in (0_u32..).zip(needs.iter()) {
        need.facts.iter().for_each(|fact| wanted.add(fact, Target::numbered(number)));
    }
    let (fields, lookups) = wanted.into_lookups(rarity);
    let mut seen = vec![Seen::NONE; needs.len()];
    for (place, event) in events.iter().enumerate() {
        lookups.find(&fields, event.as_ref(), &mut |targets| {
            for target in targets {
                if let Some(seen) = seen.get_mut(target.number()) {
                    seen.add(place);
                }
            }
        });
    }
    for (need, seen) in needs.into_iter().zip(seen) {
        need.share = Share { seen, events: number, ..need.share };
    }
}
