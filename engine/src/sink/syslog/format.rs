//! A record as one message of RFC 5424, section 6.

use super::{Record, SinkConfig};
use crate::{
    alert::Alert,
    event::{
        Event, Severity,
        json::{Form, rfc3339},
        value::{Time, Words},
    },
    sink::{
        printable,
        summary::{self, Colour},
    },
};

/// Facilities by number, RFC 5424 table 1 with the usual names.
pub(super) const FACILITIES: &[&str] = &[
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];

/// Longest value of structured data, in bytes before escaping.
const MAX_VALUE: usize = 256;

pub(super) struct Formatter {
    facility: usize,
    app_name: String,
    process_id: u32,
    element: String,
    json: Option<Form>,
    max: usize,
    host: String,
}

impl Formatter {
    pub(super) fn new(config: &SinkConfig) -> Self {
        let values = &config.values;
        let facility = values.text("facility").and_then(|name| FACILITIES.iter().position(|it| *it == name));
        Self {
            facility: facility.unwrap_or(3),
            app_name: header(values.text("app_name").unwrap_or_default().as_bytes(), 48),
            process_id: std::process::id(),
            element: format!("beewolf@{}", values.number("enterprise_id")),
            json: (values.text("message") != Some("text")).then(|| config.form()),
            max: values.length("max_message_bytes"),
            host: header(rustix::system::uname().nodename().to_bytes(), 255),
        }
    }

    /// The message, not longer than the bound.
    pub(super) fn message(&self, record: &Record) -> Vec<u8> {
        let mut json = Vec::new();
        if let Some(form) = self.json {
            record.write(&mut json, form);
            let mut message = self.head(record, false);
            if message.len() + json.len() <= self.max {
                message.append(&mut json);
                return message;
            }
        }
        let line = summary::line(record, Colour::Off);
        let whole = self.head(record, self.json.is_some());
        if whole.len() + line.len() <= self.max {
            return [&whole, line.as_bytes()].concat();
        }
        let mut message = self.head(record, true);
        // Long structured data alone may be too much: it is optional, the header is not.
        if message.len() > self.max {
            message = self.header(record);
            message.extend_from_slice(b"- ");
        }
        let room = self.max.saturating_sub(message.len());
        message.extend_from_slice(line.get(..line.floor_char_boundary(room)).unwrap_or_default().as_bytes());
        message
    }

    /// `<PRI>1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID `.
    fn header(&self, record: &Record) -> Vec<u8> {
        let (kind, severity, time, host) = match record {
            Record::Alert(it) => ("alert", level(it.rule.severity), it.event.time, it.event.host_name.as_deref()),
            Record::Event(it) => ("event", 6, it.time, it.host_name.as_deref()),
            Record::Loss(it) => ("loss", 4, it.last, it.host_name.as_deref()),
            Record::Status(it) => ("status", it.alarm.map_or(6, level), it.time, it.host_name.as_deref()),
        };
        let priority = self.facility * 8 + severity;
        let time = time.map_or_else(|| "-".to_owned(), stamp);
        let host = host.map_or_else(|| self.host.clone(), |name| header(name, 255));
        format!("<{priority}>1 {time} {host} {} {} {kind} ", self.app_name, self.process_id).into_bytes()
    }

    /// The header and the structured data with its space.
    fn head(&self, record: &Record, cut: bool) -> Vec<u8> {
        let mut out = self.header(record);
        let mut parameters: Vec<(&str, Vec<u8>)> = Vec::new();
        match record {
            Record::Alert(alert) => {
                of_alert(alert, &mut parameters);
                of_event(&alert.event, &mut parameters);
            }
            Record::Event(event) => of_event(event, &mut parameters),
            Record::Loss(loss) => {
                parameters.push(("source", loss.source.word().into()));
                parameters.extend(loss.name.as_ref().map(|name| ("name", name.clone().into_bytes())));
                parameters.push(("lost", loss.lost.word().into()));
                parameters.push(("count", loss.count.to_string().into_bytes()));
            }
            Record::Status(status) => {
                parameters.extend(status.numbers.iter().map(|(name, number)| (*name, number.to_string().into_bytes())));
            }
        }
        if cut {
            parameters.push(("cut", b"true".into()));
        }
        out.push(b'[');
        out.extend_from_slice(self.element.as_bytes());
        for (name, value) in parameters {
            out.push(b' ');
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"=\"");
            for character in printable(&value, MAX_VALUE).chars() {
                if matches!(character, '"' | '\\' | ']') {
                    out.push(b'\\');
                }
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            out.push(b'"');
        }
        out.extend_from_slice(b"] ");
        out
    }
}

fn of_alert(alert: &Alert, parameters: &mut Vec<(&str, Vec<u8>)>) {
    parameters.push(("severity", alert.rule.severity.word().into()));
    parameters.push(("rule", alert.rule.id.clone().into_bytes()));
    parameters.push(("alert", alert.id.clone().into_bytes()));
    let origin = [("author", &alert.rule.author), ("license", &alert.rule.license)];
    parameters.extend(origin.iter().filter_map(|(name, fact)| Some((*name, fact.as_ref()?.clone().into_bytes()))));
    parameters.extend(alert.rule.references.first().map(|link| ("reference", link.clone().into_bytes())));
    parameters.extend(alert.suppressed_by.as_ref().map(|name| ("suppressed_by", name.clone().into_bytes())));
}

