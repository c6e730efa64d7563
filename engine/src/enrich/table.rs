//! The process table: who runs what, who started it, and what it was before.
//!
//! Entries are found by process id and start tick, because a start read from `/proc` is known to
//! 10 ms only; the exact start is kept beside it. Each entry keeps its last few images with the time
//! each began, so that an event that arrives late is given the image of its own time. What children
//! take from their parent (ancestors, and until their first exec the image) is worked out once and
//! kept; when a late event changes a parent's past, `epoch` moves on and what was kept is worked out
//! again on the next use.

use std::{collections::HashMap, mem, sync::Arc};

use lru::LruCache;

use super::{Counters, Limits};
use crate::event::{
    Process, ProcessKey,
    id::{Origin, TICK_NS},
    process::MAX_ANCESTORS,
    value::{Bytes, Time},
};

/// Images kept per process: enough for the chains of exec that wrappers (`env`, `nice`, `sh -c`) make.
const MAX_IMAGES: usize = 4;

/// Nearest first.
type Ancestors = Arc<Vec<Arc<Process>>>;

/// Where an entry is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Place {
    pid: u32,
    tick: u64,
}

impl Place {
    fn of(key: ProcessKey) -> Self {
        Self { pid: key.pid, tick: key.start_boot_ns / TICK_NS }
    }
}

/// Whether a start is known to the nanosecond. One in ten million exact starts looks coarse; it then
/// matches within its tick, which does no harm.
fn is_exact(key: ProcessKey) -> bool {
    !key.start_boot_ns.is_multiple_of(TICK_NS)
}

/// How an image became known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// An exec was seen.
    Exec,
    /// Copied from the parent at fork.
    Inherited,
    /// Found in a running process.
    Seeded,
    /// Nothing is known but the process's ids and perhaps its `comm`.
    Unknown,
}

/// What a process runs from one moment on.
struct Image {
    since_ns: u64,
    source: Source,
    process: Arc<Process>,
}

struct Entry {
    key: ProcessKey,
    /// Oldest first; one at least. The first is never from [`Source::Exec`] unless `forgotten`.
    images: Vec<Image>,
    /// Images older than the first have been dropped.
    forgotten: bool,
    /// All zero if unknown.
    parent: ProcessKey,
    /// The parent is known from the fork itself, not from a later look.
    forked: bool,
    ancestors: Ancestors,
    /// The table's epoch when `ancestors` and an inherited image were worked out; 0 for not yet.
    epoch: u64,
    /// Start of the youngest child.
    last_child_ns: u64,
    /// When it ended.
    exit_ns: u64,
    bytes: usize,
}

impl Entry {
    /// The image at a time, `None` if it is no longer known.
    fn image_at(&self, boot_ns: u64) -> Option<&Image> {
        let place = self.images.partition_point(|image| image.since_ns <= boot_ns);
        match place.checked_sub(1) {
            Some(before) => self.images.get(before),
            None if self.forgotten => None,
            None => self.images.first(),
        }
    }

    /// Puts an image in its place in time.
    fn insert(&mut self, image: Image) {
        let place = self.images.partition_point(|other| other.since_ns <= image.since_ns);
        self.images.insert(place, image);
        if self.images.len() > MAX_IMAGES {
            self.images.remove(0);
            self.forgotten = true;
        }
    }

    fn any_image(&self) -> Option<&Arc<Process>> {
        self.images.first().map(|image| &image.process)
    }

    /// Takes over what the parent was when it forked this process. `None` for an image that is no
    /// longer known leaves what was found before.
    fn adopt(&mut self, parent: Option<Arc<Process>>, above: &Ancestors) {
        let Some(parent) = parent.or_else(|| self.ancestors.first().cloned()) else { return };
        let is_same = self.ancestors.first().is_some_and(|known| Arc::ptr_eq(known, &parent));
        if let Some(first) = self.images.first_mut()
            && first.source == Source::Inherited
            && !is_same
        {
            first.process = Arc::new(child_image(&parent, &first.process));
        }
        let above = above.iter().take(MAX_ANCESTORS - 1).cloned();
        self.ancestors = Arc::new(std::iter::once(parent).chain(above).collect());
    }

