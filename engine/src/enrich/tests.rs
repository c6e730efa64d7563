//! The enricher as a whole: one scenario per promise, and random histories against a plain model.

use std::{collections::HashMap, sync::Arc};

use proptest::prelude::*;

use super::*;
use crate::event::{
    Kind, ProcessKey,
    id::TICK_NS,
    process::MAX_ANCESTORS,
    value::{Numeric, Time},
};

const MS: u64 = 1_000_000;

fn enricher(limits: Limits) -> Enricher {
    let host = Host { name: bytes("host"), boot_id: bytes("boot"), boot_to_wall_ns: 1_000_000_000 };
    Enricher::new(limits, Origin::new("machine", "boot"), host, Users::fixed([(0, "root"), (1000, "alice")]))
}

fn bytes(text: &str) -> Bytes {
    text.as_bytes().into()
}

/// Starts are not on a tick, as the kernel's are not.
fn key(pid: u32, start_ms: u64) -> ProcessKey {
    ProcessKey { pid, start_boot_ns: start_ms * MS + 1 }
}

const NOBODY: ProcessKey = ProcessKey { pid: 0, start_boot_ns: 0 };

fn event(kind: Kind, at_ms: u64, key: ProcessKey) -> Event {
    let mut event = Event::new(kind);
    (event.key, event.boot_ns, event.user_id) = (key, at_ms * MS + 1, Some(Numeric(1000)));
    Arc::make_mut(&mut event.process).name = Some(bytes("comm"));
    event
}

fn fork(at_ms: u64, child: ProcessKey, parent: ProcessKey) -> Event {
    Event { parent_key: parent, ..event(Kind::Fork, at_ms, child) }
}

fn exec(at_ms: u64, key: ProcessKey, parent: ProcessKey, path: &str) -> Event {
    let mut event = Event { parent_key: parent, ..event(Kind::Exec, at_ms, key) };
    let image = Process {
        executable: Some(bytes(path)),
        args: vec![bytes(path), bytes("-x")],
        exec_id: Some(bytes(&format!("{path}@{at_ms}"))),
        ..Process::default()
    };
    event.process = Arc::new(image);
    event
}

fn seed(key: ProcessKey, parent: ProcessKey, read_ms: u64, path: &str) -> Seed {
    let process = Process { executable: Some(bytes(path)), user_id: Some(Numeric(0)), ..Process::default() };
    Seed { key, parent_key: parent, read_ns: read_ms * MS, process, ..Seed::default() }
}

/// What an event shows: its own executable, then its ancestors', nearest first.
fn shown(event: &Event) -> Vec<String> {
    let path = |process: &Process| {
        let name = process.executable.as_ref().or(process.name.as_ref());
        name.map_or_else(|| "?".to_owned(), |name| String::from_utf8_lossy(name).into_owned())
    };
    std::iter::once(&event.process).chain(event.ancestors.iter()).map(|process| path(process)).collect()
}

fn apply(enricher: &mut Enricher, mut event: Event) -> Event {
    enricher.apply(&mut event);
    event
}

/// What a plain event of a process shows at a time.
fn ask(enricher: &mut Enricher, at_ms: u64, key: ProcessKey) -> Vec<String> {
    shown(&apply(enricher, event(Kind::FileOpen, at_ms, key)))
}

