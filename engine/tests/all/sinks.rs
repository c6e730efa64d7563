//! Sinks against real receivers, full disks and hostile bytes.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream, UdpSocket},
    os::unix::{fs::PermissionsExt, net::UnixDatagram},
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use beewolf::{
    alert::Alert,
    event::{Severity, loss::Lost},
    setting::Value,
    sink::{self, Record, SinkConfig, Sinks},
    store::read_text,
};

use crate::{
    samples,
    schemas::validate,
    support::{Scope, read, skip, workspace},
};

const SECOND: Duration = Duration::from_secs(1);

fn config(name: &str) -> SinkConfig {
    SinkConfig::new(sink::find(name).expect("a sink"))
}

fn text(text: impl ToString) -> Value {
    Value::Text(text.to_string())
}

fn file(path: &Path) -> SinkConfig {
    config("file").with("path", text(path.display())).with("include", text("both"))
}

fn syslog(transport: &str, to: impl ToString) -> SinkConfig {
    let key = if transport == "unix" { "socket" } else { "address" };
    config("syslog")
        .with("transport", text(transport))
        .with(key, text(to))
        .with("include", text("both"))
        .with("spool.enabled", Value::Boolean(false))
}

/// Waits until something holds; fails after ten seconds.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < 10 * SECOND, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn lines(path: &Path) -> Vec<serde_json::Value> {
    let text = read_text(path, u64::MAX).unwrap_or_default();
    assert!(text.is_empty() || text.ends_with('\n'), "{} ends with a torn line", path.display());
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("torn: {line}"))).collect()
}

fn pids(lines: &[serde_json::Value]) -> Vec<u64> {
    lines.iter().filter_map(|line| line["process"]["pid"].as_u64()).collect()
}

#[test]
fn a_file_has_whole_valid_lines_turns_over_and_keeps_so_many() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("events.jsonl");
    let one = file(&path).with("rotate_at", Value::Number(8192)).with("keep", Value::Number(2));
    let sinks = Sinks::start(&[one]).expect("started");
    for number in 0..40 {
        sinks.offer(&samples::event_record(number));
    }
    sinks.offer(&Record::Event(Arc::new(samples::hostile_event())));
    let report = sinks.stop(5 * SECOND);
    assert_eq!((report.counters[0].delivered, report.counters[0].lost), (41, 0));
    assert_eq!(report.stuck, [""; 0]);
    let mut files: Vec<_> = folder.path().read_dir().expect("there").map(|it| it.expect("one").file_name()).collect();
    files.sort();
    assert_eq!(files, ["events.jsonl", "events.jsonl.1", "events.jsonl.2"]);
    let mut all = Vec::new();
    for name in [".2", ".1", ""] {
        let path = folder.path().join(format!("events.jsonl{name}"));
        let facts = path.metadata().expect("there");
        assert!(facts.len() <= 8192);
        assert_eq!(facts.permissions().mode() & 0o777, 0o600);
        all.extend(lines(&path));
    }
    all.iter().for_each(|line| validate("event", line));
    let pids = pids(&all);
    // The newest are kept, in order; the hostile one came last.
    assert_eq!(pids[..pids.len() - 1], ((41 - pids.len() as u64)..40).collect::<Vec<_>>());
}

#[test]
fn a_file_torn_by_a_crash_is_mended_and_a_moved_one_is_made_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("events.jsonl");
    std::fs::write(&path, "{\"whole\":1}\n{\"torn\":").expect("written");
    let sinks = Sinks::start(&[file(&path)]).expect("started");
    sinks.offer(&samples::event_record(1));
    until("the first line", || sinks.counters()[0].delivered == 1);
    let before = lines(&path);
    assert_eq!((before.len(), &before[0]["whole"]), (2, &serde_json::json!(1)));
    // As logrotate does it. The sink looks once a second.
    std::fs::rename(&path, folder.path().join("moved")).expect("moved");
    std::thread::sleep(SECOND + SECOND / 10);
    sinks.offer(&samples::event_record(2));
    let report = sinks.stop(5 * SECOND);
    assert_eq!(report.counters[0].lost, 0);
    assert_eq!(pids(&lines(&path)), [2]);

    // What is not ours is not cut, and links and folders are refused.
    std::fs::write(&path, "a note").expect("written");
    drop(Sinks::start(&[file(&path)]).expect("started").stop(SECOND));
    assert_eq!(read_text(&path, 100).expect("there"), "a note\n");
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&path, &link).expect("a link");
    for bad in [link.as_path(), folder.path(), Path::new("/nonexistent/x"), Path::new("/dev/null")] {
        let error = Sinks::start(&[file(bad)]).expect_err("refused").to_string();
        assert!(error.starts_with("sink `file` (file) cannot be opened: "), "{error}");
    }
}

