//! Events and alerts for the tests of this binary.

use std::sync::Arc;

use beewolf::{
    alert::{Alert, Evidence, Occurrences, RuleFacts},
    event::{
        Event, Kind, Loss, Severity, Status,
        json::{self, build},
        loss::{LossSource, Lost},
        value::Time,
    },
    sink::Record,
};

/// 2023-11-14T22:13:20.123456789Z.
pub(crate) const TIME: i64 = 1_700_000_000_123_456_789;

/// A name that would clear a screen, forge a line and reverse text; not UTF-8.
pub(crate) const HOSTILE: &[u8] = b"/tmp/\x1b[2J\x1b]0;owned\x07\n2026-01-01 ALL IS WELL\r\xff\xe2\x80\xae\"]\\";

/// An event of a kind with some fields set, numbered so that tests can tell them apart.
pub(crate) fn event(kind: Kind, number: u64) -> Event {
    let fields = serde_json::json!({
        "@timestamp": "2023-11-14T22:13:20.123456789Z",
        "event.id": format!("test.{number}"),
        "event.outcome": "success",
        "host.name": "testhost",
        "process.pid": number,
        "process.executable": "/usr/bin/dash",
        "process.args": ["sh", "-c", "true"],
        "process.command_line": "sh -c true",
        "process.start": "2023-11-14T22:13:20.000000000Z",
        "process.stdin.kind": "socket",
        "process.stdin.peer.ip": "2001:db8::1",
        "process.ancestors.pid": [7, 1],
        "process.thread.capabilities.effective": ["CAP_CHOWN"],
        "user.id": "0",
        "user.name": "root",
        "container.id": "0123456789abcdef0123456789abcdef",
    });
    let serde_json::Value::Object(fields) = fields else { unreachable!("an object") };
    let (event, errors) = build(kind, fields.into_iter().map(|(name, value)| (name, json::owned(value))));
    assert_eq!(errors, []);
    event
}

/// An event in which every string that a process can choose is hostile.
pub(crate) fn hostile_event() -> Event {
    let mut event = event(Kind::Exec, 1);
    let process = Arc::make_mut(&mut event.process);
    process.executable = Some(HOSTILE.into());
    process.args = vec![HOSTILE.into(), HOSTILE.into()];
    process.derive();
    event.user_name = Some(HOSTILE.into());
    event.host_name = Some(HOSTILE.into());
    event.container_id = Some(HOSTILE.into());
    event
}

pub(crate) fn alert_on(event: Event, severity: Severity) -> Alert {
    let rule = RuleFacts {
        id: "test-rule".to_owned(),
        title: "Something \"odd\"".to_owned(),
        description: "Told for the test.".to_owned(),
        severity,
        tags: vec!["attack.execution".to_owned(), "attack.t1059.004".to_owned()],
        references: vec!["https://attack.mitre.org/techniques/T1059/004/".to_owned()],
        author: Some("A. Tester".to_owned()),
        license: Some("Apache-2.0".to_owned()),
        ruleset: "native",
        content_hash: "00ff".to_owned(),
    };
    let message = [&b"seen: "[..], event.process.executable.as_deref().unwrap_or_default()].concat();
    Alert {
        id: Alert::id_of(&rule, &event),
        rule: Arc::new(rule),
        event: Arc::new(event),
        message,
        suppressed_by: None,
        occurrences: Occurrences::once(Some(Time(TIME))),
        evidence: None,
        indicator: None,
        generation: None,
    }
}

/// What a rule over several events has seen.
pub(crate) fn evidence() -> Evidence {
    let mut evidence = Evidence { group: vec!["a\"b".to_owned(), "192.0.2.1".to_owned()], ..Evidence::default() };
    for number in 0..3 {
        evidence.count(Time(TIME + number));
        evidence.name(&format!("x.{number}").into_bytes().into());
    }
    evidence
}

pub(crate) fn event_record(number: u64) -> Record {
    Record::Event(Arc::new(event(Kind::Exec, number)))
}

pub(crate) fn alert_record(severity: Severity) -> Record {
    Record::Alert(Arc::new(alert_on(event(Kind::Exec, 42), severity)))
}

pub(crate) fn loss() -> Loss {
    Loss {
        name: Some("ring 0".to_owned()),
        kind: Some(Kind::Exec),
        first: Some(Time(TIME)),
        last: Some(Time(TIME + 1)),
        rules: vec!["test-rule".to_owned()],
        host_name: Some(b"testhost"[..].into()),
        ..Loss::new(LossSource::Kernel, Lost::Event, 3)
    }
}

pub(crate) fn status() -> Status {
    Status {
        time: Some(Time(TIME)),
        host_name: Some(b"testhost"[..].into()),
        message: "7 events, 0 lost".to_owned(),
        numbers: vec![("events", 7), ("lost", 0)],
        alarm: None,
    }
}
