//! Files that were scanned before, and what was found in them.

use std::num::NonZeroUsize;

use lru::LruCache;

use super::examine::Found;
use crate::event::FileIdentity;

/// A file changed less than this ago may be changed again without a new time: the clock of file systems ticks slowly.
const SETTLED_NS: i64 = 2_000_000_000;

/// What a file is known by: its identity, and its name's hash where names matter to the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) file: FileIdentity,
    pub(super) name: u64,
}

/// Bounded; the least recently used file is forgotten first.
pub(super) struct Cache(LruCache<Key, Found>);

impl Cache {
    pub(super) fn new(entries: usize) -> Self {
        Self(LruCache::new(NonZeroUsize::new(entries).unwrap_or(NonZeroUsize::MIN)))
    }

    pub(super) fn get(&mut self, key: &Key) -> Option<Found> {
        self.0.get(key).cloned()
    }

    /// Remembers a file, unless it could change without being noticed: `now_ns` is the wall clock.
    pub(super) fn put(&mut self, key: Key, found: Found, now_ns: i64) {
        if now_ns.saturating_sub(key.file.changed_ns) >= SETTLED_NS {
            self.0.put(key, found);
        }
    }

    /// Forgets everything: the rules are others.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(inode: u64, changed_ns: i64) -> Key {
        Key { file: FileIdentity { device: 1, inode, generation: 0, changed_ns }, name: 0 }
    }

    fn nothing() -> Found {
        Found { hits: std::sync::Arc::new([]), size: 0, scanned: 0, sha256: None }
    }

    #[test]
    fn a_file_is_known_by_its_last_change_and_the_oldest_is_forgotten() {
        let mut cache = Cache::new(2);
        let now = 100 * SETTLED_NS;
        cache.put(key(1, 5), nothing(), now);
        assert!(cache.get(&key(1, 5)).is_some());
        assert!(cache.get(&key(1, 6)).is_none(), "the file has changed");
        cache.put(key(2, 5), nothing(), now);
        assert!(cache.get(&key(1, 5)).is_some());
        cache.put(key(3, 5), nothing(), now);
        assert!(cache.get(&key(2, 5)).is_none() && cache.get(&key(1, 5)).is_some());
        cache.clear();
        assert!(cache.get(&key(1, 5)).is_none());
    }

    #[test]
    fn a_file_that_has_just_been_changed_is_not_remembered() {
        let mut cache = Cache::new(2);
        let now = 100 * SETTLED_NS;
        cache.put(key(1, now - SETTLED_NS + 1), nothing(), now);
        assert!(cache.get(&key(1, now - SETTLED_NS + 1)).is_none());
        cache.put(key(1, now - SETTLED_NS), nothing(), now);
        assert!(cache.get(&key(1, now - SETTLED_NS)).is_some());
    }
}
