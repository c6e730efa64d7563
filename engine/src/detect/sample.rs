//! Events that stand for all that a host has: what matchers are made for.

use std::sync::Arc;

use super::matcher::MAX_EVENTS;
use crate::event::{Event, Kind};

/// Events of each kind, drawn from all that were offered with the same chance for each of them. At most 256 of a kind.
#[derive(Clone, Debug)]
pub struct Sample {
    kinds: Vec<Drawn>,
    /// The state of a generator of numbers (xorshift, G. Marsaglia): nobody gains by foreseeing them.
    random: u64,
}

/// What was drawn of one kind.
#[derive(Clone, Debug, Default)]
struct Drawn {
    offered: u64,
    events: Vec<Arc<Event>>,
}

impl Default for Sample {
    fn default() -> Self {
        Self { kinds: vec![Drawn::default(); Kind::ALL.len()], random: 0x9E37_79B9_7F4A_7C15 }
    }
}

impl Sample {
    /// Takes an event, or leaves it (reservoir sampling, algorithm R of J. S. Vitter).
    #[inline]
    pub fn offer(&mut self, event: &Arc<Event>) {
        let Some(drawn) = self.kinds.get_mut(event.kind() as usize) else { return };
        drawn.offered += 1;
        if drawn.events.len() < MAX_EVENTS {
            drawn.events.push(Arc::clone(event));
            return;
        }
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let place = usize::try_from(self.random % drawn.offered).unwrap_or(usize::MAX);
        if let Some(old) = drawn.events.get_mut(place) {
            *old = Arc::clone(event);
        }
    }

    /// The events of a kind.
    #[must_use]
    pub fn of(&self, kind: Kind) -> &[Arc<Event>] {
        self.kinds.get(kind as usize).map(|drawn| drawn.events.as_slice()).unwrap_or_default()
    }

    /// How many events were offered.
    #[must_use]
    pub fn offered(&self) -> u64 {
        self.kinds.iter().map(|drawn| drawn.offered).sum()
    }
}