/// Fills a file system to the last byte.
pub(crate) fn fill(path: &Path) {
    let mut filler = std::fs::File::create(path).expect("a file");
    for size in [4096, 512, 1] {
        while filler.write(&vec![b'.'; size]).is_ok_and(|written| written > 0) {}
    }
}

/// In a small file system of its own: the sensor goes on, counts and recovers.
fn on_a_full_disk(folder: &Path) {
    let path = folder.join("events.jsonl");
    let filler = folder.join("filler");
    let sinks = Sinks::start(&[file(&path).with("queue", Value::Number(20))]).expect("started");
    sinks.offer(&samples::event_record(1));
    until("the first line", || sinks.counters()[0].delivered == 1);
    fill(&filler);
    // What still fits into the file's last page is delivered; then the disk is full.
    let mut number = 1;
    until("a full disk", || {
        number += 1;
        sinks.offer(&samples::event_record(number));
        sinks.counters()[0].last_error.is_some()
    });
    for _ in 0..100 {
        number += 1;
        sinks.offer(&samples::event_record(number));
    }
    let full = &sinks.counters()[0];
    assert!(full.last_error.as_ref().expect("an error").contains("No space left"), "{full:?}");
    assert!(full.lost >= 79 && full.first_loss <= full.last_loss && full.first_loss.is_some(), "{full:?}");
    let taken = sinks.take_losses();
    assert_eq!((taken[0].lost, taken[0].name.as_deref()), (Lost::Event, Some("file")));
    assert_eq!(taken[0].count, full.lost);
    assert!(sinks.take_losses().is_empty());
    lines(&path);
    std::fs::remove_file(&filler).expect("room again");
    until("the queue", || sinks.counters()[0].queued == 0);
    sinks.offer(&samples::event_record(100_000));
    let report = sinks.stop(5 * SECOND);
    let counters = &report.counters[0];
    assert_eq!(counters.delivered + counters.lost, number + 1);
    let found = pids(&lines(&path));
    assert_eq!(found.len() as u64, counters.delivered);
    assert_eq!(found.last(), Some(&100_000));
    assert!(found.is_sorted());
}

#[test]
fn a_full_disk_costs_counted_records_and_heals() {
    const INSIDE: &str = "BEEWOLF_TEST_SMALL_DISK";
    if let Some(folder) = std::env::var_os(INSIDE) {
        on_a_full_disk(Path::new(&folder));
        std::fs::remove_file(Path::new(&folder).join("events.jsonl")).expect("removed");
        crate::recordings::on_a_full_disk(Path::new(&folder));
        return;
    }
    crate::support::on_a_small_disk("sinks::a_full_disk_costs_counted_records_and_heals", INSIDE);
}

/// Header and rest of a message, checked to be RFC 5424.
fn check_syslog(message: &[u8]) -> (String, String) {
    let message = String::from_utf8(message.to_vec()).expect("UTF-8");
    let expression = regex::Regex::new(
        r#"^<(\d{1,3})>1 (-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) [!-~]{1,255} beewolf \d+ (alert|event|loss|status) (-|\[beewolf@32473( [!-~&&[^= \]"]]{1,32}="([^"\\\]]|\\["\\\]])*")*\]) (.*)$"#,
    )
    .expect("an expression");
    let parts = expression.captures(&message).unwrap_or_else(|| panic!("no syslog: {message}"));
    assert!(!message.chars().any(char::is_control), "{message:?}");
    (parts[1].to_owned(), parts[7].to_owned())
}

