//! Alerts always arrive: sinks with spools against receivers and agents that die, hang and lie.
//!
//! Receivers run on loopback as threads or processes of the tests. The variants that take minutes run
//! with `BEEWOLF_LONG=1`.

mod receivers;

use std::{
    collections::HashSet,
    fs,
    io::Write,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use beewolf::{
    confine::{Network, Policy},
    event::{Kind, Severity},
    setting::Value,
    sink::{self, Counters, Record, SinkConfig, Sinks},
    store::read_text,
};

use crate::{samples, support};
use receivers::{Certificates, Mood, Rsyslog, ids};

const SECOND: Duration = Duration::from_secs(1);

fn long() -> bool {
    std::env::var_os("BEEWOLF_LONG").is_some()
}

fn text(text: impl ToString) -> Value {
    Value::Text(text.to_string())
}

fn config(name: &str, spool: &Path) -> SinkConfig {
    SinkConfig::new(sink::find(name).expect("a sink"))
        .with("spool.folder", text(spool.display()))
        .with("resend", Value::Duration(SECOND))
}

fn tcp(spool: &Path, address: impl ToString) -> SinkConfig {
    config("syslog", spool).with("transport", text("tcp")).with("address", text(address))
}

fn tls(spool: &Path, address: impl ToString, certificates: &Certificates) -> SinkConfig {
    let file = |name: &str| text(certificates.path(name).display());
    tcp(spool, address)
        .with("transport", text("tls"))
        .with("tls.ca_file", file("ca.pem"))
        .with("tls.certificate_file", file("agent.pem"))
        .with("tls.key_file", file("agent.key"))
}

fn webhook(spool: &Path, url: impl ToString) -> SinkConfig {
    let headers = spool.join("headers");
    fs::create_dir_all(spool).expect("a folder");
    fs::write(&headers, "Authorization: Bearer s3cret\n").expect("written");
    SinkConfig::new(sink::find("webhook").expect("a sink"))
        .with("spool.folder", text(spool.display()))
        .with("url", text(url))
        .with("headers_file", text(headers.display()))
        .with("timeout", Value::Duration(SECOND / 2))
}

/// The alert with a number, and its id.
fn alert(number: u64) -> (Record, String) {
    let alert = samples::alert_on(samples::event(Kind::Exec, number), Severity::High);
    let id = alert.id.clone();
    (Record::Alert(Arc::new(alert)), id)
}

fn offer(sinks: &Sinks, numbers: std::ops::Range<u64>) -> Vec<String> {
    numbers
        .map(|number| {
            let (record, id) = alert(number);
            sinks.offer(&record);
            id
        })
        .collect()
}

/// Waits until something holds; fails after forty seconds, since the machine may be busy.
#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < 40 * SECOND, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[track_caller]
fn none_missing(handed: &[String], arrived: &HashSet<String>) {
    let missing = handed.iter().filter(|id| !arrived.contains(*id)).count();
    assert_eq!(missing, 0, "of {}", handed.len());
}

fn waiting(counters: &Counters) -> u64 {
    counters.spool.expect("a spool").records
}

#[test]
fn alerts_survive_a_receiver_that_is_killed_under_load() {
    const NAME: &str = "delivery::alerts_survive_a_receiver_that_is_killed_under_load";
    let certificates = Certificates::new();
    let Some(mut rsyslog) = Rsyslog::new(&certificates) else {
        return support::skip(NAME, "rsyslog with gnutls is not installed (scripts/setup test)");
    };
    let down = if long() { 30 * SECOND } else { 2 * SECOND };
    let folder = tempfile::tempdir().expect("a folder");
    rsyslog.start();
    let sinks = Sinks::start(&[tls(folder.path(), format!("127.0.0.1:{}", rsyslog.port), &certificates)]);
    let sinks = sinks.expect("started");
    let start = Instant::now();
    let (mut handed, mut killed, mut again) = (Vec::new(), false, false);
    while start.elapsed() < down + 3 * SECOND {
        // A hundred a second, however late this thread wakes up.
        let due = u64::try_from(start.elapsed().as_millis() / 10).expect("a number");
        handed.extend(offer(&sinks, handed.len() as u64..due.max(handed.len() as u64)));
        if !killed && start.elapsed() > 3 * SECOND / 2 {
            // It was there, and reading, when it died.
            until("something to kill", || !rsyslog.received().is_empty());
            rsyslog.kill();
            killed = true;
        }
        if !again && start.elapsed() > down + 3 * SECOND / 2 {
            assert!(waiting(&sinks.counters()[0]) > 100, "{:?}", sinks.counters());
            rsyslog.start();
            again = true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    handed.extend(offer(&sinks, handed.len() as u64..500));
    let all: HashSet<String> = handed.iter().cloned().collect();
    until("every alert", || ids(&rsyslog.received()).into_iter().collect::<HashSet<_>>() == all);
    // At the end nothing is in doubt: rsyslog has read all and said so by closing.
    let report = sinks.stop(10 * SECOND);
    let counters = &report.counters[0];
    assert_eq!((waiting(counters), counters.lost, counters.delivered), (0, 0, handed.len() as u64), "{report:?}");
    assert!(handed.len() > 300, "{}", handed.len());
    // In order, but for what was sent twice.
    let mut seen = HashSet::new();
    let arrived: Vec<_> = ids(&rsyslog.received()).into_iter().filter(|id| seen.insert(id.clone())).collect();
    assert_eq!(arrived, handed);
}

#[test]
fn receivers_that_cannot_show_who_they_are_get_nothing() {
    let certificates = Certificates::new();
    let folder = tempfile::tempdir().expect("a folder");
    for (server, part) in [("other-server", "certificate"), ("elsewhere", "not valid for name")] {
        let web = receivers::web(Some(certificates.server(server)), None, |_| Mood::Well);
        let url = format!("https://localhost:{}/in", web.address.port());
        let file = |name: &str| text(certificates.path(name).display());
        let sinks = [
            tls(&folder.path().join(server), format!("localhost:{}", web.address.port()), &certificates),
            webhook(&folder.path().join(server), url).with("tls.ca_file", file("ca.pem")),
        ];
        let sinks = Sinks::start(&sinks).expect("started");
        offer(&sinks, 0..1);
        until("errors", || {
            sinks.counters().iter().all(|it| it.last_error.as_ref().is_some_and(|it| it.contains(part)))
        });
        assert!(sinks.counters().iter().all(|it| it.delivered == 0 && waiting(it) == 1));
        assert!(web.arrived.all().is_empty());
        drop(sinks.stop(SECOND / 10));
    }
    // Mistakes are told at the start.
    let missing = text(folder.path().join("none").display());
    let error = Sinks::start(&[tls(folder.path(), "localhost:1", &certificates).with("tls.ca_file", missing)]);
    assert!(error.expect_err("refused").to_string().contains("none: No such file"));
    let wrong = text(certificates.path("other-agent.key").display());
    let error = Sinks::start(&[tls(folder.path(), "localhost:1", &certificates).with("tls.key_file", wrong)]);
    assert!(error.expect_err("refused").to_string().contains("TLS: "));
}

/// What the agent process is told.
const AGENT: &str = "BEEWOLF_TEST_AGENT";

/// An agent as a process of its own: hands alerts to its sink until it is killed, and writes down their
/// ids. An empty test in every other run.
#[test]
fn agent_in_the_child() {
    let Ok(told) = std::env::var(AGENT) else { return };
    let told: Vec<&str> = told.split(' ').collect();
    let [kind, address, folder, first, last] = told[..] else { panic!("{told:?}") };
    let (folder, first): (&Path, u64) = (Path::new(folder), first.parse().expect("a number"));
    let one = match kind {
        "tcp" => tcp(&folder.join("spool"), address),
        _ => webhook(&folder.join("spool"), address),
    };
    let sinks = Sinks::start(&[one]).expect("started");
    let mut handed = fs::OpenOptions::new().create(true).append(true).open(folder.join("handed")).expect("a file");
    for number in first.. {
        let (record, id) = alert(number);
        sinks.offer(&record);
        // Only now: what is written here was handed over, and may be asked for.
        writeln!(handed, "{id}").expect("written");
        if last == "last" && number == first + 20 {
            break;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let report = sinks.stop(10 * SECOND);
    assert_eq!((waiting(&report.counters[0]), report.counters[0].lost), (0, 0), "{report:?}");
}

fn agent(kind: &str, address: &str, folder: &Path, first: u64, last: &str) -> Child {
    Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "delivery::agent_in_the_child", "--nocapture"])
        .env(AGENT, format!("{kind} {address} {} {first} {last}", folder.display()))
        .stdout(Stdio::null())
        .spawn()
        .expect("an agent")
}

/// Kills the agent ten times and lets the eleventh end by itself.
fn kill_the_agent(kind: &str, address: &str, arrived: &receivers::Arrived) {
    let folder = tempfile::tempdir().expect("a folder");
    let handed = || -> Vec<String> {
        let text = read_text(&folder.path().join("handed"), u64::MAX).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    };
    for life in 0..10 {
        let before = handed().len();
        let mut agent = agent(kind, address, folder.path(), 1000 * life, "-");
        until("alerts", || handed().len() > before + 10);
        std::thread::sleep(Duration::from_millis(7 * life));
        agent.kill().expect("killed");
        agent.wait().expect("ended");
    }
    let status = agent(kind, address, folder.path(), 100_000, "last").wait().expect("ended");
    assert!(status.success());
    // What has been sent may still be on its way to the receiver's list.
    until("every alert to arrive", || arrived.distinct().len() >= handed().len());
    none_missing(&handed(), &arrived.distinct());
    let times = arrived.all().len() as f64 / handed().len() as f64;
    println!("{kind}: {} alerts in eleven lives, each arrived {times:.2} times", handed().len());
}

#[test]
fn alerts_survive_an_agent_that_is_killed_ten_times() {
    let (address, arrived) = receivers::tcp();
    kill_the_agent("tcp", &address.to_string(), &arrived);
    // The web server is no saint either.
    let web = receivers::web(None, None, |number| if number % 3 == 1 { Mood::Busy } else { Mood::Well });
    kill_the_agent("webhook", &format!("http://{}/in", web.address), &web.arrived);
}

#[test]
fn a_webhook_that_misbehaves_gets_every_alert_in_the_end() {
    let certificates = Certificates::new();
    let moods = [Mood::Busy, Mood::ClosesEarly, Mood::ClosesLate, Mood::Hangs, Mood::Redirects, Mood::Well];
    let (_, poison) = alert(7);
    let web = receivers::web(Some(certificates.server("server")), Some(poison.clone()), move |number| {
        moods.get(number).copied().unwrap_or(Mood::Well)
    });
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| text(certificates.path(name).display());
    let one = webhook(folder.path(), format!("https://localhost:{}/in", web.address.port()))
        .with("tls.ca_file", file("ca.pem"))
        .with("tls.certificate_file", file("agent.pem"))
        .with("tls.key_file", file("agent.key"))
        .with("batch", Value::Number(20))
        .with("attempts", Value::Number(2));
    let sinks = Sinks::start(&[one]).expect("started");
    let start = Instant::now();
    let handed = offer(&sinks, 0..300);
    // The pipeline has not noticed any of it; a busy disk may have cost it a little.
    assert!(start.elapsed() < 3 * SECOND, "{:?}", start.elapsed());
    until("the end of the queue", || sinks.counters()[0].queued == 0);
    let counters = &sinks.stop(SECOND).counters[0];
    assert_eq!((counters.delivered, counters.lost), (299, 1), "{counters:?}");
    assert!(web.authorized.load(std::sync::atomic::Ordering::SeqCst));
    let good: Vec<_> = handed.into_iter().filter(|id| *id != poison).collect();
    let mut seen = HashSet::new();
    let arrived: Vec<_> = web.arrived.all().into_iter().filter(|id| seen.insert(id.clone())).collect();
    assert_eq!(arrived, good);
}

#[test]
fn a_slow_receiver_slows_neither_the_pipeline_nor_another_receiver() {
    let folder = tempfile::tempdir().expect("a folder");
    let web = receivers::web(None, None, |_| Mood::Hangs);
    // One that takes connections and reads nothing, and one that closes each.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let silent_address = silent.local_addr().expect("an address");
    let closing = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let closing_address = closing.local_addr().expect("an address");
    std::thread::spawn(move || receivers::closes(&closing));
    let (address, arrived) = receivers::tcp();
    let named = |config: SinkConfig, name: &str| config.with("name", text(name));
    let sinks = Sinks::start(&[
        named(webhook(folder.path(), format!("http://{}/in", web.address)), "hanging"),
        // Its kernel takes what it does not read: only a long doubt keeps that from counting as delivered.
        named(tcp(folder.path(), silent_address).with("resend", Value::Duration(300 * SECOND)), "silent"),
        named(tcp(folder.path(), closing_address), "closing"),
        named(tcp(folder.path(), address), "well"),
    ])
    .expect("started");
    let (mut handed, mut slowest) = (Vec::new(), Duration::ZERO);
    for number in 0..200 {
        let (record, id) = alert(number);
        let start = Instant::now();
        sinks.offer(&record);
        slowest = slowest.max(start.elapsed());
        handed.push(id);
    }
    // Each of the bad ones alone would take minutes for these.
    assert!(slowest < 2 * SECOND, "{slowest:?}");
    until("all at the good one", || arrived.distinct().len() == handed.len());
    assert_eq!(arrived.all(), handed);
    let counters = sinks.counters();
    assert!(counters[..3].iter().all(|it| it.queued == 200 && it.lost == 0), "{counters:?}");
    let start = Instant::now();
    let report = sinks.stop(SECOND);
    assert!(start.elapsed() < 2 * SECOND, "{:?}", start.elapsed());
    // What nobody has confirmed stays.
    assert!(report.counters.iter().all(|it| it.lost == 0), "{report:?}");
    assert_eq!(waiting(&report.counters[3]), 0);
    drop(silent);
}

#[test]
fn a_spool_cut_by_hand_costs_what_was_cut_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let port = receivers::free_port();
    let sinks = Sinks::start(&[tcp(folder.path(), format!("127.0.0.1:{port}"))]).expect("started");
    let handed = offer(&sinks, 0..50);
    assert_eq!(waiting(&sinks.stop(SECOND / 10).counters[0]), 50);
    let spool = folder.path().join("syslog.syslog");
    let mut files = fs::read_dir(&spool).expect("there").map(|it| it.expect("one").path());
    let segment = files.find(|path| path.extension().is_some_and(|it| it == "spool")).expect("a segment");
    let length = segment.metadata().expect("there").len();
    fs::OpenOptions::new().write(true).open(&segment).and_then(|file| file.set_len(length / 2)).expect("cut");
    let (address, arrived) = receivers::tcp();
    let sinks = Sinks::start(&[tcp(folder.path(), address)]).expect("started in spite of it");
    let more = offer(&sinks, 50..60);
    until("the rest", || more.iter().all(|id| arrived.distinct().contains(id)));
    let counters = &sinks.stop(5 * SECOND).counters[0];
    let found = arrived.all();
    assert_eq!(found[..24], handed[..24]);
    assert_eq!(found.len() as u64 + counters.lost, 60, "{counters:?}");
    assert_eq!(counters.spool.expect("a spool").damaged, counters.lost);
    assert!((20..30).contains(&counters.lost), "{counters:?}");
}

/// In a small file system of its own, which is full.
fn on_a_full_disk(folder: &Path) {
    let (address, arrived) = receivers::tcp();
    let one = |address: &dyn ToString| tcp(folder, address.to_string()).with("queue", Value::Number(100));
    let sinks = Sinks::start(&[one(&address)]).expect("started");
    let mut handed = offer(&sinks, 0..10);
    crate::sinks::fill(&folder.join("filler"));
    // The receiver is there: memory is enough.
    for number in 10..300 {
        handed.extend(offer(&sinks, number..number + 1));
        until("room", || waiting(&sinks.counters()[0]) < 90);
    }
    until("all", || arrived.distinct().len() == 300);
    let full = &sinks.counters()[0];
    assert!(full.last_error.as_ref().is_some_and(|it| it.contains("No space left")), "{full:?}");
    let counters = &sinks.stop(5 * SECOND).counters[0];
    assert_eq!((counters.lost, waiting(counters)), (0, 0), "{counters:?}");
    assert_eq!(arrived.all(), handed);
    // It is not: memory is full at some point, and what comes then is counted.
    let port = receivers::free_port();
    let sinks = Sinks::start(&[one(&format!("127.0.0.1:{port}"))]).expect("started on a full disk");
    offer(&sinks, 300..700);
    let counters = sinks.counters().remove(0);
    assert!(counters.lost > 0 && waiting(&counters) >= 100, "{counters:?}");
    assert_eq!(counters.lost + waiting(&counters), 400, "{counters:?}");
    fs::remove_file(folder.join("filler")).expect("room again");
    std::thread::sleep(SECOND + SECOND / 10);
    offer(&sinks, 700..701);
    let kept = waiting(&sinks.stop(SECOND / 10).counters[0]);
    assert_eq!(kept, 401 - counters.lost);
    let sinks = Sinks::start(&[one(&address)]).expect("started");
    until("the rest", || arrived.distinct().len() as u64 == 300 + kept);
    assert_eq!(sinks.stop(5 * SECOND).counters[0].lost, 0);
}

#[test]
fn a_full_disk_costs_nothing_while_the_receiver_is_there() {
    const INSIDE: &str = "BEEWOLF_TEST_DELIVERY_DISK";
    const NAME: &str = "delivery::a_full_disk_costs_nothing_while_the_receiver_is_there";
    if let Some(folder) = std::env::var_os(INSIDE) {
        return on_a_full_disk(Path::new(&folder));
    }
    support::on_a_small_disk(NAME, INSIDE);
}

/// What a confined engine does: folders and files first, then the fence, then the sinks.
pub(crate) fn confined(told: &str) {
    let told: Vec<&str> = told.split(' ').collect();
    let [port, url, folder, certificates] = told[..] else { panic!("{told:?}") };
    let (folder, certificates) = (Path::new(folder), Path::new(certificates));
    let file = |name: &str| text(certificates.join(name).display());
    let own = |config: SinkConfig| {
        config
            .with("tls.ca_file", file("ca.pem"))
            .with("tls.certificate_file", file("agent.pem"))
            .with("tls.key_file", file("agent.key"))
    };
    let configs = [
        own(tcp(&folder.join("spool/new"), format!("localhost:{port}")).with("transport", text("tls"))),
        own(webhook(&folder.join("hook"), url)).with("timeout", Value::Duration(5 * SECOND)),
    ];
    sink::prepare(&configs).expect("prepared");
    let policy = Policy {
        read: configs.iter().flat_map(SinkConfig::reads).collect(),
        write: configs.iter().flat_map(SinkConfig::folders).collect(),
        network: Network::Connect,
    };
    println!("{}", beewolf::confine::apply(&policy).expect("confined"));
    let sinks = Sinks::start(&configs).expect("started");
    offer(&sinks, 0..500);
    // In an emulated guest rsyslog takes its time to listen; who has delivered everything does not wait.
    let report = sinks.stop(60 * SECOND);
    for counters in &report.counters {
        assert_eq!((counters.delivered, counters.lost, waiting(counters)), (500, 0, 0), "{report:?}");
    }
}

#[test]
fn kernel_a_confined_engine_spools_and_delivers_over_tls() {
    const NAME: &str = "delivery::kernel_a_confined_engine_spools_and_delivers_over_tls";
    let certificates = Certificates::new();
    let Some(mut rsyslog) = Rsyslog::new(&certificates) else {
        return support::skip(NAME, "rsyslog with gnutls is not installed (scripts/setup test)");
    };
    rsyslog.start();
    let web = receivers::web(Some(certificates.server("server")), None, |_| Mood::Well);
    let folder = tempfile::tempdir().expect("a folder");
    let told = format!(
        "{} https://localhost:{}/in {} {}",
        rsyslog.port,
        web.address.port(),
        folder.path().display(),
        certificates.path("").display()
    );
    crate::confine::passes_with("deliver", folder.path(), &told);
    assert_eq!(web.arrived.distinct().len(), 500);
    until("all at rsyslog", || ids(&rsyslog.received()).into_iter().collect::<HashSet<_>>().len() == 500);
}