#[test]
fn a_process_keeps_its_id_from_fork_to_exit_and_takes_its_parents_image_until_exec() {
    let mut all = enricher(Limits::default());
    let (sh, child) = (key(10, 0), key(11, 100));
    apply(&mut all, exec(50, sh, NOBODY, "/bin/sh"));
    let forked = apply(&mut all, fork(100, child, sh));
    assert_eq!(shown(&forked), ["/bin/sh", "/bin/sh"]);
    assert_eq!((forked.process.pid, forked.ancestors[0].pid), (Some(11), Some(10)));
    assert_eq!(forked.process.args, [bytes("/bin/sh"), bytes("-x")]);
    let id = forked.process.entity_id.clone();
    assert_eq!(id, Some(Origin::new("machine", "boot").entity(child)));
    assert_ne!(id, forked.ancestors[0].entity_id);

    let started = apply(&mut all, exec(110, child, sh, "/usr/bin/id"));
    assert_eq!(shown(&started), ["/usr/bin/id", "/bin/sh"]);
    let Data::Exec(facts) = &started.data else { panic!("an exec") };
    assert_eq!(facts.previous_executable, Some(bytes("/bin/sh")));
    assert_eq!(started.process.command_line, Some(bytes("/usr/bin/id -x")));
    assert_eq!(started.process.name, Some(bytes("id")));
    assert_eq!(started.process.user_name, Some(bytes("alice")));
    assert_eq!(started.process.entity_id, id);
    assert_eq!(started.process.start, Some(Time(1_100_000_001)));
    assert_eq!(started.host_name, Some(bytes("host")));

    // What the shell becomes later is not what started the child.
    apply(&mut all, exec(120, sh, NOBODY, "/bin/other"));
    let opened = apply(&mut all, event(Kind::FileOpen, 130, child));
    assert_eq!(shown(&opened), ["/usr/bin/id", "/bin/sh"]);
    let ended = apply(&mut all, event(Kind::Exit, 140, child));
    assert_eq!((shown(&ended), ended.process.entity_id.clone()), (shown(&opened), id));
    let Data::Exit(facts) = &ended.data else { panic!("an exit") };
    assert_eq!((facts.run_time_ns, facts.end), (Some(40_000_000), Some(Time(1_140_000_001))));
    assert_eq!(all.counters().unknown_process, 1);
}

#[test]
fn an_event_of_a_known_process_shares_what_the_table_holds() {
    let mut all = enricher(Limits::default());
    apply(&mut all, exec(50, key(10, 0), NOBODY, "/bin/sh"));
    let first = apply(&mut all, event(Kind::Connect, 60, key(10, 0)));
    let second = apply(&mut all, event(Kind::FileOpen, 70, key(10, 0)));
    assert!(Arc::ptr_eq(&first.process, &second.process) && Arc::ptr_eq(&first.ancestors, &second.ancestors));
}

#[test]
fn an_exec_that_arrives_before_its_fork_ends_right() {
    let mut all = enricher(Limits::default());
    let (sh, child, grandchild) = (key(10, 0), key(11, 100), key(12, 115));
    apply(&mut all, exec(50, sh, NOBODY, "/bin/sh"));
    // The parent has exited meanwhile: the child belongs to init when it calls exec.
    apply(&mut all, exec(110, child, key(1, 0), "/usr/bin/id"));
    apply(&mut all, fork(115, grandchild, child));
    let late = apply(&mut all, fork(100, child, sh));
    assert_eq!(shown(&late), ["/bin/sh", "/bin/sh"]);
    assert_eq!(ask(&mut all, 120, child), ["/usr/bin/id", "/bin/sh"]);
    assert_eq!(ask(&mut all, 120, grandchild), ["/usr/bin/id", "/usr/bin/id", "/bin/sh"]);
    // An event from before the exec shows the image of its own time.
    assert_eq!(ask(&mut all, 105, child), ["/bin/sh", "/bin/sh"]);
}

#[test]
fn an_exec_that_arrives_after_the_forks_that_followed_it_reaches_the_children() {
    let mut all = enricher(Limits::default());
    let (sh, child, grandchild) = (key(10, 0), key(11, 100), key(12, 200));
    apply(&mut all, exec(20, sh, NOBODY, "/bin/sh"));
    apply(&mut all, fork(100, child, sh));
    apply(&mut all, fork(200, grandchild, child));
    apply(&mut all, exec(90, sh, NOBODY, "/bin/bash"));
    assert_eq!(ask(&mut all, 210, grandchild), ["/bin/bash", "/bin/bash", "/bin/bash"]);
    apply(&mut all, exec(150, child, sh, "/bin/make"));
    assert_eq!(ask(&mut all, 210, grandchild), ["/bin/make", "/bin/make", "/bin/bash"]);
    assert_eq!(ask(&mut all, 120, child), ["/bin/bash", "/bin/bash"]);
    assert!(all.counters().corrections >= 2);
}

