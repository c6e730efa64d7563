//! Delivers alerts and events to the world outside.
//!
//! Each output runs in a thread of its own behind a bounded queue: a slow or dead receiver costs its
//! own records, which are counted, and never holds up the pipeline. A new sink is a new file, a
//! `mod` line and a line of [`ALL`].

mod console;
mod file;
mod ledger;
mod lines;
mod printable;
mod record;
mod runner;
mod stdout;
mod summary;
mod syslog;

use std::{fmt, io, path::PathBuf, time::Duration};

pub use ledger::Counters;
pub use printable::printable;
pub use record::Record;
pub use runner::{Report, Sinks};
pub use summary::{Colour, line};

use crate::{
    event::{Severity, json::Form, value::Words},
    setting::{Preset, Row, Type, Values},
};

/// A sort of output.
pub trait Sink: Sync {
    /// Name in the configuration: snake_case.
    fn name(&self) -> &'static str;
    /// What it is, in sentences.
    fn doc(&self) -> &'static str;
    /// Settings of its own, besides [`COMMON`].
    fn rows(&self) -> &'static [Row];
    /// Folders in which it makes, renames and removes files, for whoever fences the process in.
    fn folders(&self, _values: &Values) -> Vec<PathBuf> {
        Vec::new()
    }
    /// Opens it.
    ///
    /// # Errors
    /// The reason why records can never be delivered with these settings. A receiver that is only
    /// away for now is no error: [`Output::deliver`] tries again.
    fn open(&self, config: &SinkConfig) -> Result<Box<dyn Output>, io::Error>;
}

/// Every sink there is, by name.
pub const ALL: &[&dyn Sink] = &[&console::Console, &file::File, &stdout::Stdout, &syslog::Syslog];

/// The sink of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Sink> {
    ALL.iter().copied().find(|sink| sink.name() == name)
}

/// An opened sink; used by one thread.
pub trait Output: Send {
    /// Delivers one record. May wait, but only for a bounded time.
    ///
    /// # Errors
    /// [`Failure`] says what becomes of the record.
    fn deliver(&mut self, record: &Record) -> Result<(), Failure>;
}

/// Why a record was not delivered.
#[derive(Debug)]
pub enum Failure {
    /// The receiver is away or full: the same record is offered again after a pause.
    Again(io::Error),
    /// As [`Failure::Again`], and the record before, taken for delivered, is now known to be lost.
    PreviousLost(io::Error),
    /// This record can never be delivered; it is counted as lost and the next one is tried.
    Lost(io::Error),
}

/// What a sink takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Include {
    /// Alerts only.
    Alerts,
    /// Events only.
    Events,
    /// Both.
    Both,
}

/// One configured output.
#[derive(Clone)]
pub struct SinkConfig {
    /// What it is.
    pub sink: &'static dyn Sink,
    /// Its settings: [`COMMON`] and the sink's own.
    pub values: Values,
}

const SEVERITIES: &[&str] = <Severity as Words>::ALL;
const INCLUDES: &[&str] = &["alerts", "events", "both"];

/// Settings that every sink has.
pub const COMMON: &[Row] = &[
    Row {
        name: "name",
        ty: Type::Text,
        preset: Preset::Absent,
        doc: "Name in status messages and losses. Absent: the sink's type, with a number if there are several.",
    },
    Row {
        name: "include",
        ty: Type::Word(INCLUDES),
        preset: Preset::Text("alerts"),
        doc: "What the sink takes. Losses are always delivered, so that a gap is never silent.",
    },
    Row {
        name: "minimum_severity",
        ty: Type::Word(SEVERITIES),
        preset: Preset::Text("informational"),
        doc: "Alerts below this severity are left out.",
    },
    Row {
        name: "suppressed",
        ty: Type::Boolean,
        preset: Preset::Boolean(false),
        doc: "Whether alerts that an `unless` or whitelist entry suppressed are delivered too; they carry its name.",
    },
    Row {
        name: "status",
        ty: Type::Boolean,
        preset: Preset::Boolean(false),
        doc: "Whether status messages are delivered.",
    },
    Row {
        name: "queue",
        ty: Type::Integer { min: 1, max: 1_000_000 },
        preset: Preset::Number(4096),
        doc: "Records that wait while the receiver is slow or away. What comes when it is full is lost and counted.",
    },
];