#[test]
fn syslog_over_udp_arrives_and_refusals_are_counted() {
    let receiver = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    receiver.set_read_timeout(Some(5 * SECOND)).expect("set");
    let address = receiver.local_addr().expect("an address");
    let sinks = Sinks::start(&[syslog("udp", address)]).expect("started");
    let mut buffer = vec![0; 65_536];
    for (record, priority) in [
        (samples::alert_record(Severity::Critical), "26"),
        (samples::alert_record(Severity::Informational), "30"),
        (Record::Event(Arc::new(samples::hostile_event())), "30"),
        (Record::Loss(Arc::new(samples::loss())), "28"),
    ] {
        sinks.offer(&record);
        let size = receiver.recv(&mut buffer).expect("a message");
        let (found, json) = check_syslog(&buffer[..size]);
        assert_eq!(found, priority);
        let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        validate(if matches!(record, Record::Alert(_)) { "alert" } else { "event" }, &json);
        // Who wrote the rule is in every form of an alert.
        if matches!(record, Record::Alert(_)) {
            let message = String::from_utf8_lossy(&buffer[..size]);
            assert!(
                message.contains(r#" author="A. Tester" license="Apache-2.0" reference="https://attack.mitre.org/"#)
            );
            assert_eq!(json["rule"]["author"], serde_json::json!(["A. Tester"]));
            assert_eq!(json["rule"]["license"], "Apache-2.0");
            assert!(json["rule"]["reference"][0].is_string());
        }
    }
    drop(receiver);
    // Nobody listens: the kernel says so at the next datagram, which shows that the one before is lost.
    for number in 0..6 {
        sinks.offer(&samples::event_record(number));
        std::thread::sleep(Duration::from_millis(20));
    }
    until("the queue", || sinks.counters()[0].queued == 0);
    let down = sinks.counters()[0].clone();
    assert!(down.lost >= 2, "{down:?}");
    assert!(down.last_error.expect("an error").contains("refused"));
    let receiver = UdpSocket::bind(address).expect("the same address");
    receiver.set_read_timeout(Some(5 * SECOND)).expect("set");
    sinks.offer(&samples::event_record(7));
    sinks.offer(&samples::event_record(8));
    for _ in 0..2 {
        let size = receiver.recv(&mut buffer).expect("a message after the pause");
        check_syslog(&buffer[..size]);
    }
    let counters = &sinks.stop(SECOND).counters[0];
    assert_eq!(counters.delivered + counters.lost, 12);
}

#[test]
fn a_long_message_is_cut_for_udp_and_says_so() {
    let receiver = UdpSocket::bind("[::1]:0").expect("a socket");
    receiver.set_read_timeout(Some(5 * SECOND)).expect("set");
    let address = receiver.local_addr().expect("an address");
    let one = syslog("udp", address).with("max_message_bytes", Value::Number(1000));
    let sinks = Sinks::start(&[one]).expect("started");
    let mut event = samples::hostile_event();
    Arc::make_mut(&mut event.process).command_line = Some(vec![0xff; 20_000].into());
    sinks.offer(&Record::Event(Arc::new(event)));
    let mut buffer = vec![0; 65_536];
    let size = receiver.recv(&mut buffer).expect("a message");
    assert!(size <= 1000);
    let (_, message) = check_syslog(&buffer[..size]);
    assert!(message.starts_with("2023-11-14T22:13:20.123Z exec"), "{message}");
    assert!(String::from_utf8_lossy(&buffer[..size]).contains(" cut=\"true\"] "));
    assert_eq!(sinks.stop(SECOND).counters[0].lost, 0);
}

/// Reads one message with its octet count (RFC 6587, 3.4.1).
fn frame(stream: &mut TcpStream) -> Vec<u8> {
    let mut length = String::new();
    loop {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a length");
        match byte[0] {
            b' ' => break,
            digit => {
                assert!(digit.is_ascii_digit());
                length.push(char::from(digit));
            }
        }
    }
    let mut message = vec![0; length.parse().expect("a number")];
    stream.read_exact(&mut message).expect("a message");
    message
}

fn number_of(message: &[u8]) -> u64 {
    let (_, json) = check_syslog(message);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    json["process"]["pid"].as_u64().expect("a number")
}

#[test]
fn syslog_over_tcp_counts_octets_and_survives_a_receiver_that_comes_and_goes() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    // Down at the start: records wait.
    let sinks = Sinks::start(&[syslog("tcp", address)]).expect("a receiver that is away is no error");
    for number in 0..5 {
        sinks.offer(&samples::event_record(number));
    }
    until("a refusal", || sinks.counters()[0].last_error.is_some());
    assert_eq!(sinks.counters()[0].delivered, 0);
    let accept = |listener: &TcpListener| {
        let (stream, _) = listener.accept().expect("a connection");
        stream.set_read_timeout(Some(10 * SECOND)).expect("set");
        stream
    };
    let listener = TcpListener::bind(address).expect("the same address");
    let mut stream = accept(&listener);
    for number in 0..5 {
        assert_eq!(number_of(&frame(&mut stream)), number);
    }
    // The receiver closes: what comes then goes over a new connection, nothing of it is lost.
    drop(stream);
    std::thread::sleep(Duration::from_millis(100));
    for number in 5..8 {
        sinks.offer(&samples::event_record(number));
    }
    let mut stream = accept(&listener);
    for number in 5..8 {
        assert_eq!(number_of(&frame(&mut stream)), number);
    }
    let counters = &sinks.stop(SECOND).counters[0];
    assert_eq!((counters.delivered, counters.lost), (8, 0));
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("closed at the end");
    assert_eq!(rest, b"");
}