#[test]
fn more_images_than_are_kept_leave_what_children_took() {
    let mut all = enricher(Limits::default());
    let (sh, child) = (key(10, 0), key(11, 100));
    apply(&mut all, exec(20, sh, NOBODY, "/bin/sh"));
    apply(&mut all, fork(100, child, sh));
    for step in 0..10 {
        apply(&mut all, exec(110 + step, sh, NOBODY, &format!("/bin/{step}")));
    }
    // A late exec of the child makes the table work its ancestry out again.
    apply(&mut all, fork(130, key(12, 130), child));
    apply(&mut all, exec(120, child, sh, "/bin/child"));
    assert_eq!(ask(&mut all, 140, child), ["/bin/child", "/bin/sh"]);
    assert_eq!(ask(&mut all, 140, sh), ["/bin/9"]);
    // Of the time before the oldest image kept only the process is known.
    let old = apply(&mut all, event(Kind::FileOpen, 30, sh));
    assert_eq!((shown(&old), old.process.pid), (vec!["comm".to_owned()], Some(10)));
    assert!(old.process.entity_id.is_some());
}

#[test]
fn an_ended_process_is_known_for_its_time_and_no_longer() {
    let limits = Limits { retain_ns: 1000 * MS, ..Limits::default() };
    let mut all = enricher(limits);
    let sh = key(10, 0);
    apply(&mut all, exec(50, sh, NOBODY, "/bin/sh"));
    apply(&mut all, event(Kind::Exit, 100, sh));
    assert_eq!(ask(&mut all, 1000, sh), ["/bin/sh"]);
    assert_eq!((all.counters().retained, all.counters().expired), (1, 0));
    apply(&mut all, event(Kind::FileOpen, 1200, key(99, 5)));
    assert_eq!((all.counters().retained, all.counters().expired), (0, 1));
    assert_eq!(ask(&mut all, 1200, sh), ["comm"]);
}

#[test]
fn a_process_id_used_again_is_another_process() {
    let mut all = enricher(Limits::default());
    let (old, new) = (key(10, 0), key(10, 1000));
    let before = apply(&mut all, exec(50, old, NOBODY, "/bin/old"));
    // The end of the first was lost.
    let after = apply(&mut all, exec(1050, new, NOBODY, "/bin/new"));
    assert_ne!(before.process.entity_id, after.process.entity_id);
    assert_eq!(ask(&mut all, 1060, old), ["/bin/old"]);
    assert_eq!(ask(&mut all, 1060, new), ["/bin/new"]);
    assert_eq!((all.counters().missed_exits, all.counters().retained), (1, 1));

    // One that was forgotten, or never known, does not count as running beside its successor.
    assert_eq!(ask(&mut all, 1060, key(10, 500)), ["comm"]);
    assert_eq!((all.counters().missed_exits, all.counters().retained), (1, 2));

    // Even within one tick, where both have one entity id: the exact start tells them apart.
    let twin = ProcessKey { pid: 10, start_boot_ns: new.start_boot_ns + MS };
    apply(&mut all, exec(1070, twin, NOBODY, "/bin/twin"));
    assert_eq!(ask(&mut all, 1080, twin), ["/bin/twin"]);
    assert_eq!(ask(&mut all, 1080, new), ["comm"]);
    assert_eq!(ask(&mut all, 1080, twin), ["/bin/twin"]);
}

