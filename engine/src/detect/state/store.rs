//! The groups of one rule, and which of them was used least recently.

use std::collections::BTreeSet;

use ahash::RandomState;
use lru::LruCache;

use super::group::Group;

/// The groups of one rule. Their number is bounded by [`super::memory::Memory`], for all rules together.
#[derive(Clone, Debug)]
pub(super) struct Store {
    groups: LruCache<u128, Group, RandomState>,
    /// Entries of all groups.
    pub(super) entries: usize,
    /// Windows that have to be looked at when they are over: their starts, with their groups.
    pub(super) open: BTreeSet<(i64, u128)>,
}

impl Default for Store {
    fn default() -> Self {
        let groups = LruCache::unbounded_with_hasher(RandomState::new());
        Self { groups, entries: 0, open: BTreeSet::new() }
    }
}

impl Store {
    /// The number of groups.
    pub(super) fn len(&self) -> usize {
        self.groups.len()
    }

    /// Whether a group is there.
    pub(super) fn has(&self, key: u128) -> bool {
        self.groups.contains(&key)
    }

    /// A group, if it is there; its place in the order stays.
    pub(super) fn get(&mut self, key: u128) -> Option<&mut Group> {
        self.groups.peek_mut(&key)
    }

    /// A group, which becomes the most recently used one; it is made if it is not there.
    pub(super) fn touch(&mut self, key: u128) -> &mut Group {
        self.groups.get_or_insert_mut(key, Group::default)
    }

    /// The least recently used group.
    pub(super) fn oldest(&self) -> Option<&Group> {
        self.groups.peek_lru().map(|(_, group)| group)
    }

    /// Removes the least recently used group; returns how many entries it had.
    pub(super) fn remove_oldest(&mut self) -> Option<usize> {
        let (key, group) = self.groups.pop_lru()?;
        if !self.open.is_empty() {
            for entry in group.entries() {
                self.open.remove(&(entry.time, key));
            }
        }
        self.entries = self.entries.saturating_sub(group.len());
        Some(group.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_group_goes_first() {
        let mut store = Store::default();
        for key in [1, 2, 3, 1] {
            store.touch(key);
        }
        // A look is no use.
        assert!(store.get(2).is_some());
        assert_eq!(store.remove_oldest(), Some(0));
        assert_eq!((store.has(1), store.has(2), store.has(3)), (true, false, true));
        for key in [4, 3] {
            store.touch(key);
        }
        for gone in [1, 4, 3] {
            assert!(store.has(gone) && store.remove_oldest().is_some() && !store.has(gone), "{gone}");
        }
        assert!(store.remove_oldest().is_none() && store.oldest().is_none());
    }
}
