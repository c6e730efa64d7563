//! De-duplication: the first alert of a finding leaves at once, repeats become updates of it.
//!
//! Two alerts are of one finding when all of this is the same: the rule (id and content), the entry that
//! suppressed it, the host, the cgroup, the real user, the program with its arguments, the program that
//! started it, and what was done to what (for a file its path and the access, for a connection the
//! remote end, for a server its local one, for an end how it ended), and for a rule over several events
//! the group. Process ids are left out on
//! purpose: a loop that starts the same command again and again is one finding. Whatever differs in
//! any of these stays an alert of its own.
//!
//! Pure: time is the events' own, or handed in. The same alerts in the same order with the same ticks
//! give the same output.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sha2::{Digest, Sha256};

use super::{Alert, Occurrences};
use crate::event::{Data, Event, socket::Endpoint, value::Time, value::Value};

/// Bounds of de-duplication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long after its first alert a finding takes repeats in, in event time, nanoseconds; 0 for no
    /// de-duplication at all.
    pub window_ns: i64,
    /// Least time between two updates of one finding, nanoseconds.
    pub interval_ns: i64,
    /// Findings remembered.
    pub entries: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { window_ns: 60_000_000_000, interval_ns: 10_000_000_000, entries: 8192 }
    }
}

/// What is held and what was done, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Findings remembered now.
    pub entries: usize,
    /// Alerts that did not leave as alerts of their own.
    pub repeats: u64,
    /// Updates sent.
    pub updates: u64,
    /// Findings forgotten before their window's end, to make room: their next repeat is a new alert.
    pub evicted: u64,
}

/// A finding, by hash.
type Key = [u8; 16];

struct Entry {
    key: Key,
    id: String,
    ends_ns: i64,
    occurrences: Occurrences,
    /// The last repeat that no update has told of yet. Absent for most: evidence is not kept for nothing.
    pending: Option<Alert>,
    due_ns: i64,
}

/// The findings of the last window.
#[derive(Default)]
pub struct Dedup {
    limits: Limits,
    /// Newest time seen; never goes back.
    now_ns: i64,
    /// By number, which is the order of their windows' ends.
    entries: BTreeMap<u64, Entry>,
    numbers: HashMap<Key, u64>,
    /// When updates are due.
    due: BTreeSet<(i64, u64)>,
    next: u64,
    counters: Counters,
}

impl Dedup {
    /// One that has seen nothing yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, now_ns: i64::MIN, ..Self::default() }
    }

    /// Takes an alert; gives it on if its finding is new, and whatever updates have become due.
    pub fn take(&mut self, mut alert: Alert, give: &mut dyn FnMut(Alert)) {
        if self.limits.window_ns <= 0 || self.limits.entries == 0 {
            give(alert);
            return;
        }
        if let Some(Time(ns)) = alert.event.time {
            self.tick(ns, give);
        }
        let now_ns = self.now_ns;
        let key = key(&alert);
        let known = self.numbers.get(&key).copied();
        if let Some(number) = known
            && let Some(entry) = self.entries.get_mut(&number)
        {
            entry.occurrences.add(alert.event.time);
            alert.id.clone_from(&entry.id);
            if entry.pending.replace(alert).is_none() {
                self.due.insert((entry.due_ns, number));
            }
            self.counters.repeats += 1;
            self.tick(now_ns, give);
            return;
        }
        while self.entries.len() >= self.limits.entries {
            self.forget_oldest(give);
            self.counters.evicted += 1;
        }
        let number = self.next;
        self.next += 1;
        self.numbers.insert(key, number);
        let ends_ns = now_ns.saturating_add(self.limits.window_ns);
        let entry = Entry {
            key,
            id: alert.id.clone(),
            ends_ns,
            occurrences: alert.occurrences,
            pending: None,
            due_ns: now_ns.saturating_add(self.limits.interval_ns).min(ends_ns),
        };
        self.entries.insert(number, entry);
        give(alert);
    }

    /// Moves time on to `now_ns` (wall clock, nanoseconds) and gives the updates that are due.
    pub fn tick(&mut self, now_ns: i64, give: &mut dyn FnMut(Alert)) {
        self.now_ns = self.now_ns.max(now_ns);
        while let Some(&(due_ns, number)) = self.due.first()
            && due_ns <= self.now_ns
        {
            self.due.pop_first();
            self.update(number, give);
        }
        while self.entries.first_key_value().is_some_and(|(_, entry)| entry.ends_ns <= self.now_ns) {
            self.forget_oldest(give);
        }
    }

    /// Gives every update that is still owed: nothing more will come.
    pub fn finish(&mut self, give: &mut dyn FnMut(Alert)) {
        while !self.entries.is_empty() {
            self.forget_oldest(give);
        }
    }

    /// What is held and what was done.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters { entries: self.entries.len(), ..self.counters }
    }

    fn update(&mut self, number: u64, give: &mut dyn FnMut(Alert)) {
        let Some(entry) = self.entries.get_mut(&number) else { return };
        let Some(mut alert) = entry.pending.take() else { return };
        entry.due_ns = self.now_ns.saturating_add(self.limits.interval_ns).min(entry.ends_ns);
        alert.occurrences = entry.occurrences;
        self.counters.updates += 1;
        give(alert);
    }

    fn forget_oldest(&mut self, give: &mut dyn FnMut(Alert)) {
        let Some((&number, entry)) = self.entries.first_key_value() else { return };
        self.due.remove(&(entry.due_ns, number));
        self.update(number, give);
        if let Some(entry) = self.entries.remove(&number) {
            self.numbers.remove(&entry.key);
        }
    }
}

