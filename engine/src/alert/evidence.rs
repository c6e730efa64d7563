//! What a rule over several events has seen before it alerted.

use crate::event::value::{Bytes, Time};

/// Events that evidence names; the others are counted.
pub const MAX_EVENTS: usize = 64;

/// The events behind an alert of a rule over several events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Their ids in order of time, each once, at most [`MAX_EVENTS`]: the first ones and the last.
    pub events: Vec<Bytes>,
    /// How many matches of the rules it looks at made it.
    pub count: u64,
    /// When the first of them was.
    pub first: Option<Time>,
    /// When the last of them was.
    pub last: Option<Time>,
    /// The values by which the rule groups events, in the order of the rule.
    pub group: Vec<String>,
}

impl Evidence {
    /// Counts one match that is not older than those before.
    pub fn count(&mut self, time: Time) {
        self.count = self.count.saturating_add(1);
        self.first = self.first.or(Some(time));
        self.last = Some(time);
    }

    /// Whether no more events are named.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.events.len() >= MAX_EVENTS
    }

    /// Names an event. If there is no room, it takes the place of the last.
    pub fn name(&mut self, id: &Bytes) {
        if self.events.contains(id) {
            return;
        }
        if self.is_full() {
            self.events.pop();
        }
        self.events.push(id.clone());
    }
}