    /// Memory held for this entry, roughly; ancestors are counted where they stand.
    fn weigh(&self) -> usize {
        mem::size_of::<Self>()
            + self.ancestors.len() * mem::size_of::<Arc<Process>>()
            + self.images.iter().map(|image| weight(&image.process)).sum::<usize>()
    }
}

/// An image with the ids of another and nothing else.
fn ids_of(process: &Process) -> Process {
    Process { pid: process.pid, entity_id: process.entity_id.clone(), start: process.start, ..Process::default() }
}

/// The image of a child that has not called exec: the parent's, under ids of its own.
fn child_image(parent: &Process, own: &Process) -> Process {
    let mut image = parent.clone();
    image.pid = own.pid;
    image.entity_id.clone_from(&own.entity_id);
    image.exec_id.clone_from(&own.exec_id);
    image.start = own.start;
    if image.name.is_none() {
        image.name.clone_from(&own.name);
    }
    image
}

/// Memory held for an image, roughly.
fn weight(process: &Process) -> usize {
    let one = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, |bytes| bytes.len());
    let list = |items: &[Bytes]| items.iter().map(|item| item.len() + mem::size_of::<Bytes>()).sum::<usize>();
    mem::size_of::<Process>()
        + list(&process.args)
        + list(&process.env_vars)
        + [
            &process.entity_id,
            &process.exec_id,
            &process.name,
            &process.executable,
            &process.requested_executable,
            &process.interpreter,
            &process.command_line,
            &process.working_directory,
            &process.user_name,
        ]
        .into_iter()
        .map(one)
        .sum::<usize>()
}

/// What the table says of the process behind an event.
pub(super) struct Known {
    pub(super) process: Arc<Process>,
    pub(super) ancestors: Ancestors,
}

/// What [`Table::ensure`] found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    /// The process had an entry.
    Here,
    /// It has one now.
    Made,
    /// Its id was given to a younger process within one tick: it has none and gets none.
    Replaced,
}

pub(super) struct Table {
    limits: Limits,
    origin: Origin,
    boot_to_wall_ns: i64,
    /// By use.
    live: LruCache<Place, Entry, ahash::RandomState>,
    /// By time of exit.
    exited: LruCache<Place, Entry, ahash::RandomState>,
    /// Start tick of the youngest process of each id.
    youngest: HashMap<u32, u64, ahash::RandomState>,
    epoch: u64,
    bytes: usize,
    now_ns: u64,
    counters: Counters,
}

impl Table {
    pub(super) fn new(limits: Limits, origin: Origin, boot_to_wall_ns: i64) -> Self {
        let lists = || LruCache::unbounded_with_hasher(ahash::RandomState::new());
        Self {
            limits,
            origin,
            boot_to_wall_ns,
            live: lists(),
            exited: lists(),
            youngest: HashMap::default(),
            epoch: 1,
            bytes: 0,
            now_ns: 0,
            counters: Counters::default(),
        }
    }

    pub(super) fn counters(&self) -> Counters {
        Counters {
            entries: self.live.len() + self.exited.len(),
            retained: self.exited.len(),
            bytes: self.bytes,
            ..self.counters.clone()
        }
    }

    /// Wall-clock time of a moment on the boot clock.
    pub(super) fn wall(&self, boot_ns: u64) -> Time {
        Time(i64::try_from(boot_ns).unwrap_or(i64::MAX).saturating_add(self.boot_to_wall_ns))
    }

    /// Moves event time on; it never goes back.
    pub(super) fn advance(&mut self, boot_ns: u64) -> u64 {
        self.now_ns = self.now_ns.max(boot_ns);
        while self
            .exited
            .peek_lru()
            .is_some_and(|(_, entry)| self.now_ns.saturating_sub(entry.exit_ns) > self.limits.retain_ns)
        {
            self.drop_exited();
            self.counters.expired += 1;
        }
        self.now_ns
    }

    /// The process behind an event that changes no process.
    pub(super) fn resolve(&mut self, key: ProcessKey, boot_ns: u64, name: Option<&Bytes>) -> Known {
        // Almost every event takes this way: one look-up, two reference counts.
        if let Some(entry) = self.live.get_mut(&Place::of(key))
            && entry.key == key
            && entry.epoch == self.epoch
            && let Some(image) = entry.image_at(boot_ns)
        {
            return Known { process: Arc::clone(&image.process), ancestors: Arc::clone(&entry.ancestors) };
        }
        if self.ensure(key, name) != Found::Here {
            self.counters.unknown_process += 1;
        }
        let known = self.known(key, boot_ns, name);
        self.make_room();
        known
    }