#[test]
fn exec_by_another_thread_keeps_the_process() {
    let mut all = enricher(Limits::default());
    let (sh, program) = (key(10, 0), key(11, 100));
    apply(&mut all, exec(50, sh, NOBODY, "/bin/sh"));
    apply(&mut all, fork(100, program, sh));
    let mut by_thread = event(Kind::FileOpen, 105, program);
    by_thread.thread_id = Some(17);
    let before = apply(&mut all, by_thread);
    let mut by_thread = exec(110, program, sh, "/bin/next");
    by_thread.thread_id = Some(17);
    let after = apply(&mut all, by_thread);
    assert_eq!(before.process.entity_id, after.process.entity_id);
    assert_eq!((shown(&after), after.thread_id), (vec!["/bin/next".into(), "/bin/sh".into()], Some(17)));
}

#[test]
fn a_seed_fills_what_is_unknown_and_nothing_else() {
    let mut all = enricher(Limits::default());
    let coarse = |pid, start_ms: u64| ProcessKey { pid, start_boot_ns: start_ms * MS / TICK_NS * TICK_NS };
    // Children may come before their parents, live events before seeds.
    apply(&mut all, event(Kind::FileOpen, 500, key(12, 300)));
    all.seed(seed(coarse(12, 300), coarse(11, 200), 400, "/bin/cat"));
    all.seed(seed(coarse(11, 200), coarse(1, 20), 400, "/bin/bash"));
    all.seed(seed(coarse(1, 20), NOBODY, 400, "/sbin/init"));
    let found = apply(&mut all, event(Kind::FileOpen, 510, key(12, 300)));
    assert_eq!(shown(&found), ["/bin/cat", "/bin/bash", "/sbin/init"]);
    assert_eq!(found.process.entity_id, Some(Origin::new("machine", "boot").entity(coarse(12, 300))));
    assert_eq!((&found.process.name, &found.process.user_name), (&Some(bytes("cat")), &Some(bytes("root"))));

    let started = apply(&mut all, exec(520, key(12, 300), NOBODY, "/bin/next"));
    let Data::Exec(facts) = &started.data else { panic!("an exec") };
    assert_eq!(facts.previous_executable, Some(bytes("/bin/cat")));
    all.seed(seed(coarse(12, 300), coarse(1, 20), 600, "/bin/wrong"));
    assert_eq!(ask(&mut all, 610, key(12, 300)), ["/bin/next", "/bin/bash", "/sbin/init"]);
    assert_eq!(all.counters().entries, 3);
}

#[test]
fn the_processes_of_this_host_give_an_event_its_ancestry() {
    let mut all = enricher(Limits::default());
    let mut own = None;
    for seed in procfs::read_procfs(std::path::Path::new("/proc"), None).expect("/proc") {
        if seed.key.pid == std::process::id() {
            own = Some(seed.key);
        }
        all.seed(seed);
    }
    // The kernel's start of this process lies somewhere within the tick that /proc shows.
    let own = own.expect("this process runs");
    let exact = ProcessKey { start_boot_ns: own.start_boot_ns + 1234, ..own };
    let opened = apply(&mut all, Event { key: exact, ..event(Kind::FileOpen, own.start_boot_ns / MS + 1000, exact) });
    assert_eq!(opened.process.entity_id, Some(Origin::new("machine", "boot").entity(own)));
    let executable = std::env::current_exe().expect("a path").into_os_string().into_encoded_bytes();
    assert_eq!(opened.process.executable.as_deref(), Some(&*executable));
    assert_eq!(opened.ancestors[0].pid, Some(std::os::unix::process::parent_id()));
    assert!(opened.ancestors.iter().all(|ancestor| ancestor.name.is_some()));
    assert_eq!(all.counters().unknown_process, 0);
}

#[test]
fn a_seed_read_after_an_exec_says_nothing_of_the_image_before_it() {
    let mut all = enricher(Limits::default());
    all.seed(seed(key(10, 0), NOBODY, 400, "/bin/next"));
    let started = apply(&mut all, exec(300, key(10, 0), NOBODY, "/bin/next"));
    let Data::Exec(facts) = &started.data else { panic!("an exec") };
    assert_eq!(facts.previous_executable, None);
    assert_eq!(ask(&mut all, 410, key(10, 0)), ["/bin/next"]);
    assert_eq!(ask(&mut all, 200, key(10, 0)), ["?"]);
}

