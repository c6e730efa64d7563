//! Cgroup paths and containers by cgroup id.
//!
//! The sensor gives the path only where the id is likely to be new (exec, seeds); other events carry
//! the id alone.

use std::num::NonZeroUsize;

use lru::LruCache;

use super::container::container_id;
use crate::event::{Event, value::Bytes};

const PATH_FIELD: &str = "process.cgroup.path";

struct Cgroup {
    path: Bytes,
    container: Option<Bytes>,
    /// The path was cut when it was learned.
    cut: bool,
}

impl Cgroup {
    fn new(path: &Bytes, cut: bool) -> Self {
        Self { path: path.clone(), container: container_id(path), cut }
    }
}

/// Cgroups seen, the least recently used forgotten first.
pub(super) struct Cgroups {
    known: LruCache<i64, Cgroup, ahash::RandomState>,
    unknown: u64,
}

impl Cgroups {
    pub(super) fn new(limit: usize) -> Self {
        let limit = NonZeroUsize::new(limit).unwrap_or(NonZeroUsize::MIN);
        Self { known: LruCache::with_hasher(limit, ahash::RandomState::new()), unknown: 0 }
    }

    /// Remembers a cgroup's path.
    pub(super) fn learn(&mut self, id: i64, path: &Bytes, cut: bool) {
        if self.known.get(&id).is_none_or(|known| known.path != *path) {
            self.known.put(id, Cgroup::new(path, cut));
        }
    }

    /// Gives an event the path and container of its cgroup, or learns the path from it.
    pub(super) fn complete(&mut self, event: &mut Event) {
        match (event.cgroup_id, &event.cgroup_path) {
            (Some(id), Some(path)) => {
                self.learn(id, path, event.cut.0.contains(&PATH_FIELD));
                if event.container_id.is_none() {
                    event.container_id = self.known.get(&id).and_then(|cgroup| cgroup.container.clone());
                }
            }
            (Some(id), None) => match self.known.get(&id) {
                Some(cgroup) => {
                    event.cgroup_path = Some(cgroup.path.clone());
                    if cgroup.cut {
                        event.cut.add(PATH_FIELD);
                    }
                    if event.container_id.is_none() {
                        event.container_id.clone_from(&cgroup.container);
                    }
                }
                None => self.unknown += 1,
            },
            (None, Some(path)) if event.container_id.is_none() => {
                event.container_id = container_id(path);
            }
            (None, _) => {}
        }
    }

    /// How many cgroups are known.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// How many events came from a cgroup whose path was not known.
    pub(super) fn unknown(&self) -> u64 {
        self.unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Kind;

    fn event(id: Option<i64>, path: Option<&str>) -> Event {
        let mut event = Event::new(Kind::Exec);
        event.cgroup_id = id;
        event.cgroup_path = path.map(|path| path.as_bytes().into());
        event
    }

    #[test]
    fn a_path_once_seen_is_given_to_events_that_carry_the_id_alone() {
        let mut cgroups = Cgroups::new(2);
        cgroups.complete(&mut event(Some(7), Some("/lxc.payload.web")));
        let mut later = event(Some(7), None);
        cgroups.complete(&mut later);
        assert_eq!(later.cgroup_path.as_deref(), Some(&b"/lxc.payload.web"[..]));
        assert_eq!(later.container_id.as_deref(), Some(&b"web"[..]));
        let mut stranger = event(Some(8), None);
        cgroups.complete(&mut stranger);
        assert_eq!((stranger.cgroup_path, stranger.container_id, cgroups.unknown()), (None, None, 1));
        // A recording without ids still shows its containers.
        let mut recorded = event(None, Some("/lxc.payload.old"));
        cgroups.complete(&mut recorded);
        assert_eq!(recorded.container_id.as_deref(), Some(&b"old"[..]));
    }

    #[test]
    fn the_least_recently_used_cgroup_makes_room() {
        let mut cgroups = Cgroups::new(2);
        for (id, path) in [(1, Some("/a")), (2, Some("/b")), (1, None), (3, Some("/c"))] {
            cgroups.complete(&mut event(Some(id), path));
        }
        for (id, expected) in [(1, Some(&b"/a"[..])), (2, None), (3, Some(b"/c"))] {
            let mut asked = event(Some(id), None);
            cgroups.complete(&mut asked);
            assert_eq!(asked.cgroup_path.as_deref(), expected, "{id}");
        }
        assert_eq!(cgroups.len(), 2);
    }

    #[test]
    fn a_cut_path_stays_marked() {
        let mut cgroups = Cgroups::new(2);
        let mut first = event(Some(1), Some("/very-long"));
        first.cut.add(PATH_FIELD);
        cgroups.complete(&mut first);
        let mut later = event(Some(1), None);
        cgroups.complete(&mut later);
        assert_eq!(later.cut.0, [PATH_FIELD]);
    }
}
