//! What values of a field are for, remembered from event to event: a host runs the same programs all day.
//!
//! A value is kept as it is and compared as a whole, so that nothing is taken for another. Fields whose
//! values seldom come again (command lines with numbers in them) are left alone for a while, which
//! bounds what looking costs where it does not pay. What is kept follows from the value and the matcher
//! alone: it decides on speed only.

use std::sync::Arc;

use super::{table::bytes_as_number, targets::Range};
use crate::event::Kind;

/// Places of values, per field. Each value has two that it can be at, so that some dozens of values find room
/// beside each other.
const PLACES: usize = 64;
// A bit for each.
const _: () = assert!(PLACES <= u64::BITS as usize);
/// Longer values are not kept.
const MAX_LENGTH: usize = 104;
/// Values that are for more than these are not kept.
const MAX_RANGES: usize = 10;
/// After so many looks a field is judged.
const TRIAL: u32 = 256;
/// So many of them have to find their value, or looking does not pay.
const WORTH: u32 = TRIAL / 3;
/// Looks that are left out then.
const PAUSE: u32 = 16 * TRIAL;
/// Matchers whose values are kept: one for each kind of event.
const MATCHERS: usize = Kind::ALL.len();

/// What tells a matcher from every other that is in use or remembered.
#[derive(Clone, Debug, Default)]
pub(super) struct Identity(Arc<()>);

/// The values of the fields of several matchers, the last used first.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    matchers: Vec<(Identity, Vec<Known>)>,
}

impl Memory {
    /// The values of the fields of a matcher.
    #[inline]
    pub(super) fn of(&mut self, matcher: &Identity, fields: usize) -> &mut [Known] {
        let is_it = |(other, _): &(Identity, Vec<Known>)| Arc::ptr_eq(&other.0, &matcher.0);
        if !self.matchers.first().is_some_and(is_it) {
            match self.matchers.iter().position(is_it) {
                Some(place) => self.matchers.swap(0, place),
                None => {
                    self.matchers.truncate(MATCHERS - 1);
                    self.matchers.insert(0, (matcher.clone(), vec![Known::default(); fields]));
                }
            }
        }
        self.matchers.first_mut().map(|(_, fields)| fields.as_mut_slice()).unwrap_or_default()
    }
}

/// The values of one field that were seen lately.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// By place; empty until the first value is kept.
    values: Vec<Kept>,
    /// Bit by place: the value was recalled since it was spared last.
    used: u64,
    /// Which of two went last where nothing else decided.
    turn: bool,
    looks: u32,
    hits: u32,
    /// Looks to be left out.
    pause: u32,
}

/// A value and what it is for. What is asked of every value lies together: a line of the cache mostly has it all.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
struct Kept {
    /// More than any value has: there is none.
    length: u8,
    /// How many of the ranges.
    count: u8,
    text: [u8; MAX_LENGTH],
    ranges: [Range; MAX_RANGES],
}

/// What a look for a value gave.
pub(super) enum Recalled<'k> {
    /// It is for these.
    Known(&'k [Range]),
    /// It can be kept at one of these.
    New([u8; 2]),
    /// It is not to be kept.
    No,
}

/// What a value is found to be for.
#[derive(Debug, Default)]
pub(super) struct Found {
    ranges: [Range; MAX_RANGES],
    count: usize,
}

impl Found {
    #[inline]
    pub(super) fn add(&mut self, range: Range) {
        if let Some(room) = self.ranges.get_mut(self.count) {
            *room = range;
        }
        self.count += 1;
    }
}

impl Known {
    /// Looks for a value.
    #[inline]
    pub(super) fn recall(&mut self, text: &[u8]) -> Recalled<'_> {
        if self.pause > 0 {
            self.pause -= 1;
            return Recalled::No;
        }
        if text.len() > MAX_LENGTH {
            return Recalled::No;
        }
        self.looks += 1;
        if self.looks == TRIAL {
            self.pause = if self.hits < WORTH { PAUSE } else { 0 };
            (self.looks, self.hits) = (0, 0);
        }
        let places = places(text);
        let [first, second] = places;
        let is_it = |place: u8| {
            let kept = self.values.get(usize::from(place));
            kept.is_some_and(|kept| usize::from(kept.length) == text.len() && kept.text.get(..text.len()) == Some(text))
        };
        let place = if is_it(first) {
            first
        } else if is_it(second) {
            second
        } else {
            return Recalled::New(places);
        };
        self.hits += 1;
        self.used |= 1 << place;
        let kept = self.values.get(usize::from(place)).map(|kept| kept.ranges.get(..usize::from(kept.count)));
        Recalled::Known(kept.flatten().unwrap_or_default())
    }

    /// Keeps what a value is for at one of its places: a free one, or that of a value that was not recalled lately.
    pub(super) fn keep(&mut self, places: [u8; 2], text: &[u8], found: &Found) {
        if found.count > MAX_RANGES {
            return;
        }
        if self.values.is_empty() {
            let none =
                Kept { length: u8::MAX, count: 0, ranges: [Range::default(); MAX_RANGES], text: [0; MAX_LENGTH] };
            self.values = vec![none; PLACES];
        }
        let is_free = |place: u8| self.values.get(usize::from(place)).is_some_and(|kept| kept.length == u8::MAX);
        let is_used = |place: u8| self.used >> place & 1 == 1;
        let [first, second] = places;
        let place = match (is_free(first), is_free(second)) {
            // It is looked at first, which whoever is recalled often had best have.
            (true, _) => first,
            (false, true) => second,
            (false, false) if is_used(first) != is_used(second) => {
                if is_used(first) {
                    second
                } else {
                    first
                }
            }
            (false, false) => {
                // Whoever stays has to be recalled again to be spared once more.
                self.used &= !(1 << first | 1 << second);
                self.turn = !self.turn;
                places[usize::from(self.turn)]
            }
        };
        if let (Some(kept), Ok(length), Ok(count)) =
            (self.values.get_mut(usize::from(place)), u8::try_from(text.len()), u8::try_from(found.count))
            && let Some(room) = kept.text.get_mut(..text.len())
        {
            room.copy_from_slice(text);
            (kept.length, kept.count, kept.ranges) = (length, count, found.ranges);
        }
    }
}