#[test]
fn syslog_to_a_local_socket_waits_for_its_daemon() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log");
    let sinks = Sinks::start(&[syslog("unix", path.display())]).expect("started");
    sinks.offer(&samples::event_record(1));
    until("an error", || sinks.counters()[0].last_error.is_some());
    let mut buffer = vec![0; 65_536];
    for number in 1..=2 {
        let receiver = UnixDatagram::bind(&path).expect("a socket");
        receiver.set_read_timeout(Some(10 * SECOND)).expect("set");
        let size = receiver.recv(&mut buffer).expect("a message");
        assert_eq!(number_of(&buffer[..size]), number);
        // The daemon is restarted.
        drop(receiver);
        std::fs::remove_file(&path).expect("removed");
        sinks.offer(&samples::event_record(number + 1));
        std::thread::sleep(Duration::from_millis(50));
    }
    // The third still waits; at the end it is counted.
    let counters = &sinks.stop(SECOND / 10).counters[0];
    assert_eq!((counters.delivered, counters.lost), (2, 1));
}

#[test]
fn a_receiver_that_does_not_read_never_holds_up_the_pipeline() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = listener.local_addr().expect("an address");
    let sinks = Sinks::start(&[syslog("tcp", address).with("queue", Value::Number(10))]).expect("started");
    let record = samples::event_record(1);
    let start = Instant::now();
    let mut offered = 0;
    // The kernel's socket buffers take a few megabytes before the sink is stuck.
    while sinks.counters()[0].lost < 1000 && offered < 1_000_000 {
        sinks.offer(&record);
        offered += 1;
    }
    assert!(start.elapsed() < 10 * SECOND);
    assert!(sinks.counters()[0].lost >= 1000);
    let start = Instant::now();
    let report = sinks.stop(SECOND / 2);
    assert!(start.elapsed() < 2 * SECOND, "{:?}", start.elapsed());
    let counters = &report.counters[0];
    assert_eq!(counters.delivered + counters.lost, offered, "{report:?}");
    drop(listener);
}