#[test]
fn a_fork_seen_after_the_child_was_seeded_gives_the_true_parent() {
    let mut all = enricher(Limits::default());
    apply(&mut all, exec(50, key(10, 0), NOBODY, "/bin/sh"));
    // Read after the exec and after the child was given to init.
    all.seed(seed(key(1, 0), NOBODY, 300, "/sbin/init"));
    all.seed(seed(key(11, 100), key(1, 0), 300, "/bin/daemon"));
    apply(&mut all, fork(100, key(11, 100), key(10, 0)));
    assert_eq!(ask(&mut all, 400, key(11, 100)), ["/bin/daemon", "/bin/sh"]);
    let started = apply(&mut all, exec(110, key(11, 100), key(1, 0), "/bin/daemon"));
    let Data::Exec(facts) = &started.data else { panic!("an exec") };
    assert_eq!(facts.previous_executable, Some(bytes("/bin/sh")));
    assert_eq!(ask(&mut all, 400, key(11, 100)), ["/bin/daemon", "/bin/sh"]);
}

#[test]
fn ancestors_end_at_their_bound_and_loops_are_refused() {
    let mut all = enricher(Limits::default());
    apply(&mut all, exec(50, key(1, 0), NOBODY, "/bin/0"));
    for pid in 2..40 {
        apply(
            &mut all,
            fork(
                u64::from(pid) * 100,
                key(pid, u64::from(pid) * 100),
                key(pid - 1, (u64::from(pid) - 1) * 100 * u64::from(pid > 2)),
            ),
        );
    }
    let last = apply(&mut all, event(Kind::FileOpen, 5000, key(39, 3900)));
    assert_eq!(last.ancestors.len(), MAX_ANCESTORS);
    assert_eq!(last.ancestors[0].pid, Some(38));
    // A parent that is younger than its child, or the child itself, is no parent.
    let odd = apply(&mut all, fork(6000, key(50, 6000), key(51, 7000)));
    assert!(odd.ancestors.is_empty());
    let own = apply(&mut all, fork(6000, key(52, 6000), key(52, 6000)));
    assert!(own.ancestors.is_empty());
    // Two that claim each other within one tick.
    let (a, b) = (key(60, 8000), key(61, 8001));
    apply(&mut all, fork(8000, a, b));
    apply(&mut all, fork(8001, b, a));
    apply(&mut all, exec(7999, a, b, "/bin/a"));
    assert!(ask(&mut all, 8100, a).len() <= MAX_ANCESTORS + 1);
}

#[test]
fn ended_processes_make_room_before_running_ones() {
    let mut all = enricher(Limits { entries: 4, ..Limits::default() });
    for pid in 1..=4 {
        apply(&mut all, exec(u64::from(pid), key(pid, 0), NOBODY, &format!("/bin/{pid}")));
    }
    apply(&mut all, event(Kind::Exit, 10, key(3, 0)));
    apply(&mut all, event(Kind::FileOpen, 11, key(1, 0)));
    apply(&mut all, exec(12, key(5, 0), NOBODY, "/bin/5"));
    assert_eq!((all.counters().evicted_exited, all.counters().evicted_live), (1, 0));
    apply(&mut all, exec(13, key(6, 0), NOBODY, "/bin/6"));
    assert_eq!((all.counters().evicted_exited, all.counters().evicted_live), (1, 1));
    assert_eq!(ask(&mut all, 20, key(1, 0)), ["/bin/1"]);
    assert_eq!(ask(&mut all, 20, key(2, 0)), ["comm"]);
}

