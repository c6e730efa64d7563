//! The groups of one rule, least recently used last: a hash table over a list in one piece of memory.

use std::collections::BTreeSet;

use ahash::AHashMap;

use super::group::Group;

/// No node.
const NONE: u32 = u32::MAX;

#[derive(Clone, Debug)]
struct Node {
    key: u128,
    newer: u32,
    older: u32,
    group: Group,
}

/// The groups of one rule.
#[derive(Clone, Debug)]
pub(super) struct Store {
    places: AHashMap<u128, u32>,
    nodes: Vec<Node>,
    free: Vec<u32>,
    newest: u32,
    oldest: u32,
    /// Entries of all groups.
    pub(super) entries: usize,
    /// Windows that have to be looked at when they are over: their starts, with their groups.
    pub(super) open: BTreeSet<(i64, u128)>,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            places: AHashMap::new(),
            nodes: Vec::new(),
            free: Vec::new(),
            newest: NONE,
            oldest: NONE,
            entries: 0,
            open: BTreeSet::new(),
        }
    }
}

fn at(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

impl Store {
    /// The number of groups.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether a group is there.
    pub(super) fn has(&self, key: u128) -> bool {
        self.places.contains_key(&key)
    }

    /// A group, if it is there.
    pub(super) fn get(&mut self, key: u128) -> Option<&mut Group> {
        let place = *self.places.get(&key)?;
        self.nodes.get_mut(at(place)).map(|node| &mut node.group)
    }

    /// A group, which becomes the most recently used one; it is made if it is not there.
    pub(super) fn touch(&mut self, key: u128) -> Option<&mut Group> {
        let place = match self.places.get(&key) {
            Some(place) => *place,
            None => self.add(key)?,
        };
        if self.newest != place {
            self.unlink(place);
            self.link(place);
        }
        self.nodes.get_mut(at(place)).map(|node| &mut node.group)
    }

    /// The least recently used group.
    pub(super) fn oldest(&self) -> Option<&Group> {
        self.nodes.get(at(self.oldest)).map(|node| &node.group)
    }

    /// Removes the least recently used group; returns how many entries it had.
    pub(super) fn remove_oldest(&mut self) -> Option<usize> {
        let place = self.oldest;
        let key = self.nodes.get(at(place))?.key;
        self.unlink(place);
        self.places.remove(&key);
        let group = std::mem::take(&mut self.nodes.get_mut(at(place))?.group);
        self.free.push(place);
        if !self.open.is_empty() {
            for entry in group.entries() {
                self.open.remove(&(entry.time, key));
            }
        }
        self.entries = self.entries.saturating_sub(group.len());
        Some(group.len())
    }

    fn add(&mut self, key: u128) -> Option<u32> {
        let node = Node { key, newer: NONE, older: NONE, group: Group::default() };
        let place = match self.free.pop() {
            Some(place) => {
                *self.nodes.get_mut(at(place))? = node;
                place
            }
            None => {
                let place = u32::try_from(self.nodes.len()).ok().filter(|place| *place != NONE)?;
                self.nodes.push(node);
                place
            }
        };
        self.places.insert(key, place);
        self.link(place);
        Some(place)
    }

    fn link(&mut self, place: u32) {
        let before = self.newest;
        if let Some(node) = self.nodes.get_mut(at(place)) {
            (node.newer, node.older) = (NONE, before);
        }
        match self.nodes.get_mut(at(before)) {
            Some(node) => node.newer = place,
            None => self.oldest = place,
        }
        self.newest = place;
    }

    fn unlink(&mut self, place: u32) {
        let Some((newer, older)) = self.nodes.get(at(place)).map(|node| (node.newer, node.older)) else { return };
        match self.nodes.get_mut(at(newer)) {
            Some(node) => node.older = older,
            None => self.newest = older,
        }
        match self.nodes.get_mut(at(older)) {
            Some(node) => node.newer = newer,
            None => self.oldest = newer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_group_goes_first_and_its_place_is_used_again() {
        let mut store = Store::default();
        for key in [1, 2, 3, 1] {
            assert!(store.touch(key).is_some());
        }
        assert_eq!(store.remove_oldest(), Some(0));
        assert_eq!((store.has(1), store.has(2), store.has(3)), (true, false, true));
        for key in [4, 3] {
            assert!(store.touch(key).is_some());
        }
        assert_eq!(store.nodes.len(), 3);
        let mut order = Vec::new();
        while store.len() > 0 {
            let key = store.nodes[at(store.oldest)].key;
            store.remove_oldest();
            order.push(key);
        }
        assert_eq!(order, [1, 4, 3]);
        assert!(store.remove_oldest().is_none() && store.oldest().is_none());
    }
}