fn of_event(event: &Event, parameters: &mut Vec<(&str, Vec<u8>)>) {
    parameters.push(("action", event.kind().name().into()));
    parameters.extend(event.process.pid.map(|pid| ("pid", pid.to_string().into_bytes())));
    parameters.extend(event.process.executable.as_ref().map(|path| ("executable", path.to_vec())));
    parameters.extend(event.user_name.as_ref().map(|name| ("user", name.to_vec())));
    parameters.extend(event.container_id.as_ref().map(|id| ("container", id.to_vec())));
}

/// Severity as RFC 5424, table 2, has it.
fn level(severity: Severity) -> usize {
    match severity {
        Severity::Critical => 2,
        Severity::High => 3,
        Severity::Medium => 4,
        Severity::Low => 5,
        Severity::Informational => 6,
    }
}

/// RFC 3339 with the six decimals that RFC 5424 allows.
fn stamp(Time(ns): Time) -> String {
    let full = rfc3339(ns);
    full.get(..26).map_or_else(|| "-".to_owned(), |first| format!("{first}Z"))
}

/// A part of the header: printable ASCII without spaces, `-` if nothing is left.
fn header(bytes: &[u8], max: usize) -> String {
    let text: String =
        bytes.iter().take(max).filter(|byte| byte.is_ascii_graphic()).map(|byte| char::from(*byte)).collect();
    if text.is_empty() { "-".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        event::{Kind, Loss, loss::LossSource, loss::Lost},
        setting::Value,
    };

    fn formatter(changes: &[(&'static str, Value)]) -> Formatter {
        let mut config = SinkConfig::new(&super::super::Syslog);
        for (name, value) in changes {
            config.values.set(name, value.clone());
        }
        Formatter { process_id: 7, host: "here".to_owned(), ..Formatter::new(&config) }
    }

    fn hostile() -> Record {
        let mut event = Event::new(Kind::Exec);
        event.time = Some(Time(1_700_000_000_123_456_789));
        event.host_name = Some(b"ho st\n1"[..].into());
        let process = Arc::make_mut(&mut event.process);
        process.pid = Some(42);
        process.executable = Some(b"/tmp/a\"b]c\\d\n\x1b[2J\xff"[..].into());
        Record::Event(Arc::new(event))
    }

    #[test]
    fn messages_are_as_the_rfc_has_them_and_hostile_values_are_escaped() {
        let text = String::from_utf8(formatter(&[]).message(&hostile())).expect("UTF-8");
        let (head, json) = text.split_once("] {").expect("structured data and JSON");
        assert_eq!(
            head,
            "<30>1 2023-11-14T22:13:20.123456Z host1 beewolf 7 event [beewolf@32473 action=\"exec\" pid=\"42\" \
             executable=\"/tmp/a\\\"b\\]c\\\\d\\\\n\\\\x1b[2J\\\\xff\""
        );
        let json: serde_json::Value = serde_json::from_str(&format!("{{{json}")).expect("JSON");
        assert_eq!(json["process"]["pid"], 42);
        assert!(!text.chars().any(char::is_control));
    }

    #[test]
    fn what_does_not_fit_is_cut_and_says_so() {
        for max in [480_u64, 500, 600] {
            let mut event = Event::new(Kind::Exec);
            Arc::make_mut(&mut event.process).command_line = Some("ä".repeat(4000).into_bytes().into());
            Arc::make_mut(&mut event.process).executable = Some(b"\"".repeat(4000).into());
            let message =
                formatter(&[("max_message_bytes", Value::Number(max))]).message(&Record::Event(Arc::new(event)));
            assert!(message.len() as u64 <= max, "{} of {max}", message.len());
            let text = String::from_utf8(message).expect("cut between characters");
            assert!(text.starts_with("<30>1 - here beewolf 7 event "), "{text}");
        }
        let small = formatter(&[("max_message_bytes", Value::Number(480))]);
        let mut event = Event::new(Kind::Exec);
        Arc::make_mut(&mut event.process).command_line = Some(b"x".repeat(4000).into());
        let text = String::from_utf8(small.message(&Record::Event(Arc::new(event)))).expect("UTF-8");
        assert!(text.contains(" cut=\"true\"] "), "{text}");
        assert_eq!(text.len(), 480);
    }

    #[test]
    fn severities_and_facilities_have_their_numbers() {
        assert_eq!(FACILITIES.len(), 24);
        let formatter = formatter(&[("facility", Value::Text("local7".to_owned()))]);
        let loss = Loss { name: Some("ring 1".to_owned()), ..Loss::new(LossSource::Kernel, Lost::Event, 5) };
        let text = String::from_utf8(formatter.message(&Record::Loss(Arc::new(loss)))).expect("UTF-8");
        assert!(text.starts_with(
            "<188>1 - here beewolf 7 loss [beewolf@32473 source=\"kernel\" name=\"ring 1\" lost=\"event\" count=\"5\"] {"
        ));
        let levels = Severity::ALL.iter().filter_map(|word| Severity::parse(word.as_bytes())).map(level);
        assert_eq!(levels.collect::<Vec<_>>(), [6, 5, 4, 3, 2]);
    }
}
