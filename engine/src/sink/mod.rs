//! Delivers alerts and events to the world outside.
//!
//! Each output runs in a thread of its own behind a bounded queue: a slow or dead receiver costs its
//! own records, which are counted, and never holds up the pipeline. What goes to a network passes a
//! spool on disk first, see [`spooled`]. A new sink is a new file, a `mod` line and a line of [`ALL`].

mod console;
mod file;
mod ledger;
mod lines;
mod printable;
mod record;
mod remote;
mod runner;
mod spooled;
mod stdout;
mod summary;
mod syslog;
mod tls;
mod webhook;

use std::{
    fmt,
    fs::DirBuilder,
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::Duration,
};

pub use ledger::{Counters, SpoolCounters};
pub use printable::printable;
pub use record::Record;
pub use remote::{Carrier, Encoder, Remote};
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
    /// Settings of its own, besides [`COMMON`] and [`SPOOL`].
    fn rows(&self) -> &'static [Row];
    /// Whether it can have a spool: then it opens as [`Opened::Remote`] and has the settings of [`SPOOL`].
    fn remote(&self) -> bool {
        false
    }
    /// What is wrong with settings together that are right one by one: the message, and a hint.
    fn check(&self, _values: &Values) -> Vec<(String, Option<String>)> {
        Vec::new()
    }
    /// Folders in which it makes, renames and removes files, for whoever fences the process in.
    fn folders(&self, _values: &Values) -> Vec<PathBuf> {
        Vec::new()
    }
    /// The files it only reads, when it is opened.
    fn reads(&self, _values: &Values) -> Vec<PathBuf> {
        Vec::new()
    }
    /// Opens it.
    ///
    /// # Errors
    /// The reason why records can never be delivered with these settings. A receiver that is only
    /// away for now is no error: [`Output::deliver`] tries again.
    fn open(&self, config: &SinkConfig) -> Result<Opened, io::Error>;
}

/// A sink, opened.
pub enum Opened {
    /// It gets records, from its queue.
    Local(Box<dyn Output>),
    /// It gets bytes, from its spool if it has one.
    Remote(Remote),
}

/// Every sink there is, by name.
pub const ALL: &[&dyn Sink] = &[&console::Console, &file::File, &stdout::Stdout, &syslog::Syslog, &webhook::Webhook];

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
    /// As [`Failure::Again`], and the receiver has said how long the pause should be.
    Later(io::Error, Duration),
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

/// Settings that every sink with a receiver behind a network or socket has.
pub const SPOOL: &[Row] = &[
    Row {
        name: "spool.enabled",
        ty: Type::Boolean,
        preset: Preset::Boolean(true),
        doc: "Whether records pass a spool on disk, where they stay until the receiver has them, also if Beewolf or the host is restarted meanwhile: each arrives at least once, and one that comes again has the same id. An alert is there before any sink shows it; events, losses and status messages pass `queue` first. Without a spool all wait in `queue`, and what is there at the end is lost.",
    },
    Row {
        name: "spool.folder",
        ty: Type::Path,
        preset: Preset::Text("/var/lib/beewolf/spool"),
        doc: "Folder of the spools; each sink has one in it, named by type and `name`. It is made if it is not there. Several sinks of one type should have a `name`, so that each finds its own again.",
    },
    Row {
        name: "spool.max_bytes",
        ty: Type::Size { min: 1 << 20, max: 1 << 40 },
        preset: Preset::Number(256 << 20),
        doc: "Largest size of the sink's spool. A disk that is full earlier is no loss as long as `queue` records and 16 MiB in memory are enough.",
    },
    Row {
        name: "spool.when_full",
        ty: Type::Word(&["drop_newest", "drop_oldest"]),
        preset: Preset::Text("drop_newest"),
        doc: "What is lost, and counted, when the spool has its largest size: what comes, so that the beginning of the story is kept, or what has waited longest, a sixteenth of the spool at once.",
    },
    Row {
        name: "spool.sync",
        ty: Type::Duration { min: Duration::ZERO, max: Duration::from_secs(60) },
        preset: Preset::Duration(Duration::from_millis(100)),
        doc: "Longest time until what was spooled is forced to the disk: what a power loss can cost. The end of the process costs nothing. 0: at once.",
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

    /// Folders in which it makes, renames and removes files, for whoever fences the process in: the sink's
    /// own, and the spool's, which [`prepare`] has made.
    #[must_use]
    pub fn folders(&self) -> Vec<PathBuf> {
        self.sink.folders(&self.values).into_iter().chain(self.spool_folder().map(Path::to_owned)).collect()
    }

    /// The files it reads when it is opened, for whoever fences the process in.
    #[must_use]
    pub fn reads(&self) -> Vec<PathBuf> {
        self.sink.reads(&self.values)
    }

    /// The folder of the spools, if it has one.
    fn spool_folder(&self) -> Option<&Path> {
        let used = self.sink.remote() && self.values.boolean("spool.enabled");
        if used { self.values.path("spool.folder") } else { None }
    }
}

/// Makes the folders of the spools. Must come before the process is fenced in, which takes paths that exist.
///
/// # Errors
/// [`SinkError::Open`] if one cannot be made.
pub fn prepare(configs: &[SinkConfig]) -> Result<(), SinkError> {
    for config in configs {
        let Some(folder) = config.spool_folder() else { continue };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| SinkError::Open {
            name: config.name().to_owned(),
            sink: config.sink.name(),
            error: io::Error::new(error.kind(), format!("{}: {error}", folder.display())),
        })?;
    }
    Ok(())
}

/// All settings of a sink: the common ones, its own, and those of its spool.
#[must_use]
pub fn rows(sink: &dyn Sink) -> Vec<Row> {
    // The console is there for people: it takes status messages unless told otherwise.
    let common = COMMON.iter().map(|row| match row.name {
        "status" if sink.name() == "console" => Row { preset: Preset::Boolean(true), ..*row },
        _ => *row,
    });
    let spool: &[Row] = if sink.remote() { SPOOL } else { &[] };
    common.chain(sink.rows().iter().copied()).chain(spool.iter().copied()).collect()
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
        let parts = ["ledger", "lines", "mod", "printable", "record", "remote", "runner", "spooled", "summary", "tls"];
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