#[test]
fn each_sink_takes_what_it_was_told_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let on = |name: &str| file(&path(name)).with("name", text(name));
    let sinks = Sinks::start(&[
        on("alerts").with("include", text("alerts")),
        on("high").with("include", text("alerts")).with("minimum_severity", text("high")),
        on("events").with("include", text("events")).with("status", Value::Boolean(true)),
        on("suppressed").with("suppressed", Value::Boolean(true)).with("format", text("ecs")),
    ])
    .expect("started");
    assert!(sinks.wants_events());
    sinks.offer(&samples::alert_record(Severity::Medium));
    sinks.offer(&samples::alert_record(Severity::Critical));
    let quiet = samples::alert_on(samples::event(beewolf::event::Kind::Exec, 1), Severity::Critical);
    sinks.offer(&Record::Alert(Arc::new(Alert { suppressed_by: Some("entry".to_owned()), ..quiet })));
    sinks.offer(&samples::event_record(1));
    sinks.offer(&Record::Loss(Arc::new(samples::loss())));
    sinks.offer(&Record::Status(Arc::new(samples::status())));
    let report = sinks.stop(5 * SECOND);
    assert_eq!(
        report.counters.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(),
        ["alerts", "high", "events", "suppressed"]
    );
    let kinds = |name: &str| -> Vec<String> {
        let lines = lines(&path(name));
        for line in &lines {
            validate(if line["event"]["kind"] == "alert" { "alert" } else { "event" }, line);
        }
        lines.iter().map(|line| line["event"]["kind"].as_str().expect("a kind").to_owned()).collect()
    };
    assert_eq!(kinds("alerts"), ["alert", "alert", "pipeline_error"]);
    assert_eq!(kinds("high"), ["alert", "pipeline_error"]);
    assert_eq!(kinds("events"), ["event", "pipeline_error", "metric"]);
    assert_eq!(kinds("suppressed"), ["alert", "alert", "alert", "event", "pipeline_error"]);
    assert_eq!(lines(&path("suppressed"))[2]["beewolf"]["alert"]["suppressed_by"], "entry");
}

#[test]
fn sinks_of_one_name_are_numbered() {
    let folder = tempfile::tempdir().expect("a folder");
    let sinks = Sinks::start(&[file(&folder.path().join("a")), file(&folder.path().join("b"))]).expect("started");
    let names: Vec<_> = sinks.counters().into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["file", "file-2"]);
    drop(sinks.stop(SECOND));
}

#[test]
fn readable_lines_say_who_and_what_and_obey_no_name() {
    let line = sink::line(&samples::alert_record(Severity::Critical), sink::Colour::Off);
    assert_eq!(
        line,
        "2023-11-14T22:13:20.123Z CRITICAL      Something \"odd\": seen: /usr/bin/dash \
         [pid 42 /usr/bin/dash user root container 0123456789ab] \
         (rule by A. Tester, Apache-2.0, https://attack.mitre.org/techniques/T1059/004/)"
    );
    let hostile = Record::Alert(Arc::new(samples::alert_on(samples::hostile_event(), Severity::High)));
    let ours = regex::Regex::new("\x1b\\[[0-9;]+m").expect("an expression");
    for record in [hostile, Record::Event(Arc::new(samples::hostile_event()))] {
        let line = sink::line(&record, sink::Colour::Off);
        assert!(!line.chars().any(|it| it.is_control() || it == '\u{202e}'), "{line:?}");
        assert!(line.contains("\\x1b[2J") && line.contains("\\n2026-01-01") && line.contains("\\xff"), "{line}");
        // In colour the only escape sequences are ours.
        let coloured = sink::line(&record, sink::Colour::On);
        assert_eq!(ours.replace_all(&coloured, ""), line);
        assert_ne!(coloured, line);
    }
    for kind in beewolf::event::Kind::ALL {
        let line = sink::line(&Record::Event(Arc::new(samples::event(*kind, 5))), sink::Colour::Off);
        assert!(line.contains(&format!(" {:9} [pid 5 ", kind.name())), "{line}");
    }
}

