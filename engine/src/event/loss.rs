//! What did not get through: who lost it, what it was, how much, from when to when.

use super::{
    Kind,
    json::{self, Form, Leaf},
    value::{Bytes, Time, Words, words},
};

words! {
    /// The stage that lost something.
    LossSource {
        /// A match could not be counted by a rule over several events, or was forgotten early to make room.
        Detect = "detect",
        /// A ring buffer was full, or a program did not run because it would have re-entered itself.
        Kernel = "kernel",
        /// An event came too late to be put in its place.
        Merge = "merge",
        /// A queue between two stages was full.
        Queue = "queue",
        /// A recording could not be written, or a line of it could not be read.
        Recording = "recording",
        /// A file could not be scanned.
        Scan = "scan",
        /// An output could not be reached, was full or too slow.
        Sink = "sink",
    }
}

words! {
    /// What was lost.
    Lost {
        /// Alerts.
        Alert = "alert",
        /// Events.
        Event = "event",
        /// Files that were not scanned.
        File = "file",
        /// Losses and status messages.
        Notice = "notice",
    }
}

/// One or more losses of the same sort.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Who lost it.
    pub source: LossSource,
    /// Which ring, queue or sink, where there are several.
    pub name: Option<String>,
    /// What was lost.
    pub lost: Lost,
    /// Kind of the events, if it is known.
    pub kind: Option<Kind>,
    /// How many.
    pub count: u64,
    /// When the first was lost.
    pub first: Option<Time>,
    /// When the last was lost.
    pub last: Option<Time>,
    /// Ids of the rules that could not see what was lost; empty if unknown.
    pub rules: Vec<String>,
    /// Name of the host.
    pub host_name: Option<Bytes>,
}

impl Loss {
    /// A loss of which only source, sort and number are known.
    #[must_use]
    pub fn new(source: LossSource, lost: Lost, count: u64) -> Self {
        Self {
            source,
            name: None,
            lost,
            kind: None,
            count,
            first: None,
            last: None,
            rules: Vec::new(),
            host_name: None,
        }
    }

    /// The loss in one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut text = format!("lost {} ", self.count);
        if let Some(kind) = self.kind {
            text.push_str(kind.name());
            text.push(' ');
        }
        text.push_str(self.lost.word());
        if self.count != 1 {
            text.push('s');
        }
        text.push_str(" in ");
        text.push_str(self.source.word());
        if let Some(name) = &self.name {
            text.push(' ');
            text.push_str(name);
        }
        if let (Some(first), Some(last)) = (self.first, self.last) {
            text.push_str(&format!(" from {} to {}", json::rfc3339(first.0), json::rfc3339(last.0)));
        }
        text
    }

    /// Appends the loss as one JSON object, without a line end. `event.kind` is `pipeline_error`.
    pub fn write(&self, out: &mut Vec<u8>, form: Form) {
        let time = |time: Option<Time>| time.map(|Time(ns)| json::rfc3339(ns));
        let (first, last) = (time(self.first), time(self.last));
        let count = self.count.to_string();
        let rules = serde_json::to_string(&self.rules).unwrap_or_else(|_| "[]".to_owned());
        let message = self.sentence();
        let mut members: Vec<(String, Leaf<'_>)> = vec![
            ("event.action".to_owned(), Leaf::Text(b"loss")),
            ("event.kind".to_owned(), Leaf::Text(b"pipeline_error")),
            (json::ours("loss.count", form), Leaf::Json(&count)),
            (json::ours("loss.lost", form), Leaf::Text(self.lost.word().as_bytes())),
            (json::ours("loss.source", form), Leaf::Text(self.source.word().as_bytes())),
            ("message".to_owned(), Leaf::Text(message.as_bytes())),
        ];
        for (name, text) in [
            (json::ours("loss.kind", form), self.kind.map(Kind::name)),
            (json::ours("loss.name", form), self.name.as_deref()),
            (json::ours("loss.first", form), first.as_deref()),
            (json::ours("loss.last", form), last.as_deref()),
            ("@timestamp".to_owned(), last.as_deref()),
        ] {
            if let Some(text) = text {
                members.push((name, Leaf::Text(text.as_bytes())));
            }
        }
        if let Some(host) = &self.host_name {
            members.push(("host.name".to_owned(), Leaf::Text(host)));
        }
        if !self.rules.is_empty() {
            members.push((json::ours("loss.rules", form), Leaf::Json(&rules)));
        }
        json::write_sorted(out, members);
    }

    /// Reads a loss written by [`Loss::write`] in our form; `None` if the object is no loss.
    #[must_use]
    pub fn read(object: &serde_json::Value) -> Option<Self> {
        let loss = object.get("loss")?;
        let word = |name: &str| loss.get(name).and_then(serde_json::Value::as_str);
        let time = |name: &str| {
            let stamp: jiff::Timestamp = word(name)?.parse().ok()?;
            i64::try_from(stamp.as_nanosecond()).ok().map(Time)
        };
        let rules = loss.get("rules").and_then(serde_json::Value::as_array);
        Some(Self {
            source: LossSource::parse(word("source")?.as_bytes())?,
            name: word("name").map(str::to_owned),
            lost: Lost::parse(word("lost")?.as_bytes())?,
            kind: word("kind").and_then(|name| Kind::parse(name.as_bytes())),
            count: loss.get("count")?.as_u64()?,
            first: time("first"),
            last: time("last"),
            rules: rules.map_or_else(Vec::new, |ids| {
                ids.iter().filter_map(serde_json::Value::as_str).map(str::to_owned).collect()
            }),
            host_name: object.pointer("/host/name").and_then(serde_json::Value::as_str).map(super::text::decode),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_survives_the_round_trip_and_reads_as_a_sentence() {
        let mut loss = Loss::new(LossSource::Sink, Lost::Event, 3);
        loss.name = Some("siem".to_owned());
        loss.kind = Some(Kind::Exec);
        loss.first = Some(Time(1_700_000_000_000_000_000));
        loss.last = Some(Time(1_700_000_001_000_000_000));
        loss.rules = vec!["a".to_owned()];
        loss.host_name = Some(b"h\xff"[..].into());
        let mut out = Vec::new();
        loss.write(&mut out, Form::Ours);
        let json: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
        assert_eq!(json["event"]["kind"], "pipeline_error");
        assert_eq!(Loss::read(&json), Some(loss.clone()));
        assert_eq!(
            loss.sentence(),
            "lost 3 exec events in sink siem from 2023-11-14T22:13:20.000000000Z to 2023-11-14T22:13:21.000000000Z"
        );
        out.clear();
        loss.write(&mut out, Form::Ecs);
        let json: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
        assert_eq!(json["beewolf"]["loss"]["count"], 3);
    }
}