/// The hash of what makes a finding; see the module.
fn key(alert: &Alert) -> Key {
    let event = &alert.event;
    let process = &event.process;
    let mut hash = Hash(Sha256::new());
    hash.text(alert.rule.id.as_bytes());
    hash.text(alert.rule.content_hash.as_bytes());
    hash.maybe(alert.suppressed_by.as_ref().map(String::as_bytes));
    hash.maybe(event.host_name.as_deref());
    hash.number(event.cgroup_id);
    hash.maybe(event.container_id.as_deref());
    hash.number(event.real_user_id.map(|id| id.0));
    hash.maybe(process.executable.as_deref().or(process.name.as_deref()));
    hash.number(i64::try_from(process.args.len()).ok());
    for arg in &process.args {
        hash.text(arg);
    }
    let parent = event.parent();
    hash.maybe(parent.and_then(|parent| parent.executable.as_deref().or(parent.name.as_deref())));
    for value in alert.evidence.iter().flat_map(|evidence| &evidence.group) {
        hash.text(value.as_bytes());
    }
    hash.text(event.kind().name().as_bytes());
    object(event, &mut hash);
    let digest = hash.0.finalize();
    let mut key = Key::default();
    for (place, byte) in key.iter_mut().zip(digest) {
        *place = byte;
    }
    key
}

/// What was acted on.
fn object(event: &Event, hash: &mut Hash) {
    match &event.data {
        // Each connection of a client has a port of its own, which tells nothing.
        Data::Accept(it) => {
            hash.end(Endpoint { port: None, ..it.source });
            hash.end(it.destination);
        }
        Data::Bind(it) => hash.end(it.server),
        Data::Connect(it) => hash.end(it.destination),
        Data::Exec(_) | Data::Fork(_) => {}
        Data::Exit(it) => {
            hash.number(it.code);
            hash.number(it.signal);
        }
        Data::FileOpen(it) => {
            hash.maybe(it.path.as_deref().or(it.requested_path.as_deref()));
            if let Value::List(words) = event.value("file.access") {
                let words =
                    words.iter().filter_map(|word| if let Value::Bytes(word) = word { Some(word) } else { None });
                words.for_each(|word| hash.text(word));
            }
        }
        Data::Listen(it) => hash.end(it.server),
        Data::YaraMatch(it) => {
            hash.maybe(it.rule.namespace.as_deref());
            hash.maybe(it.rule.name.as_deref());
            hash.maybe(it.path.as_deref());
            hash.maybe(it.sha256.as_deref());
        }
    }
}

/// Hashes parts so that no two lists of parts run together.
struct Hash(Sha256);

