//! How the sensor itself is doing: a sentence and some numbers, at a steady pace; or what somebody must see to.

use super::{
    Severity,
    json::{self, Form, Leaf},
    value::{Bytes, Time},
};

/// A status message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// When.
    pub time: Option<Time>,
    /// Name of the host.
    pub host_name: Option<Bytes>,
    /// For people: `1204 events, 0 lost, 3 alerts`.
    pub message: String,
    /// For machines: name (snake_case) and number since the start.
    pub numbers: Vec<(&'static str, u64)>,
    /// Set if somebody has to see to it: how much it matters.
    pub alarm: Option<Severity>,
}

impl Status {
    /// Appends the status as one JSON object, without a line end. `event.kind` is `metric`, that of an alarm `alert`.
    pub fn write(&self, out: &mut Vec<u8>, form: Form) {
        let time = self.time.map(|Time(ns)| json::rfc3339(ns));
        let numbers: Vec<(String, String)> = self
            .numbers
            .iter()
            .map(|(name, number)| (json::ours(&format!("status.{name}"), form), number.to_string()))
            .collect();
        let mut members: Vec<(String, Leaf<'_>)> = vec![
            ("event.action".to_owned(), Leaf::Text(b"status")),
            ("event.kind".to_owned(), Leaf::Text(if self.alarm.is_some() { b"alert" } else { b"metric" })),
            ("message".to_owned(), Leaf::Text(self.message.as_bytes())),
        ];
        let score = self.alarm.map(|severity| severity.score().to_string());
        members.extend(score.iter().map(|score| ("event.severity".to_owned(), Leaf::Json(score))));
        if let Some(time) = &time {
            members.push(("@timestamp".to_owned(), Leaf::Text(time.as_bytes())));
        }
        if let Some(host) = &self.host_name {
            members.push(("host.name".to_owned(), Leaf::Text(host)));
        }
        members.extend(numbers.iter().map(|(name, number)| (name.clone(), Leaf::Json(number.as_str()))));
        json::write_sorted(out, members);
    }
}