#[test]
fn large_images_make_room_by_their_size() {
    let limits = Limits { bytes: 1 << 20, ..Limits::default() };
    let mut all = enricher(limits);
    for pid in 1..1000 {
        let mut big = exec(u64::from(pid), key(pid, 0), NOBODY, "/bin/big");
        Arc::make_mut(&mut big.process).args = vec![vec![b'x'; 32 << 10].into()];
        apply(&mut all, big);
        let counters = all.counters();
        assert!(counters.bytes <= 1 << 20, "{counters:?}");
        assert!(counters.entries <= 16, "{counters:?}");
    }
    // A single one above the bound is still served.
    let mut huge = exec(2000, key(2000, 0), NOBODY, "/bin/huge");
    Arc::make_mut(&mut huge.process).args = vec![vec![b'x'; 2 << 20].into()];
    apply(&mut all, huge);
    assert_eq!(ask(&mut all, 2001, key(2000, 0)), ["/bin/huge"]);
    assert_eq!(all.counters().entries, 1);
}

#[test]
fn recorded_events_keep_their_facts_and_gain_what_follows_from_them() {
    let line = br#"{"event":{"action":"connect"},"source":{"ip":"10.0.0.1","port":40000},"destination":{"ip":"10.0.0.2","port":443},"network":{"transport":"tcp"},"process":{"pid":7,"entity_id":"X","cgroup":{"path":"/lxc.payload.web"}},"user":{"id":"0"}}"#;
    let (recorded, errors) = crate::event::json::read(line).expect("an event");
    assert_eq!(errors, []);
    let mut all = enricher(Limits::default());
    let done = apply(&mut all, recorded.clone());
    assert_eq!(done.container_id, Some(bytes("web")));
    let Data::Connect(facts) = &done.data else { panic!("a connect") };
    assert_eq!(facts.network.community_id, community_id([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), 40000, 443, 6, 0));
    assert!(facts.network.community_id.is_some());
    // The names of this host's users are not those of the recording's.
    let mut same = done.clone();
    same.container_id = None;
    if let Data::Connect(facts) = &mut same.data {
        facts.network.community_id = None;
    }
    assert_eq!(same, recorded);
    assert_eq!(apply(&mut all, done.clone()), done);
    assert_eq!(all.counters().entries, 0);
}

#[test]
fn a_flow_has_an_id_only_when_both_ends_are_known() {
    let mut all = enricher(Limits::default());
    let mut open = event(Kind::Connect, 10, key(10, 0));
    open.data = Data::Connect(crate::event::Connect {
        source: Endpoint { ip: Some([0, 0, 0, 0].into()), port: Some(0) },
        destination: Endpoint { ip: Some([10, 0, 0, 2].into()), port: Some(443) },
        network: Network { transport: Some(Transport::Tcp), ..Network::default() },
    });
    let Data::Connect(facts) = apply(&mut all, open).data else { panic!("a connect") };
    assert_eq!(facts.network.community_id, None);
}

#[test]
fn cut_fields_are_named_in_every_event_that_shows_them() {
    let mut all = enricher(Limits::default());
    let mut long = exec(10, key(10, 0), NOBODY, "/bin/long");
    Arc::make_mut(&mut long.process).cut.add("process.args");
    assert_eq!(apply(&mut all, long).cut.0, ["process.args", "process.command_line"]);
    apply(&mut all, exec(20, key(11, 15), key(10, 0), "/bin/child"));
    let child = apply(&mut all, event(Kind::FileOpen, 30, key(11, 15)));
    assert_eq!(child.cut.0, ["process.parent.args", "process.parent.command_line", "process.ancestors.command_line"]);
}