    /// A process is made; gives the child.
    pub(super) fn fork(&mut self, key: ProcessKey, parent: ProcessKey, boot_ns: u64, seen: &Process) -> Known {
        let found = self.ensure(key, seen.name.as_ref());
        if let Some(entry) = self.entry_mut(key)
            && !entry.forked
        {
            entry.forked = true;
            let start_ns = entry.key.start_boot_ns;
            if let Some(first) = entry.images.first_mut() {
                let mut base = ids_of(&first.process);
                base.name.clone_from(&seen.name);
                base.exec_id.clone_from(&seen.exec_id);
                let image = Image { since_ns: start_ns, source: Source::Inherited, process: Arc::new(base) };
                match first.source {
                    Source::Unknown => *first = image,
                    // What the seed read may be a later image than the one at fork.
                    Source::Seeded => entry.insert(image),
                    // The image at fork is too old to be kept.
                    Source::Exec | Source::Inherited => {}
                }
            }
            // Someone may have asked for the child, or forked from it, before this was known.
            if found == Found::Here {
                self.correct();
            }
            if parent.pid != 0 {
                self.link(key, parent, seen.name.as_ref());
            }
        }
        let known = self.known(key, boot_ns, seen.name.as_ref());
        self.make_room();
        known
    }

    /// A process starts a program. Gives `image` the ids of its process; returns its ancestors and
    /// the executable it was before.
    pub(super) fn exec(
        &mut self,
        key: ProcessKey,
        parent: ProcessKey,
        boot_ns: u64,
        mut image: Process,
    ) -> (Known, Option<Bytes>) {
        if self.ensure(key, None) != Found::Here {
            self.counters.unknown_process += 1;
        }
        let ids = self.entry_mut(key).and_then(|entry| entry.any_image().map(|image| ids_of(image)));
        let ids = ids.unwrap_or_else(|| self.bare(key, None));
        image.pid = ids.pid;
        image.entity_id.clone_from(&ids.entity_id);
        image.start = ids.start;
        let process = Arc::new(image);

        let mut previous = None;
        let mut changes_past = false;
        let mut has_parent = true;
        if let Some(entry) = self.entry_mut(key) {
            let before = entry.images.len();
            // A seed read after this exec shows this image or a later one, not what was before it.
            entry.images.retain(|other| other.source != Source::Seeded || other.since_ns < boot_ns);
            changes_past = entry.images.len() != before || boot_ns <= entry.last_child_ns;
            if entry.images.is_empty() {
                let since_ns = key.start_boot_ns;
                entry.images.push(Image { since_ns, source: Source::Unknown, process: Arc::new(ids) });
            }
            previous = entry.image_at(boot_ns).and_then(|other| other.process.executable.clone());
            entry.insert(Image { since_ns: boot_ns, source: Source::Exec, process: Arc::clone(&process) });
            has_parent = entry.parent.pid != 0;
        }
        if changes_past {
            self.correct();
        }
        if !has_parent && parent.pid != 0 {
            self.link(key, parent, None);
        }
        let ancestors = self.known(key, boot_ns, None).ancestors;
        self.reweigh(Place::of(key));
        self.make_room();
        (Known { process, ancestors }, previous)
    }

    /// A process ends; its entry stays for a while.
    pub(super) fn exit(&mut self, key: ProcessKey, boot_ns: u64, name: Option<&Bytes>) -> Known {
        if self.ensure(key, name) != Found::Here {
            self.counters.unknown_process += 1;
        }
        let known = self.known(key, boot_ns, name);
        if self.entry_mut(key).is_some() {
            self.retire(Place::of(key), boot_ns);
        }
        self.make_room();
        known
    }