/// The places of a value, mostly two different ones.
#[inline]
fn places(text: &[u8]) -> [u8; 2] {
    let some = match (text.first_chunk(), text.last_chunk()) {
        (Some(first), Some(last)) => {
            let middle = text.get(text.len() / 2 - 4..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
            let [first, middle, last] = [*first, middle, *last].map(u64::from_le_bytes);
            first ^ last.rotate_left(19) ^ middle.rotate_left(41)
        }
        (None, _) | (_, None) => bytes_as_number(text),
    };
    let mixed = (some ^ text.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    const { assert!(PLACES.is_power_of_two()) };
    let [.., second, first] = mixed.to_le_bytes();
    [first, second].map(|byte| byte >> (u8::BITS - PLACES.ilog2()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::detect::matcher::targets::{Target, Targets};

    proptest! {
        #[test]
        fn a_value_is_recalled_as_it_was_kept_or_not_at_all(
            values in proptest::collection::vec(("[ab/]{0,3}|[a-c/ ]{6,20}|[ab]{100,110}", 0_usize..8), 1..40),
            looks in proptest::collection::vec(any::<prop::sample::Index>(), 0..600),
        ) {
            let mut targets = Targets::default();
            let ranges: Vec<Range> = (0..8).map(|program| targets.add(vec![Target::new(program, 0)])).collect();
            // The same value is always for the same.
            let values: std::collections::BTreeMap<String, usize> = values.into_iter().collect();
            let values: Vec<(&String, &usize)> = values.iter().collect();
            let mut known = Known::default();
            for look in looks {
                let (text, count) = look.get(&values);
                let expected = &ranges[..**count];
                match known.recall(text.as_bytes()) {
                    Recalled::Known(found) => prop_assert_eq!(found, expected),
                    Recalled::New(place) => {
                        let mut found = Found::default();
                        expected.iter().for_each(|range| found.add(*range));
                        known.keep(place, text.as_bytes(), &found);
                        let is_kept = matches!(known.recall(text.as_bytes()), Recalled::Known(found) if found == expected);
                        prop_assert!(is_kept || **count > MAX_RANGES || known.pause > 0);
                    }
                    Recalled::No => prop_assert!(text.len() > MAX_LENGTH || known.pause > 0 || known.looks == 0),
                }
            }
        }
    }

    #[test]
    fn fields_whose_values_do_not_come_again_are_left_alone_for_a_while() {
        let mut known = Known::default();
        let mut asked = 0;
        for number in 0..100_000 {
            let text = format!("value {number}");
            match known.recall(text.as_bytes()) {
                Recalled::New(place) => {
                    asked += 1;
                    known.keep(place, text.as_bytes(), &Found::default());
                }
                Recalled::Known(_) => panic!("{text} was never there"),
                Recalled::No => {}
            }
        }
        assert!((1_000..10_000).contains(&asked), "{asked}");
        // What comes again is found again, sooner or later.
        let found = (0..10_000).filter(|_| match known.recall(b"the same") {
            Recalled::Known(_) => true,
            Recalled::New(place) => {
                known.keep(place, b"the same", &Found::default());
                false
            }
            Recalled::No => false,
        });
        assert!(found.count() > 5_000);
    }

    #[test]
    fn matchers_do_not_see_what_others_know() {
        let mut memory = Memory::default();
        let matchers: Vec<Identity> = (0..100).map(|_| Identity::default()).collect();
        for matcher in &matchers {
            let known = &mut memory.of(matcher, 2)[1];
            let Recalled::New(place) = known.recall(b"value") else { panic!("it is new to each") };
            known.keep(place, b"value", &Found::default());
        }
        assert_eq!(memory.matchers.len(), MATCHERS);
        let last = &mut memory.of(&matchers[99], 2)[1];
        assert!(matches!(last.recall(b"value"), Recalled::Known([])));
    }
}