/// Short-lived processes in a pid space of 300 that wraps all the time; memory stays where it is.
#[test]
fn many_short_lived_processes_in_a_small_pid_space_resolve_right() {
    const PROCESSES: u64 = 100_000;
    let limits = Limits { entries: 1000, retained: 500, ..Limits::default() };
    let mut all = enricher(limits);
    let shells: Vec<ProcessKey> = (1..=4).map(|pid| key(pid, 0)).collect();
    for (number, shell) in shells.iter().enumerate() {
        apply(&mut all, exec(1, *shell, NOBODY, &format!("/bin/shell{number}")));
    }
    let mut entity_ids = std::collections::HashSet::new();
    for number in 0..PROCESSES {
        let at = 1000 + number * 4;
        let which = usize::try_from(number % 4).expect("small");
        let child = key(u32::try_from(10 + number % 290).expect("small"), at);
        let parent = format!("/bin/shell{which}");
        let program = format!("/usr/bin/{}", number % 1000);
        let forked = apply(&mut all, fork(at, child, shells[which]));
        assert_eq!(shown(&forked), [&*parent, &*parent]);
        let started = apply(&mut all, exec(at + 1, child, shells[which], &program));
        assert_eq!(shown(&started), [&*program, &*parent]);
        let ended = apply(&mut all, event(Kind::Exit, at + 2, child));
        assert_eq!(shown(&ended), [&*program, &*parent]);
        assert_eq!(ended.ancestors[0].pid, Some(shells[which].pid));
        assert!(entity_ids.insert(ended.process.entity_id.clone()));
        let counters = all.counters();
        assert!(counters.entries <= 504 && counters.bytes < 4 << 20, "{counters:?}");
    }
    let counters = all.counters();
    assert_eq!((counters.unknown_process, counters.evicted_live, counters.missed_exits), (4, 0, 0));
}

/// One step of a random history, by place in the list of processes alive at the time.
#[derive(Clone, Debug)]
enum Step {
    Fork { parent: usize, pid: u32 },
    Exec { process: usize },
    Exit { process: usize },
    Open { process: usize },
}

fn steps() -> impl Strategy<Value = Vec<(Step, u64, u64)>> {
    let step = prop_oneof![
        3 => (any::<usize>(), 2_u32..12).prop_map(|(parent, pid)| Step::Fork { parent, pid }),
        3 => any::<usize>().prop_map(|process| Step::Exec { process }),
        2 => any::<usize>().prop_map(|process| Step::Exit { process }),
        2 => any::<usize>().prop_map(|process| Step::Open { process }),
    ];
    // Time to the next step, and how late the event arrives.
    prop::collection::vec((step, 1_u64..30, 0_u64..60), 1..80)
}

/// Images of a process with the times they began.
type Images = Vec<(u64, String)>;

/// Everything that was true, kept for ever.
#[derive(Default)]
struct Model {
    /// Parent and images.
    processes: HashMap<ProcessKey, (Option<ProcessKey>, Images)>,
}

impl Model {
    fn image(&self, key: ProcessKey, at_ms: u64) -> String {
        let images = &self.processes[&key].1;
        images.iter().rev().find(|(since, _)| *since <= at_ms).unwrap_or(&images[0]).1.clone()
    }

    fn shown(&self, key: ProcessKey, at_ms: u64) -> Vec<String> {
        let mut all = vec![self.image(key, at_ms)];
        let mut of = key;
        while let Some(parent) = self.processes[&of].0
            && all.len() <= MAX_ANCESTORS
        {
            all.push(self.image(parent, (of.start_boot_ns - 1) / MS));
            of = parent;
        }
        all
    }
}

