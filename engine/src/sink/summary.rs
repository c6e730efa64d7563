//! Alerts and events as one readable line each.

use super::{Record, printable};
use crate::{
    alert::{Alert, RuleFacts},
    event::{
        Data, Event, Severity,
        json::rfc3339,
        socket::Endpoint,
        value::{Bytes, Time, Value, Words},
    },
};

/// Longest text of the observed host within a line, in bytes.
const MAX_TEXT: usize = 512;

/// Whether lines carry colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Escape sequences of ours, never of the host's.
    On,
    /// None.
    Off,
}

impl Colour {
    fn paint(self, text: &str, code: &str) -> String {
        match self {
            Self::On => format!("\x1b[{code}m{text}\x1b[0m"),
            Self::Off => text.to_owned(),
        }
    }
}

/// The record as one line, without a line end.
#[must_use]
pub fn line(record: &Record, colour: Colour) -> String {
    match record {
        Record::Alert(alert) => alert_line(alert, colour),
        Record::Event(event) => event_line(event, colour),
        Record::Loss(loss) => {
            let text = format!("{} {}", clock(loss.last), printable(loss.sentence().as_bytes(), MAX_TEXT));
            colour.paint(&text, "33")
        }
        Record::Status(status) => {
            let text = format!("{} {}", clock(status.time), printable(status.message.as_bytes(), MAX_TEXT));
            colour.paint(&text, "2")
        }
    }
}

/// `2026-11-22T15:04:05.123Z`, of the same width always.
fn clock(time: Option<Time>) -> String {
    time.map_or_else(
        || format!("{:24}", "-"),
        |Time(ns)| {
            let full = rfc3339(ns);
            full.get(..23).map_or(full.clone(), |first| format!("{first}Z"))
        },
    )
}

fn alert_line(alert: &Alert, colour: Colour) -> String {
    let event = &alert.event;
    let severity = alert.rule.severity;
    let code = match severity {
        Severity::Critical => "1;37;41",
        Severity::High => "1;31",
        Severity::Medium => "1;33",
        Severity::Low => "36",
        Severity::Informational => "2",
    };
    let mut text = format!(
        "{} {} {}",
        clock(event.time),
        colour.paint(&format!("{:13}", severity.word().to_uppercase()), code),
        colour.paint(&printable(alert.rule.title.as_bytes(), MAX_TEXT), "1"),
    );
    if alert.message != alert.rule.title.as_bytes() {
        text.push_str(": ");
        text.push_str(&printable(&alert.message, MAX_TEXT));
    }
    text.push(' ');
    text.push_str(&colour.paint(&who(event), "2"));
    text.push_str(&origin(&alert.rule));
    if alert.occurrences.is_update() {
        text.push_str(&format!(" ({} times since {})", alert.occurrences.count, clock(alert.occurrences.first).trim()));
    }
    if let Some(name) = &alert.suppressed_by {
        text.push_str(&format!(" (suppressed by {})", printable(name.as_bytes(), MAX_TEXT)));
    }
    text
}

/// ` (rule by A. Author, DRL-1.1, https://example.org/)`: the Detection Rule License asks that messages
/// keep the author. Nothing for a rule that names none.
fn origin(rule: &RuleFacts) -> String {
    let Some(author) = &rule.author else { return String::new() };
    let facts: Vec<_> = std::iter::once(author)
        .chain(&rule.license)
        .chain(rule.references.first())
        .map(|fact| printable(fact.as_bytes(), MAX_TEXT))
        .collect();
    format!(" (rule by {})", facts.join(", "))
}

/// `[pid 42 /bin/sh user root container 0123456789ab]`.
fn who(event: &Event) -> String {
    let process = &event.process;
    let mut words = vec![process.pid.map_or_else(|| "pid ?".to_owned(), |pid| format!("pid {pid}"))];
    let path = process.executable.as_deref().or(process.name.as_deref());
    words.push(path.map_or_else(|| "?".to_owned(), |path| printable(path, MAX_TEXT).into_owned()));
    match (&event.user_name, event.user_id) {
        (Some(name), _) => words.push(format!("user {}", printable(name, 64))),
        (None, Some(id)) => words.push(format!("user {}", id.0)),
        (None, None) => {}
    }
    if let Some(id) = &event.container_id {
        words.push(format!("container {}", printable(id.get(..12).unwrap_or(id), 64)));
    }
    format!("[{}]", words.join(" "))
}

fn event_line(event: &Event, colour: Colour) -> String {
    let mut text = format!("{} {:9} {}", clock(event.time), event.kind().name(), who(event));
    let facts = facts(event);
    if !facts.is_empty() {
        text.push(' ');
        text.push_str(&colour.paint(&facts, "1"));
    }
    if let Some(error) = &event.error {
        text.push(' ');
        text.push_str(&colour.paint(&printable(error, 64), "31"));
    }
    text
}

/// What the kind adds, in a few words.
fn facts(event: &Event) -> String {
    let shown = |bytes: &Option<Bytes>| bytes.as_deref().map(|bytes| printable(bytes, MAX_TEXT).into_owned());
    let number = |label: &str, number: Option<i64>| number.map_or_else(String::new, |it| format!("{label} {it}"));
    match &event.data {
        Data::Accept(it) => ends(&it.source, &it.destination),
        Data::Bind(it) => end(&it.server),
        Data::Connect(it) => ends(&it.source, &it.destination),
        Data::Exec(_) => shown(&event.process.command_line).unwrap_or_default(),
        Data::Exit(it) => {
            if it.signal.is_some() {
                number("signal", it.signal)
            } else {
                number("code", it.code)
            }
        }
        Data::FileOpen(it) => {
            let access = match event.value("file.access") {
                Value::List(list) => {
                    let words = list.iter().filter_map(|word| match word {
                        Value::Bytes(word) => Some(printable(word, 16).into_owned()),
                        Value::Absent
                        | Value::Bool(_)
                        | Value::Int(_)
                        | Value::Ip(_)
                        | Value::List(_)
                        | Value::Null => None,
                    });
                    words.collect::<Vec<_>>().join(",") + " "
                }
                Value::Absent | Value::Bool(_) | Value::Bytes(_) | Value::Int(_) | Value::Ip(_) | Value::Null => {
                    String::new()
                }
            };
            access + &shown(&it.path).or_else(|| shown(&it.requested_path)).unwrap_or_default()
        }
        Data::Fork(_) => {
            event.parent().and_then(|parent| parent.pid).map_or_else(String::new, |pid| format!("by pid {pid}"))
        }
        Data::YaraMatch(it) => {
            let rule = shown(&it.rule.name).unwrap_or_default();
            match shown(&it.path) {
                Some(path) => format!("{rule} in {path}"),
                None => rule,
            }
        }
        Data::Listen(it) => end(&it.server),
    }
}

fn ends(source: &Endpoint, destination: &Endpoint) -> String {
    format!("{} -> {}", end(source), end(destination))
}

fn end(endpoint: &Endpoint) -> String {
    let port = endpoint.port.map_or_else(|| "?".to_owned(), |port| port.to_string());
    match endpoint.ip {
        Some(ip @ std::net::IpAddr::V4(_)) => format!("{ip}:{port}"),
        Some(ip @ std::net::IpAddr::V6(_)) => format!("[{ip}]:{port}"),
        None => format!("?:{port}"),
    }
}
