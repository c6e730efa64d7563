//! Recordings: written once, read on any host, also when they are damaged.

use std::{
    io::BufReader,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use beewolf::{
    event::{
        Kind, Loss,
        loss::{LossSource, Lost},
    },
    store::{
        read_capped, read_text,
        recording::{Damage, Header, Item, Limits, Manifest, Reader, RecordingError, RuleHash, Writer},
    },
};

use crate::{samples, schemas::validate};

const MAX_LINE: usize = 1 << 20;

fn header() -> Header {
    Header {
        host: "testhost".to_owned(),
        kernel: "6.1.0".to_owned(),
        version: "0.1.0".to_owned(),
        boot_id: "boot".to_owned(),
        created: "2026-11-22T15:00:00Z".to_owned(),
        ..Header::default()
    }
}

fn rules() -> Vec<RuleHash> {
    vec![RuleHash { id: "a".to_owned(), content_hash: "00".to_owned() }]
}

/// A recording of three events and, if asked, a loss.
fn record(path: &Path, with_loss: bool) -> Manifest {
    let mut writer = Writer::create(path, header(), Limits::default()).expect("created");
    writer.event(&samples::event(Kind::Exec, 1));
    let mut nameless = samples::hostile_event();
    nameless.id = None;
    writer.event(&nameless);
    if with_loss {
        writer.loss(&samples::loss());
    }
    writer.event(&samples::event(Kind::Connect, 3));
    writer.finish(rules()).expect("finished")
}

fn read(path: &Path) -> (Vec<Item>, Reader) {
    let mut reader = Reader::open(path, MAX_LINE).expect("opened");
    let items: Vec<Item> = reader.by_ref().collect();
    (items, reader)
}

fn events(items: &[Item]) -> Vec<&beewolf::event::Event> {
    items.iter().filter_map(|item| if let Item::Event(event) = item { Some(&**event) } else { None }).collect()
}

fn damage(items: &[Item]) -> Vec<(u64, &Damage)> {
    items
        .iter()
        .filter_map(|item| if let Item::Damaged { line, why } = item { Some((*line, why)) } else { None })
        .collect()
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("host.jsonl");
    (folder, path)
}

#[test]
fn what_is_recorded_is_read_again() {
    let (_folder, path) = place();
    let manifest = record(&path, false);
    assert!(manifest.complete);
    assert_eq!(
        manifest.events.iter().map(|(kind, count)| (kind.as_str(), *count)).collect::<Vec<_>>(),
        [("connect", 1), ("exec", 2)]
    );
    assert_eq!(path.metadata().expect("there").permissions().mode() & 0o777, 0o600);
    assert_eq!(Reader::header(&path, MAX_LINE).expect("a header").kernel, "6.1.0");
    let (items, reader) = read(&path);
    assert!(matches!(&items[0], Item::Header(read) if read.host == "testhost" && read.format == 1));
    assert!(matches!(items.last(), Some(Item::Manifest(read)) if *read == manifest));
    assert_eq!(damage(&items), []);
    assert!(reader.summary().complete);
    let events = events(&items);
    assert_eq!(*events[0], samples::event(Kind::Exec, 1));
    assert_eq!(events[1].process.executable.as_deref(), Some(samples::HOSTILE));
    // An event without an id gets one from the recording's name and its line.
    let id = String::from_utf8(events[1].id.clone().expect("an id").into()).expect("text");
    assert!(id.ends_with(".3") && id.len() == 16 + 2, "{id}");
    let (again, _) = read(&path);
    assert_eq!(format!("{items:?}"), format!("{again:?}"));
    // The first and the last line are JSON as everything else.
    let text = read_text(&path, u64::MAX).expect("text");
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for (place, line) in lines.iter().enumerate() {
        validate(if place == 0 || place + 1 == lines.len() { "recording" } else { "event" }, line);
    }
    assert!(text.starts_with(r#"{"beewolf":{"record":"header","format":1,"host":"testhost""#), "{text}");
}

#[test]
fn losses_are_in_the_recording_and_make_it_incomplete() {
    let (_folder, path) = place();
    let manifest = record(&path, true);
    assert!(!manifest.complete);
    assert_eq!(manifest.losses[0]["loss"]["count"], 3);
    validate("event", &manifest.losses[0]);
    let (items, reader) = read(&path);
    assert!(items.iter().any(|item| matches!(item, Item::Loss(loss) if *loss == samples::loss())));
    assert!(!reader.summary().complete);
}

#[test]
fn events_out_of_order_are_told_and_not_missing() {
    let (_folder, path) = place();
    let mut writer = Writer::create(&path, header(), Limits::default()).expect("created");
    writer.event(&samples::event(Kind::Exec, 1));
    writer.loss(&Loss::new(LossSource::Merge, Lost::Event, 1));
    let manifest = writer.finish(rules()).expect("finished");
    assert!(manifest.complete && manifest.losses.len() == 1);
    assert!(read(&path).1.summary().complete);
}

#[test]
fn a_recording_never_overwrites() {
    let (folder, path) = place();
    std::fs::write(&path, "mine").expect("written");
    let error = Writer::create(&path, header(), Limits::default()).expect_err("exists");
    assert!(matches!(error, RecordingError::Exists(_)), "{error}");
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(folder.path().join("new"), &link).expect("a link");
    assert!(matches!(Writer::create(&link, header(), Limits::default()), Err(RecordingError::Exists(_))));
    assert_eq!(read_capped(&path, u64::MAX).expect("there"), b"mine");
}

#[test]
fn a_cut_recording_gives_what_it_has_and_says_what_it_lacks() {
    let (_folder, path) = place();
    record(&path, false);
    let whole = read_capped(&path, u64::MAX).expect("there");
    let ends: Vec<usize> = whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at).collect();
    // Cut anywhere: never a panic, never an event too many, always told.
    for cut in (0..whole.len()).step_by(7).chain(ends.iter().copied()) {
        let mut reader = Reader::new(BufReader::new(&whole[..cut]), b"host.jsonl", MAX_LINE);
        let items: Vec<Item> = reader.by_ref().collect();
        let lines = ends.iter().filter(|end| **end < cut).count();
        assert!(events(&items).len() <= lines.saturating_sub(1));
        let damage = damage(&items);
        assert_eq!(damage.last().map(|(_, why)| *why), Some(&Damage::NoManifest), "cut at {cut}");
        let torn = cut > 0 && whole[cut - 1] != b'\n';
        assert_eq!(
            damage.iter().any(|(line, why)| **why == Damage::Cut && *line == lines as u64 + 1),
            torn,
            "cut at {cut}"
        );
        assert!(!reader.summary().complete);
        assert_eq!(reader.summary().damaged, damage.len() as u64);
    }
}

#[test]
fn damaged_lines_are_passed_over_and_counted() {
    let (_folder, path) = place();
    record(&path, false);
    let text = read_capped(&path, u64::MAX).expect("there");
    let mut lines: Vec<Vec<u8>> = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    lines[2] = b"\x00\xff nonsense".to_vec();
    lines.insert(3, vec![b'x'; MAX_LINE + 5]);
    lines.insert(4, b"[1]".to_vec());
    lines.insert(5, br#"{"event":{"action":"dance"}}"#.to_vec());
    lines.insert(6, [br#"{"a":"#.repeat(200), b"1".to_vec(), b"}".repeat(200)].concat());
    lines.insert(7, br#"{"event":{"action":"fork"},"file":{"path":"/x"},"new_member":1}"#.to_vec());
    std::fs::write(&path, lines.join(&b'\n')).expect("written");
    let (items, reader) = read(&path);
    let told: Vec<String> = damage(&items).iter().map(|(line, why)| format!("{line}: {why}")).collect();
    assert_eq!(told.len(), 6, "{told:?}");
    assert!(told[0].starts_with("3: not JSON"), "{told:?}");
    assert_eq!(told[1], format!("4: longer than {MAX_LINE} bytes"));
    assert_eq!(told[2], "5: not a JSON object");
    assert!(told[3].starts_with("6: `event.action` must be one of"), "{told:?}");
    assert!(told[4].starts_with("7: not JSON: recursion limit"), "{told:?}");
    assert_eq!(
        told[5],
        "10: the manifest does not fit: it says 2 exec events, the file has 1; it says 0 fork events, the file has 1"
    );
    assert_eq!(reader.summary().ignored_members, 2);
    assert_eq!(reader.summary().ignored[0], (8, "`fork` events have no field `file.path`".to_owned()));
    assert_eq!(reader.summary().events, 3);
}

#[test]
fn what_is_no_recording_is_refused() {
    let (folder, path) = place();
    std::fs::write(&path, "hello\n").expect("written");
    let error = Reader::header(&path, MAX_LINE).expect_err("no recording").to_string();
    assert!(error.ends_with("not a recording: the first line is no header"), "{error}");
    std::fs::write(&path, r#"{"beewolf":{"record":"header","format":99,"host":"h","kernel":"k","version":"9.9","boot_id":"b","created":"c"}}"#.to_owned() + "\n").expect("written");
    let error = Reader::header(&path, MAX_LINE).expect_err("newer").to_string();
    assert!(error.ends_with("recorded by version 9.9, whose format 99 is newer than 1"), "{error}");
    assert!(matches!(Reader::open(folder.path(), MAX_LINE), Err(RecordingError::Format { .. })));
    assert!(matches!(Reader::open(&folder.path().join("none"), MAX_LINE), Err(RecordingError::Io { .. })));
}

#[test]
fn bounds_hold_and_what_is_beyond_is_counted() {
    let (_folder, path) = place();
    let limits = Limits { max_line_bytes: 2000, max_bytes: (64 << 10) + 20_000, buffer_bytes: 4096 };
    let mut writer = Writer::create(&path, header(), limits).expect("created");
    let mut long = samples::event(Kind::Exec, 1);
    std::sync::Arc::make_mut(&mut long.process).args = vec![vec![b'x'; 4000].into()];
    writer.event(&long);
    for number in 0..1000 {
        writer.event(&samples::event(Kind::Exec, number));
    }
    let lost = writer.lost_events();
    let manifest = writer.finish(Vec::new()).expect("finished");
    assert!(path.metadata().expect("there").len() <= limits.max_bytes);
    assert_eq!(manifest.events["exec"] + lost, 1001);
    assert!(lost > 900 && !manifest.complete);
    assert_eq!(manifest.losses[0]["loss"]["source"], "recording");
    let (items, _) = read(&path);
    assert_eq!(damage(&items), []);
}

/// In a small file system of its own: events that do not fit are lost and counted, lines stay whole.
pub(crate) fn on_a_full_disk(folder: &Path) {
    let path = folder.join("host.jsonl");
    let filler = folder.join("filler");
    let limits = Limits { buffer_bytes: 4096, ..Limits::default() };
    let mut writer = Writer::create(&path, header(), limits).expect("created");
    let mut number = 0;
    let mut some = |writer: &mut Writer| {
        for _ in 0..100 {
            number += 1;
            writer.event(&samples::event(Kind::Exec, number));
        }
    };
    some(&mut writer);
    crate::sinks::fill(&filler);
    some(&mut writer);
    some(&mut writer);
    let lost = writer.lost_events();
    assert!(lost > 0);
    assert!(writer.last_error().expect("an error").contains("No space left"));
    std::fs::remove_file(&filler).expect("room again");
    some(&mut writer);
    let manifest = writer.finish(rules()).expect("finished");
    assert_eq!(manifest.events["exec"] + lost, 400);
    let (items, reader) = read(&path);
    assert_eq!(damage(&items), []);
    assert!(!reader.summary().complete);
}