#[test]
fn the_console_speaks_text_to_a_terminal_and_json_to_a_pipe() {
    const INSIDE: &str = "BEEWOLF_TEST_CONSOLE";
    const NAME: &str = "sinks::the_console_speaks_text_to_a_terminal_and_json_to_a_pipe";
    if std::env::var_os(INSIDE).is_some() {
        let sinks = Sinks::start(&[config("console").with("include", text("both"))]).expect("started");
        sinks.offer(&Record::Event(Arc::new(samples::hostile_event())));
        sinks.offer(&samples::alert_record(Severity::Critical));
        assert_eq!(sinks.stop(5 * SECOND).counters[0].delivered, 2);
        return;
    }
    let program = std::env::current_exe().expect("this program");
    let run = |command: &mut Command| {
        let output = command.env(INSIDE, "1").env_remove("NO_COLOR").output().expect("runs");
        assert!(output.status.success());
        output.stdout
    };
    let piped = run(Command::new(&program).args(["--exact", NAME, "--nocapture"]));
    // The test runner's own lines stand around them and may share a line with them.
    let text = String::from_utf8(piped).expect("UTF-8");
    let objects: Vec<serde_json::Value> = text
        .lines()
        .filter_map(|line| line.get(line.find("{\"")?..))
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(objects.len(), 2, "{text}");
    validate("event", &objects[0]);
    validate("alert", &objects[1]);

    let inside = format!("'{}' --exact {NAME} --nocapture", program.display());
    let Ok(probe) = Command::new("script").arg("--version").output() else {
        println!("skipped in part: no `script` program for a pseudo-terminal");
        return;
    };
    assert!(probe.status.success());
    let shown = String::from_utf8(run(Command::new("script").args(["-qec", &inside, "/dev/null"]))).expect("UTF-8");
    assert!(shown.contains("\x1b[1;37;41mCRITICAL     \x1b[0m"), "{shown:?}");
    assert!(shown.contains("\\x1b[2J") && !shown.contains("\x1b[2J") && !shown.contains("\x1b]0;"), "{shown:?}");
}

#[test]
fn a_reader_that_stops_reading_cannot_stop_the_shutdown() {
    const INSIDE: &str = "BEEWOLF_TEST_STUCK";
    const NAME: &str = "sinks::a_reader_that_stops_reading_cannot_stop_the_shutdown";
    const WELL: i32 = 42;
    if std::env::var_os(INSIDE).is_some() {
        let sinks = Sinks::start(&[config("stdout").with("include", text("both"))]).expect("started");
        // Far more than a pipe holds, and less than the queue.
        for number in 0..2000 {
            sinks.offer(&samples::event_record(number));
        }
        let start = Instant::now();
        let report = sinks.stop(SECOND / 5);
        assert!(start.elapsed() < 2 * SECOND);
        assert_eq!(report.stuck, ["stdout"]);
        let counters = &report.counters[0];
        assert!(counters.delivered > 0 && counters.lost > 0, "{counters:?}");
        assert_eq!(counters.delivered + counters.lost, 2000);
        // The test runner would now print to the full pipe.
        std::process::exit(WELL);
    }
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", NAME, "--nocapture"])
        .env(INSIDE, "1")
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("runs");
    let status = child.wait().expect("ends though nobody reads");
    assert_eq!(status.code(), Some(WELL));
}

#[test]
fn kernel_a_confined_engine_makes_and_turns_over_the_file_of_its_sink() {
    const NAME: &str = "sinks::kernel_a_confined_engine_makes_and_turns_over_the_file_of_its_sink";
    if !cfg!(feature = "bpf") {
        return skip(NAME, "built without the feature `bpf`");
    }
    let Some(scope) = Scope::new(NAME) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("events.jsonl");
    let config = folder.path().join("beewolf.yml");
    let settings = "status_interval: 100ms\nsinks:\n  - { type: file, path: FILE, status: true, rotate_at: 4KiB }\n";
    std::fs::write(&config, settings.replace("FILE", file.to_str().expect("a path"))).expect("the settings");
    let output = Command::new(env!("CARGO_BIN_EXE_beewolf"))
        .args(["run", "--no-replay", "--for", "3s", "--config"])
        .arg(&config)
        .arg("--rules")
        .arg(workspace().join("rules"))
        .arg("--scope-cgroup")
        .arg(scope.path())
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("nothing can be sensed here") {
        return skip(NAME, said.trim());
    }
    assert!(output.status.success(), "{said}");
    for name in ["events.jsonl", "events.jsonl.1"] {
        let text = read(&folder.path().join(name));
        assert!(text.lines().count() > 0, "{name} has no lines; {said}");
        for line in text.lines() {
            validate("event", &serde_json::from_str(line).expect("JSON"));
        }
    }
}