impl Hash {
    fn text(&mut self, text: &[u8]) {
        self.0.update([1]);
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text);
    }

    fn maybe(&mut self, text: Option<&[u8]>) {
        match text {
            Some(text) => self.text(text),
            None => self.0.update([0]),
        }
    }

    fn number(&mut self, number: Option<i64>) {
        let bytes = number.map(i64::to_le_bytes);
        self.maybe(bytes.as_ref().map(|bytes| &bytes[..]));
    }

    fn end(&mut self, end: Endpoint) {
        let ip = end.ip.map(|ip| match ip {
            std::net::IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
            std::net::IpAddr::V6(ip) => ip.octets(),
        });
        self.maybe(ip.as_ref().map(|ip| &ip[..]));
        self.number(end.port.map(i64::from));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        alert::RuleFacts,
        event::{Kind, Severity},
    };

    const SECOND: i64 = 1_000_000_000;

    fn alert(kind: Kind, seconds: i64, change: impl FnOnce(&mut Event)) -> Alert {
        let mut event = Event::new(kind);
        event.id = Some(format!("test.{seconds}").into_bytes().into());
        event.time = Some(Time(seconds * SECOND));
        change(&mut event);
        let rule = RuleFacts {
            id: "rule".to_owned(),
            title: "Rule".to_owned(),
            description: String::new(),
            severity: Severity::High,
            tags: Vec::new(),
            references: Vec::new(),
            author: None,
            license: None,
            ruleset: "native",
            content_hash: "00".to_owned(),
        };
        Alert {
            id: Alert::id_of(&rule, &event),
            rule: Arc::new(rule),
            occurrences: Occurrences::once(event.time),
            indicator: None,
            generation: None,
            event: Arc::new(event),
            message: Vec::new(),
            suppressed_by: None,
            evidence: None,
        }
    }

    /// Seconds of the event, count and whether it is an update, of each alert given.
    fn said(alerts: &[Alert]) -> Vec<(i64, u64, bool)> {
        let seconds = |alert: &Alert| alert.event.time.map_or(0, |Time(ns)| ns / SECOND);
        alerts.iter().map(|it| (seconds(it), it.occurrences.count, it.occurrences.is_update())).collect()
    }

    fn limits(window: i64, interval: i64, entries: usize) -> Limits {
        Limits { window_ns: window * SECOND, interval_ns: interval * SECOND, entries }
    }

    #[test]
    fn the_first_leaves_at_once_and_repeats_become_updates_of_its_id() {
        let mut dedup = Dedup::new(limits(60, 10, 8));
        let mut given = Vec::new();
        for seconds in [100, 101, 102, 109, 110, 111, 159, 160, 161] {
            dedup.take(alert(Kind::Exec, seconds, |_| {}), &mut |it| given.push(it));
        }
        dedup.finish(&mut |it| given.push(it));
        let expected = [
            (100, 1, false),
            // Ten seconds after the first; what comes at that very moment belongs to the next update.
            (109, 4, true),
            (111, 6, true),
            // The window of 100 ends at 160.
            (159, 7, true),
            (160, 1, false),
            (161, 2, true),
        ];
        assert_eq!(said(&given), expected);
        let ids: Vec<_> = given.iter().map(|it| it.id.as_str()).collect();
        assert!(ids[..4].iter().all(|id| *id == ids[0]) && ids[4] == ids[5] && ids[0] != ids[4]);
        let last = given[3].occurrences;
        assert_eq!((last.first, last.last), (Some(Time(100 * SECOND)), Some(Time(159 * SECOND))));
        assert_eq!(dedup.counters(), Counters { entries: 0, repeats: 7, updates: 4, evicted: 0 });
    }

    #[test]
    fn a_clock_handed_in_sends_what_is_due_when_nothing_more_happens() {
        let mut dedup = Dedup::new(limits(60, 10, 8));
        let mut given = Vec::new();
        for seconds in [100, 101] {
            dedup.take(alert(Kind::Exec, seconds, |_| {}), &mut |it| given.push(it));
        }
        dedup.tick(109 * SECOND, &mut |it| given.push(it));
        assert_eq!(given.len(), 1);
        dedup.tick(110 * SECOND, &mut |it| given.push(it));
        assert_eq!(said(&given)[1..], [(101, 2, true)]);
        dedup.tick(160 * SECOND, &mut |it| given.push(it));
        assert_eq!((given.len(), dedup.counters().entries), (2, 0));
    }

    #[test]
    fn what_differs_in_what_makes_a_finding_is_an_alert_of_its_own() {
        let path = |event: &mut Event, path: &str| {
            if let Data::FileOpen(open) = &mut event.data {
                open.path = Some(path.as_bytes().into());
            }
        };
        let program = |event: &mut Event, path: &str, args: &[&str]| {
            let process = Arc::make_mut(&mut event.process);
            process.executable = Some(path.as_bytes().into());
            process.args = args.iter().map(|arg| arg.as_bytes().into()).collect();
        };
        let mut dedup = Dedup::new(limits(60, 10, 100));
        let mut given = 0;
        let mut different = |alert: Alert| {
            let before = given;
            dedup.take(alert, &mut |_| given += 1);
            given > before
        };
        assert!(different(alert(Kind::FileOpen, 1, |it| path(it, "/etc/shadow"))));
        assert!(!different(alert(Kind::FileOpen, 1, |it| path(it, "/etc/shadow"))));
        assert!(!different(alert(Kind::FileOpen, 1, |it| {
            path(it, "/etc/shadow");
            it.key.pid = 7;
            it.thread_id = Some(7);
        })));
        assert!(different(alert(Kind::FileOpen, 1, |it| path(it, "/etc/gshadow"))));
        assert!(different(alert(Kind::FileOpen, 1, |it| {
            path(it, "/etc/shadow");
            program(it, "/bin/cat", &["cat"]);
        })));
        assert!(different(alert(Kind::FileOpen, 1, |it| {
            path(it, "/etc/shadow");
            program(it, "/bin/cat", &["cat", "-n"]);
        })));
        assert!(different(alert(Kind::FileOpen, 1, |it| {
            path(it, "/etc/shadow");
            it.cgroup_id = Some(9);
        })));
        assert!(different(alert(Kind::Exec, 1, |it| program(it, "/bin/x", &["ab", "c"]))));
        assert!(different(alert(Kind::Exec, 1, |it| program(it, "/bin/x", &["a", "bc"]))));
        let suppressed =
            Alert { suppressed_by: Some("entry".to_owned()), ..alert(Kind::FileOpen, 1, |it| path(it, "/etc/shadow")) };
        assert!(different(suppressed), "a suppressed alert must not swallow one that is not");
    }

    #[test]
    fn the_table_is_bounded_and_evictions_are_counted_and_told() {
        let mut dedup = Dedup::new(limits(60, 10, 2));
        let mut given = Vec::new();
        let numbered = |number: i64| alert(Kind::Exec, 100, move |it| it.cgroup_id = Some(number));
        for number in [1, 1, 2, 3, 1] {
            dedup.take(numbered(number), &mut |it| given.push(it));
        }
        let expected = [(100, 1, false), (100, 1, false), (100, 2, true), (100, 1, false), (100, 1, false)];
        assert_eq!(said(&given), expected);
        assert_eq!(dedup.counters(), Counters { entries: 2, repeats: 1, updates: 1, evicted: 2 });
    }

    #[test]
    fn a_window_of_nothing_lets_everything_through() {
        let mut dedup = Dedup::new(limits(0, 10, 8));
        let mut given = 0;
        for _ in 0..3 {
            dedup.take(alert(Kind::Exec, 1, |_| {}), &mut |_| given += 1);
        }
        assert_eq!(given, 3);
    }

    proptest::proptest! {
        /// Whatever comes in whatever order: the counts tell of every alert exactly once, and the same twice gives the same.
        #[test]
        fn nothing_is_lost_and_the_same_gives_the_same(
            steps in proptest::collection::vec((0i64..300, 0i64..6), 0..200)
        ) {
            let run = || {
                let mut dedup = Dedup::new(limits(60, 10, 4));
                let mut given = Vec::new();
                for (place, (seconds, number)) in steps.iter().enumerate() {
                    let mut one = alert(Kind::Exec, *seconds, |it| it.cgroup_id = Some(*number));
                    one.id = place.to_string();
                    dedup.take(one, &mut |it| given.push(it));
                }
                dedup.finish(&mut |it| given.push(it));
                given.into_iter().map(|it| (it.id, it.occurrences)).collect::<Vec<_>>()
            };
            let given = run();
            let mut told: HashMap<&str, u64> = HashMap::new();
            for (id, occurrences) in &given {
                let before = told.insert(id, occurrences.count);
                proptest::prop_assert_eq!(before.is_some(), occurrences.is_update());
                proptest::prop_assert!(before.is_none_or(|before| before < occurrences.count));
            }
            proptest::prop_assert_eq!(told.values().sum::<u64>(), steps.len() as u64);
            proptest::prop_assert_eq!(given, run());
        }
    }
}