    /// A process found running. What live events have told stays.
    pub(super) fn seed(&mut self, key: ProcessKey, parent: ProcessKey, read_ns: u64, mut image: Process) {
        self.ensure(key, None);
        let Some(entry) = self.entry_mut(key) else { return };
        let ids = entry.any_image().map(Arc::clone).unwrap_or_default();
        image.pid = ids.pid;
        image.entity_id.clone_from(&ids.entity_id);
        image.start = ids.start;
        let mut changes_past = false;
        if let [only] = entry.images.as_mut_slice()
            && only.source == Source::Unknown
        {
            *only = Image { since_ns: read_ns, source: Source::Seeded, process: Arc::new(image) };
            changes_past = entry.last_child_ns > 0;
        }
        let has_parent = entry.parent.pid != 0 || entry.forked;
        if changes_past {
            self.epoch += 1;
        }
        if !has_parent && parent.pid != 0 {
            self.link(key, parent, None);
        }
        self.reweigh(Place::of(key));
        self.make_room();
    }

    /// An image of which only the process is known.
    pub(super) fn bare(&self, key: ProcessKey, name: Option<&Bytes>) -> Process {
        Process {
            pid: Some(key.pid),
            entity_id: Some(self.origin.entity(key)),
            start: Some(self.wall(key.start_boot_ns)),
            name: name.cloned(),
            ..Process::default()
        }
    }

    /// What is known of a process at a time.
    fn known(&mut self, key: ProcessKey, boot_ns: u64, name: Option<&Bytes>) -> Known {
        let epoch = self.epoch;
        if self.entry_mut(key).is_some_and(|entry| entry.epoch != epoch) {
            self.refresh(Place::of(key));
        }
        let entry = self.entry_mut(key);
        let ancestors = entry.as_ref().map(|entry| Arc::clone(&entry.ancestors)).unwrap_or_default();
        match entry.and_then(|entry| entry.image_at(boot_ns)) {
            Some(image) => Known { process: Arc::clone(&image.process), ancestors },
            None => Known { process: Arc::new(self.bare(key, name)), ancestors },
        }
    }

    /// Sets a process's parent, giving the parent an entry if it has none.
    fn link(&mut self, child: ProcessKey, parent: ProcessKey, name: Option<&Bytes>) {
        // Nobody is older than the parent; what says otherwise is damaged and would make a loop.
        let is_older = Place::of(parent).tick <= Place::of(child).tick && Place::of(parent) != Place::of(child);
        if !is_older || self.ensure(parent, name) == Found::Replaced {
            return;
        }
        if self
            .peek(Place::of(parent))
            .is_some_and(|entry| entry.images.iter().all(|image| image.source == Source::Unknown))
        {
            self.counters.unknown_parent += 1;
        }
        if let Some(entry) = self.entry_mut(parent) {
            entry.last_child_ns = entry.last_child_ns.max(child.start_boot_ns);
        }
        if let Some(entry) = self.entry_mut(child) {
            entry.parent = parent;
            entry.ancestors = Arc::default();
            entry.epoch = 0;
        }
    }

    /// What children took from their parents may no longer hold.
    fn correct(&mut self) {
        self.epoch += 1;
        self.counters.corrections += 1;
    }

    /// Works out again what an entry takes from its parent, after the same for its ancestors.
    fn refresh(&mut self, place: Place) {
        let mut path = vec![place];
        let mut at = place;
        while let Some(parent) = self.peek(at).map(|entry| entry.parent).filter(|parent| parent.pid != 0) {
            at = Place::of(parent);
            // The length cannot pass the table's unless damaged keys form a loop.
            let is_stale = self.peek(at).is_some_and(|entry| entry.epoch != self.epoch);
            if !is_stale || path.len() > self.live.len() + self.exited.len() {
                break;
            }
            path.push(at);
        }
        for place in path.into_iter().rev() {
            let from = self.peek(place).and_then(|entry| {
                let parent = self.peek(Place::of(entry.parent)).filter(|parent| parent.is(entry.parent))?;
                let image = parent.image_at(entry.key.start_boot_ns);
                Some((image.map(|image| Arc::clone(&image.process)), Arc::clone(&parent.ancestors)))
            });
            let epoch = self.epoch;
            if let Some(entry) = self.peek_mut(place) {
                if let Some((image, above)) = from {
                    entry.adopt(image, &above);
                }
                entry.epoch = epoch;
            }
            self.reweigh(place);
        }
    }

