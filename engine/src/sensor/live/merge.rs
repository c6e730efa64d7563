//! One order out of several rings.
//!
//! Each CPU writes to its own ring, so records of one ring are nearly in order and those of two
//! rings are not. A record takes its time when it has its place in the ring: whoever looks, after a
//! time T, where every ring's producers are, has everything older than T before him, some of it
//! still being written. Therefore each round notes T, then those places, reads up to there, and
//! releases in order of time what is not younger than the T of the round before: a whole round more
//! than needed, for clocks that differ between CPUs. What comes later still is released at once,
//! marked late and counted.

use std::{cmp::Reverse, collections::BinaryHeap};

/// Something with a time.
#[derive(Debug)]
struct Held<T> {
    time_ns: u64,
    /// Breaks ties: arrival.
    number: u64,
    item: T,
}

impl<T> PartialEq for Held<T> {
    fn eq(&self, other: &Self) -> bool {
        (self.time_ns, self.number) == (other.time_ns, other.number)
    }
}
impl<T> Eq for Held<T> {}
impl<T> PartialOrd for Held<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Held<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.time_ns, self.number).cmp(&(other.time_ns, other.number))
    }
}

/// What is waiting for its turn.
#[derive(Debug)]
pub(super) struct Merge<T> {
    held: BinaryHeap<Reverse<Held<T>>>,
    number: u64,
    /// Time of the youngest item released.
    released_ns: u64,
    /// T of the round before.
    previous_ns: u64,
    /// What is not younger than this has been handed out.
    done_ns: u64,
    /// Items that came after younger ones had gone.
    pub(super) late: u64,
}

impl<T> Default for Merge<T> {
    fn default() -> Self {
        Self { held: BinaryHeap::new(), number: 0, released_ns: 0, previous_ns: 0, done_ns: 0, late: 0 }
    }
}

impl<T> Merge<T> {
    /// Takes an item in.
    pub(super) fn push(&mut self, time_ns: u64, item: T) {
        self.number = self.number.wrapping_add(1);
        self.held.push(Reverse(Held { time_ns, number: self.number, item }));
    }

    /// Ends a round that began at `now_ns`; hands out what is due and not younger than `limit_ns`, with
    /// whether it is late.
    pub(super) fn release(&mut self, now_ns: u64, limit_ns: u64, take: impl FnMut(T, bool)) {
        let due = self.previous_ns.min(limit_ns);
        self.previous_ns = now_ns;
        self.done_ns = self.done_ns.max(due);
        self.release_until(due, take);
    }

    /// Up to when everything has been handed out.
    pub(super) fn done_ns(&self) -> u64 {
        self.done_ns
    }

    /// Hands out everything: the producers have stopped.
    pub(super) fn finish(&mut self, take: impl FnMut(T, bool)) {
        self.release_until(u64::MAX, take);
    }

    fn release_until(&mut self, due: u64, mut take: impl FnMut(T, bool)) {
        while let Some(Reverse(first)) = self.held.peek() {
            if first.time_ns > due {
                return;
            }
            let Some(Reverse(first)) = self.held.pop() else { return };
            let late = first.time_ns < self.released_ns;
            if late {
                self.late = self.late.saturating_add(1);
            } else {
                self.released_ns = first.time_ns;
            }
            take(first.item, late);
        }
    }

    /// How many items wait.
    pub(super) fn len(&self) -> usize {
        self.held.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(merge: &mut Merge<u64>, now: u64, times: &[u64]) -> Vec<(u64, bool)> {
        for time in times {
            merge.push(*time, *time);
        }
        let mut out = Vec::new();
        merge.release(now, u64::MAX, |item, late| out.push((item, late)));
        out
    }

    #[test]
    fn items_wait_a_round_and_come_in_order() {
        let mut merge = Merge::default();
        assert_eq!(round(&mut merge, 10, &[9, 3, 5]), []);
        assert_eq!(round(&mut merge, 20, &[8, 15]), [(3, false), (5, false), (8, false), (9, false)]);
        assert_eq!(round(&mut merge, 30, &[7]), [(7, true), (15, false)]);
        assert_eq!(merge.late, 1);
        assert_eq!(merge.len(), 0);
    }

    #[test]
    fn a_limit_holds_back_what_is_younger_and_the_next_round_makes_up_for_it() {
        let mut merge = Merge::default();
        let mut out = Vec::new();
        merge.push(5, 5);
        merge.push(12, 12);
        merge.release(10, u64::MAX, |item, late| out.push((item, late)));
        merge.release(20, 0, |item, late| out.push((item, late)));
        assert_eq!((out.as_slice(), merge.done_ns()), (&[][..], 0));
        merge.push(4, 4);
        merge.release(30, u64::MAX, |item, late| out.push((item, late)));
        assert_eq!((out, merge.done_ns()), (vec![(4, false), (5, false), (12, false)], 20));
    }

    proptest::proptest! {
        /// Items that appear at most one round after their time are never late, in any mix.
        #[test]
        fn a_round_of_grace_is_enough(rounds in proptest::collection::vec(proptest::collection::vec(0u64..200, 0..20), 1..20)) {
            let mut merge = Merge::default();
            let mut out = Vec::new();
            let mut pushed = 0;
            for (index, offsets) in rounds.iter().enumerate() {
                let start = index as u64 * 100;
                // Round N is read at N * 100 + 200: its items are between that round's and the last one's beginning.
                for offset in offsets {
                    merge.push(start + offset, start + offset);
                    pushed += 1;
                }
                merge.release(start + 200, u64::MAX, |item, late| out.push((item, late)));
            }
            merge.finish(|item, late| out.push((item, late)));
            proptest::prop_assert_eq!(out.len(), pushed);
            proptest::prop_assert!(out.iter().all(|(_, late)| !late));
            proptest::prop_assert!(out.is_sorted());
        }
    }
}
