//! Receivers behind a network: what they get is bytes, which a spool can keep meanwhile.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Failure, Output, PAUSE, Record};
use crate::store::spool::Entry;

/// Makes a record's bytes. Used by several threads, long before the bytes are sent.
pub trait Encoder: Send + Sync {
    /// The record as the receiver gets it.
    fn encode(&self, record: &Record) -> Vec<u8>;
}

/// Brings encoded records to the receiver; used by one thread.
pub trait Carrier: Send {
    /// Most records and most bytes that it can use at once.
    fn batch(&self) -> (usize, usize) {
        (1, 1)
    }

    /// How long a record that was sent may still turn out to have been lost. Until then it is kept, and
    /// sent again if [`Carrier::alive`] or [`Carrier::send`] says that the connection broke.
    fn doubt(&self) -> Duration {
        Duration::ZERO
    }

    /// Whether the connection over which the last records went is still there.
    fn alive(&mut self) -> bool {
        true
    }

    /// Sends records, in order; may wait, but only for a bounded time. Returns how many of the first it has
    /// sent, at least one.
    ///
    /// # Errors
    /// [`Failure`] says what becomes of them; [`Failure::Lost`] speaks of the first only.
    fn send(&mut self, batch: &[Entry]) -> Result<usize, Failure>;

    /// At the end: closes the connection such that the receiver's answer shows that it has read all of it.
    fn settle(&mut self, _deadline: Instant) -> bool {
        false
    }
}

/// An opened receiver.
pub struct Remote {
    /// Makes the bytes.
    pub encoder: Arc<dyn Encoder>,
    /// Brings them there.
    pub carrier: Box<dyn Carrier>,
}

/// A receiver without a spool.
pub(super) struct Unspooled(pub(super) Remote);

impl Output for Unspooled {
    fn deliver(&mut self, record: &Record) -> Result<(), Failure> {
        let payload = self.0.encoder.encode(record);
        self.0.carrier.send(&[Entry { number: 0, tag: 0, payload }]).map(drop)
    }
}

/// Pauses between tries: each about twice as long as the one before, and none exactly as long as
/// another sensor's, so that a receiver that comes back is not overrun.
pub(super) struct Backoff {
    next: Duration,
    seed: ahash::RandomState,
    turn: u64,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self { next: PAUSE.0, seed: ahash::RandomState::new(), turn: 0 }
    }

    /// Something got through: the next failure begins anew.
    pub(super) fn reset(&mut self) {
        self.next = PAUSE.0;
    }

    /// The next pause: between half of it and all.
    pub(super) fn pause(&mut self) -> Duration {
        self.turn = self.turn.wrapping_add(1);
        let part = u32::try_from(self.seed.hash_one(self.turn) % 1000).unwrap_or_default();
        let half = self.next / 2;
        self.next = (self.next * 2).min(PAUSE.1);
        half + half * part / 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_are_nobody_elses() {
        let (mut one, mut other) = (Backoff::new(), Backoff::new());
        let pauses: Vec<_> = (0..12).map(|_| one.pause()).collect();
        for (turn, pause) in (0_u32..).zip(&pauses) {
            let whole = (PAUSE.0 * 2_u32.pow(turn)).min(PAUSE.1);
            assert!(*pause >= whole / 2 && *pause <= whole, "{turn}: {pause:?}");
        }
        assert_ne!(pauses, (0..12).map(|_| other.pause()).collect::<Vec<_>>());
        one.reset();
        assert!(one.pause() <= PAUSE.0);
    }
}