    /// Sees to it that a process has an entry.
    fn ensure(&mut self, key: ProcessKey, name: Option<&Bytes>) -> Found {
        let place = Place::of(key);
        let start_of = |entry: &mut Entry| {
            if !is_exact(entry.key) {
                entry.key = key;
            }
            entry.key
        };
        let known = match self.live.get_mut(&place) {
            Some(entry) => Some(start_of(entry)),
            None => self.exited.peek_mut(&place).map(start_of),
        };
        match known {
            Some(known) if !is_exact(key) || known == key => return Found::Here,
            Some(known) if known.start_boot_ns > key.start_boot_ns => return Found::Replaced,
            // The id has been used up and given again within one tick.
            Some(_) => {
                let former = self.live.pop(&place).or_else(|| self.exited.pop(&place));
                self.forget(place, former);
            }
            None => {}
        }
        let first =
            Image { since_ns: key.start_boot_ns, source: Source::Unknown, process: Arc::new(self.bare(key, name)) };
        let mut entry = Entry {
            key,
            images: vec![first],
            forgotten: false,
            parent: ProcessKey::default(),
            forked: false,
            ancestors: Arc::default(),
            epoch: self.epoch,
            last_child_ns: 0,
            exit_ns: 0,
            bytes: 0,
        };
        entry.bytes = entry.weigh();
        self.bytes += entry.bytes;
        self.live.put(place, entry);
        // Of two processes with one id the older has ended, whether its exit was seen or not.
        match self.youngest.get(&key.pid).copied() {
            Some(tick) if tick > place.tick => self.retire(place, self.now_ns),
            Some(tick) => {
                self.youngest.insert(key.pid, place.tick);
                if self.live.contains(&Place { pid: key.pid, tick }) && tick != place.tick {
                    self.counters.missed_exits += 1;
                    self.retire(Place { pid: key.pid, tick }, self.now_ns);
                }
            }
            None => {
                self.youngest.insert(key.pid, place.tick);
            }
        }
        Found::Made
    }

    /// Moves an entry to those that have ended.
    fn retire(&mut self, place: Place, exit_ns: u64) {
        if let Some(mut entry) = self.live.pop(&place) {
            entry.exit_ns = exit_ns;
            self.exited.put(place, entry);
        }
        while self.exited.len() > self.limits.retained {
            self.drop_exited();
            self.counters.evicted_exited += 1;
        }
    }

    fn make_room(&mut self) {
        // One live entry always stays, or a single huge image could empty the table for good.
        while self.live.len() + self.exited.len() > self.limits.entries.max(2) || self.bytes > self.limits.bytes {
            if self.drop_exited() {
                self.counters.evicted_exited += 1;
            } else if self.live.len() > 1 {
                if let Some((place, entry)) = self.live.pop_lru() {
                    self.forget(place, Some(entry));
                }
                self.counters.evicted_live += 1;
            } else {
                return;
            }
        }
    }

    fn drop_exited(&mut self) -> bool {
        let Some((place, entry)) = self.exited.pop_lru() else { return false };
        self.forget(place, Some(entry));
        true
    }

    fn forget(&mut self, place: Place, entry: Option<Entry>) {
        self.bytes -= entry.map_or(0, |entry| entry.bytes);
        if self.youngest.get(&place.pid) == Some(&place.tick) {
            self.youngest.remove(&place.pid);
        }
    }

    fn reweigh(&mut self, place: Place) {
        if let Some(entry) = self.peek_mut(place) {
            let now = entry.weigh();
            let before = mem::replace(&mut entry.bytes, now);
            self.bytes = self.bytes - before + now;
        }
    }

    /// The entry of a process, which counts as used.
    fn entry_mut(&mut self, key: ProcessKey) -> Option<&mut Entry> {
        let place = Place::of(key);
        let entry = match self.live.get_mut(&place) {
            Some(entry) => Some(entry),
            None => self.exited.peek_mut(&place),
        };
        entry.filter(|entry| entry.is(key))
    }

    fn peek(&self, place: Place) -> Option<&Entry> {
        self.live.peek(&place).or_else(|| self.exited.peek(&place))
    }

    fn peek_mut(&mut self, place: Place) -> Option<&mut Entry> {
        match self.live.peek_mut(&place) {
            Some(entry) => Some(entry),
            None => self.exited.peek_mut(&place),
        }
    }
}

impl Entry {
    /// Whether this is the entry of a process found at its place.
    fn is(&self, key: ProcessKey) -> bool {
        self.key == key || !is_exact(key) || !is_exact(self.key)
    }
}