/// Row of the JSON form, for sinks that write JSON.
const FORMAT: Row = Row {
    name: "format",
    ty: Type::Word(&["ours", "ecs"]),
    preset: Preset::Text("ours"),
    doc: "Names of members: `ours` as rules have them, `ecs` with all that the Elastic Common Schema lacks below `beewolf`.",
};

impl SinkConfig {
    /// A sink with its presets.
    #[must_use]
    pub fn new(sink: &'static dyn Sink) -> Self {
        Self { sink, values: Values::presets(&rows(sink)) }
    }

    /// The same with one setting changed.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: crate::setting::Value) -> Self {
        self.values.set(name, value);
        self
    }

    /// Its name in counters; not unique, see [`Sinks::start`].
    #[must_use]
    pub fn name(&self) -> &str {
        self.values.text("name").unwrap_or(self.sink.name())
    }

    /// What it takes.
    #[must_use]
    pub fn include(&self) -> Include {
        match self.values.text("include") {
            Some("both") => Include::Both,
            Some("events") => Include::Events,
            _ => Include::Alerts,
        }
    }

    /// The least severity of its alerts.
    #[must_use]
    pub fn minimum_severity(&self) -> Severity {
        self.values
            .text("minimum_severity")
            .and_then(|word| Severity::parse(word.as_bytes()))
            .unwrap_or(Severity::Informational)
    }

    /// The form of its JSON.
    #[must_use]
    pub fn form(&self) -> Form {
        if self.values.text("format") == Some("ecs") { Form::Ecs } else { Form::Ours }
    }

    /// See [`Sink::folders`].
    #[must_use]
    pub fn folders(&self) -> Vec<PathBuf> {
        self.sink.folders(&self.values)
    }
}

/// All settings of a sink: the common ones and its own.
#[must_use]
pub fn rows(sink: &dyn Sink) -> Vec<Row> {
    // The console is there for people: it takes status messages unless told otherwise.
    let common = COMMON.iter().map(|row| match row.name {
        "status" if sink.name() == "console" => Row { preset: Preset::Boolean(true), ..*row },
        _ => *row,
    });
    common.chain(sink.rows().iter().copied()).collect()
}

impl fmt::Debug for SinkConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SinkConfig").field("sink", &self.sink.name()).field("values", &self.values).finish()
    }
}

impl PartialEq for SinkConfig {
    fn eq(&self, other: &Self) -> bool {
        self.sink.name() == other.sink.name() && self.values == other.values
    }
}

/// Why the outputs did not start.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The settings, the file system or the network do not allow it. The operator mends it.
    #[error("sink `{name}` ({sink}) cannot be opened: {error}")]
    Open {
        /// Name of the sink.
        name: String,
        /// Its type.
        sink: &'static str,
        /// Why.
        error: io::Error,
    },
    /// The system has no more threads.
    #[error("no thread for sink `{name}`: {error}")]
    Thread {
        /// Name of the sink.
        name: String,
        /// Why.
        error: io::Error,
    },
}

/// Shortest and longest pause before a record is offered again.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_listed_and_every_sink_described() {
        let mut names: Vec<_> = ALL.iter().map(|sink| sink.name()).collect();
        for sink in ALL {
            assert!(sink.doc().ends_with('.'), "{}", sink.name());
            assert!(sink.name().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
            let rows = rows(*sink);
            for (place, row) in rows.iter().enumerate() {
                assert!(row.doc.ends_with('.'), "{}.{}", sink.name(), row.name);
                assert!(!rows[..place].iter().any(|other| other.name == row.name), "{} twice", row.name);
            }
        }
        assert!(names.is_sorted());
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sink");
        let parts = ["ledger", "lines", "mod", "printable", "record", "runner", "summary"];
        let mut files: Vec<String> = folder
            .read_dir()
            .expect("the folder")
            .map(|entry| entry.expect("an entry").path().file_stem().expect("a name").to_string_lossy().into_owned())
            .filter(|name| !parts.contains(&name.as_str()))
            .collect();
        files.sort();
        names.sort_unstable();
        assert_eq!(files, names);
    }
}
