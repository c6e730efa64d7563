//! A table from numbers to things that never changes once it is built.
//!
//! Its keys are the rules' own, so that nobody outside can make them collide; a cheap hash does.

/// Things by key; several may share one.
#[derive(Debug)]
pub(super) struct Table<T> {
    /// One more than the place of a key's first entry, or 0; open addressing, at most half full.
    slots: Box<[u32]>,
    /// Sorted by key.
    entries: Vec<(u64, T)>,
}

impl<T> Table<T> {
    pub(super) fn new(mut entries: Vec<(u64, T)>) -> Self {
        entries.sort_by_key(|(key, _)| *key);
        let mut slots = vec![0; (entries.len() * 2).next_power_of_two()];
        let mut previous = None;
        for (place, (key, _)) in (1_u32..).zip(&entries) {
            if previous.replace(*key) == Some(*key) {
                continue;
            }
            let mut slot = first_slot(*key, slots.len());
            while slots.get(slot).is_some_and(|taken| *taken > 0) {
                slot = (slot + 1) & (slots.len() - 1);
            }
            if let Some(free) = slots.get_mut(slot) {
                *free = place;
            }
        }
        Self { slots: slots.into(), entries }
    }

    /// The entries of a key.
    #[inline]
    pub(super) fn find(&self, key: u64) -> impl Iterator<Item = &T> {
        let entries = self.entries.get(self.place(key)..).unwrap_or_default();
        entries.iter().take_while(move |(other, _)| *other == key).map(|(_, thing)| thing)
    }

    /// Where the entries of a key begin; behind the last if there are none.
    #[inline]
    fn place(&self, key: u64) -> usize {
        let mut slot = first_slot(key, self.slots.len());
        while let Some(taken @ 1..) = self.slots.get(slot) {
            let place = *taken as usize - 1;
            if self.entries.get(place).is_some_and(|(other, _)| *other == key) {
                return place;
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        self.entries.len()
    }
}

#[inline]
fn first_slot(key: u64, slots: usize) -> usize {
    let mixed = (key ^ key >> 32).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    usize::try_from(mixed).unwrap_or(0) & (slots - 1)
}

/// Up to eight bytes as a number.
#[inline]
pub(super) fn bytes_as_number(bytes: &[u8]) -> u64 {
    if let Some(eight) = bytes.first_chunk() {
        return u64::from_le_bytes(*eight);
    }
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_found_by_its_key_and_no_other() {
        for size in [0_u64, 1, 2, 7, 100, 1_000] {
            let key = |number: u64| number / 3 * 0x1_0001;
            let table = Table::new((0..size).map(|number| (key(number), number)).collect());
            for number in 0..size {
                let mut found: Vec<_> = table.find(key(number)).copied().collect();
                found.sort_unstable();
                let expected: Vec<_> = (0..size).filter(|other| key(*other) == key(number)).collect();
                assert_eq!(found, expected);
            }
            assert_eq!(table.find(u64::MAX).count(), 0);
        }
    }

    #[test]
    fn the_first_byte_is_the_lowest() {
        assert_eq!(bytes_as_number(b"ab"), 0x6261);
        assert_eq!(bytes_as_number(b"abcdefghi"), bytes_as_number(b"abcdefgh"));
    }
}