/// Plays a history into a model; the events with the order they arrive in, and the processes.
fn play(history: Vec<(Step, u64, u64)>) -> (Model, Vec<(u64, Event)>) {
    let init = key(1, 0);
    let mut model = Model::default();
    model.processes.insert(init, (None, vec![(0, "/sbin/init".into())]));
    let mut alive = vec![init];
    let mut events = Vec::new();
    let mut now = 10;
    for (number, (step, pause, delay)) in history.into_iter().enumerate() {
        now += pause;
        let made = match step {
            Step::Fork { parent, pid } => {
                let parent = alive[parent % alive.len()];
                let child = key(pid, now);
                let is_used = alive.iter().any(|other| other.pid == pid);
                // An id is free for use only when its process has ended, and not within one tick.
                let is_fresh = model
                    .processes
                    .keys()
                    .all(|other| other.pid != pid || other.start_boot_ns / TICK_NS != child.start_boot_ns / TICK_NS);
                if is_used || !is_fresh {
                    continue;
                }
                let image = model.image(parent, now);
                model.processes.insert(child, (Some(parent), vec![(now, image)]));
                alive.push(child);
                fork(now, child, parent)
            }
            Step::Exec { process } => {
                let key = alive[process % alive.len()];
                let (parent, images) = model.processes.get_mut(&key).expect("alive");
                // Older images than the table keeps have a test of their own.
                if images.len() >= 4 {
                    continue;
                }
                let path = format!("/bin/{number}");
                images.push((now, path.clone()));
                // The kernel names init when the parent has ended.
                let parent = parent.map_or(NOBODY, |parent| if alive.contains(&parent) { parent } else { init });
                exec(now, key, parent, &path)
            }
            Step::Exit { process } => {
                let place = process % alive.len();
                if place == 0 {
                    continue;
                }
                event(Kind::Exit, now, alive.remove(place))
            }
            Step::Open { process } => event(Kind::FileOpen, now, alive[process % alive.len()]),
        };
        events.push((now + delay, made));
    }
    (model, events)
}

fn seeded_init() -> Enricher {
    let mut all = enricher(Limits::default());
    all.seed(seed(key(1, 0), NOBODY, 5, "/sbin/init"));
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn in_order_every_event_shows_what_was_true(history in steps()) {
        let (model, events) = play(history);
        let mut all = seeded_init();
        for (_, event) in events {
            let (key, at_ms) = (event.key, event.boot_ns / MS);
            let done = apply(&mut all, event);
            prop_assert_eq!(shown(&done), model.shown(key, at_ms));
            prop_assert_eq!(done.process.pid, Some(key.pid));
        }
        prop_assert_eq!(all.counters().corrections, 0);
    }

    #[test]
    fn out_of_order_the_table_ends_with_what_was_true(history in steps(), ask_between: bool) {
        let (model, mut events) = play(history);
        let end = events.iter().map(|(_, event)| event.boot_ns / MS).max().unwrap_or(0);
        events.sort_by_key(|(arrives, _)| *arrives);
        let mut all = seeded_init();
        for (_, event) in events {
            let key = event.key;
            apply(&mut all, event);
            // Answers given on the way must not stick.
            if ask_between {
                ask(&mut all, end, key);
            }
        }
        for (key, (_, images)) in &model.processes {
            for (since, _) in images {
                prop_assert_eq!(ask(&mut all, *since, *key), model.shown(*key, *since), "{:?} at {}", key, since);
            }
            prop_assert_eq!(ask(&mut all, end, *key), model.shown(*key, end), "{:?} at the end", key);
        }
    }

    #[test]
    fn any_keys_in_any_order_stay_within_bounds(
        events in prop::collection::vec((0..Kind::ALL.len(), 0_u32..6, 0_u64..40, 0_u32..6, 0_u64..40, 0_u64..50, any::<bool>()), 0..200)
    ) {
        let mut all = enricher(Limits { entries: 5, retained: 3, retain_ns: 20 * MS, ..Limits::default() });
        for (kind, pid, start, parent, parent_start, at, is_seed) in events {
            let (key, parent) = (key(pid, start), key(parent, parent_start));
            if is_seed {
                all.seed(seed(key, parent, at, "/bin/seed"));
            } else {
                let done = apply(&mut all, Event { parent_key: parent, ..event(Kind::ALL[kind], at, key) });
                prop_assert_eq!(done.process.entity_id.is_some(), pid != 0);
                prop_assert!(done.ancestors.len() <= MAX_ANCESTORS);
            }
            let counters = all.counters();
            prop_assert!(counters.entries <= 5 && counters.retained <= 3, "{:?}", counters);
        }
    }
}
