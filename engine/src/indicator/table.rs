//! Keys of any length in little memory: one after the other in an arena, found through a hash table
//! of their numbers.
//!
//! A number takes four bytes and one byte of its hash in the table, which is at most seven eighths
//! full; its key takes its own bytes and four for where it ends. Nothing is looked at but the table
//! until a byte of the hash agrees, and then the whole key is compared: no two keys are mistaken for
//! one. The hash is seeded, because lists come from outside.

use std::collections::HashMap;

use ahash::RandomState;
use hashbrown::HashTable;

/// Bytes of what a list says of one entry.
const MAX_DETAIL: usize = 512;

/// Keys, and what is said of some.
#[derive(Default)]
pub(super) struct Table {
    arena: Vec<u8>,
    /// Where each key ends; it begins where the one before ends.
    ends: Vec<u32>,
    numbers: HashTable<u32>,
    seed: RandomState,
    details: Details,
}

/// What is said of entries: often the same of thousands.
#[derive(Default)]
struct Details {
    /// By key: the place of its texts plus one, or nothing. Shorter than the keys once the last have none.
    of: Vec<u32>,
    texts: Vec<(Box<str>, Box<str>)>,
    known: HashMap<(Box<str>, Box<str>), u32>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Table of {} keys", self.len())
    }
}

impl Table {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The key of a number.
    pub(super) fn key(&self, number: u32) -> &[u8] {
        key(&self.arena, &self.ends, number)
    }

    /// The number of a key.
    pub(super) fn find(&self, wanted: &[u8]) -> Option<u32> {
        self.numbers.find(self.seed.hash_one(wanted), |number| self.key(*number) == wanted).copied()
    }

    /// Adds a key that is not there. One that finds no room (4 GiB of keys) is left out; files are capped far below.
    pub(super) fn add(&mut self, added: &[u8], description: &str, reference: &str) {
        let (Ok(number), Ok(end)) = (u32::try_from(self.ends.len()), u32::try_from(self.arena.len() + added.len()))
        else {
            return;
        };
        self.arena.extend_from_slice(added);
        self.ends.push(end);
        let Self { arena, ends, numbers, seed, .. } = self;
        numbers.insert_unique(seed.hash_one(added), number, |other| seed.hash_one(key(arena, ends, *other)));
        if !description.is_empty() || !reference.is_empty() {
            self.details.add(self.ends.len(), description, reference);
        }
    }

    /// Gives back what building took.
    pub(super) fn finish(&mut self) {
        let Self { arena, ends, numbers, seed, details } = self;
        arena.shrink_to_fit();
        ends.shrink_to_fit();
        numbers.shrink_to_fit(|number| seed.hash_one(key(arena, ends, *number)));
        details.of.shrink_to_fit();
        details.texts.shrink_to_fit();
        details.known = HashMap::new();
    }

    /// Description and reference of an entry; empty if there is none.
    pub(super) fn detail(&self, number: u32) -> (&str, &str) {
        let Details { of, texts, .. } = &self.details;
        let place = of.get(number as usize).and_then(|place| place.checked_sub(1));
        let texts = place.and_then(|place| texts.get(place as usize));
        texts.map_or(("", ""), |(description, reference)| (description, reference))
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        let Details { of, texts, .. } = &self.details;
        let said: usize = texts.iter().map(|(a, b)| size_of::<(Box<str>, Box<str>)>() + a.len() + b.len()).sum();
        self.arena.capacity() + (self.ends.capacity() + of.capacity()) * 4 + self.numbers.allocation_size() + said
    }
}

fn key<'a>(arena: &'a [u8], ends: &[u32], number: u32) -> &'a [u8] {
    let number = number as usize;
    let end = |index: usize| ends.get(index).map_or(0, |end| *end as usize);
    let start = number.checked_sub(1).map_or(0, end);
    arena.get(start..end(number)).unwrap_or_default()
}

impl Details {
    /// Says something of the last of `keys` keys.
    fn add(&mut self, keys: usize, description: &str, reference: &str) {
        let cut = |text: &str| Box::from(text.get(..text.floor_char_boundary(MAX_DETAIL)).unwrap_or(text));
        let texts = (cut(description), cut(reference));
        let Self { of, texts: all, known } = self;
        let place = *known.entry(texts).or_insert_with_key(|texts| {
            all.push(texts.clone());
            u32::try_from(all.len()).unwrap_or(u32::MAX)
        });
        of.resize(keys.saturating_sub(1), 0);
        of.push(place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_table_holds_what_was_added_and_nothing_else(keys: std::collections::BTreeSet<Vec<u8>>, other: Vec<u8>) {
            let mut table = Table::default();
            for (index, key) in keys.iter().enumerate() {
                table.add(key, if index % 3 == 0 { "third" } else { "" }, "");
            }
            table.finish();
            for (index, key) in keys.iter().enumerate() {
                let number = table.find(key).expect("added");
                proptest::prop_assert_eq!(table.key(number), key.as_slice());
                proptest::prop_assert_eq!(table.detail(number).0, if index % 3 == 0 { "third" } else { "" });
            }
            proptest::prop_assert_eq!(table.find(&other).is_some(), keys.contains(&other));
        }
    }
}
