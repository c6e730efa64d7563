//! Reads a recording line by line, with a bound on each; what is damaged is told and passed over.

use std::{
    collections::BTreeMap,
    fmt,
    io::BufRead,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::{Counts, Envelope, FORMAT, Header, Manifest, RecordingError, Tagged, id_of};
use crate::{
    event::{
        Event, Loss,
        json::{self, ReadError},
    },
    store::{
        capped::CappedError,
        compressed::{self, Input},
        lines::{End, LineError, Lines},
    },
};

/// One line of a recording, understood.
#[derive(Clone, Debug)]
pub enum Item {
    /// The first line.
    Header(Header),
    /// An event; it has an id.
    Event(Box<Event>),
    /// Something was lost while the recording was made.
    Loss(Loss),
    /// The last line.
    Manifest(Manifest),
    /// A line that says nothing, or something missing at the end.
    Damaged {
        /// The line, from 1; for what is missing, the one after the last.
        line: u64,
        /// What is wrong.
        why: Damage,
    },
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The file ends within it: the recording was cut.
    Cut,
    /// It is longer than the bound.
    TooLong {
        /// The bound in bytes.
        max: usize,
    },
    /// It is no event and no line of ours.
    NoEvent(String),
    /// The file ends without a manifest: the recorder did not end in order.
    NoManifest,
    /// The manifest counts other events than the file has.
    OtherCount(String),
    /// The rest could not be read.
    Unreadable(String),
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut => f.write_str("the recording was cut within this line"),
            Self::TooLong { max } => write!(f, "longer than {max} bytes"),
            Self::NoEvent(why) => f.write_str(why),
            Self::NoManifest => f.write_str("the recording has no manifest: it did not end in order"),
            Self::OtherCount(what) => write!(f, "the manifest does not fit: {what}"),
            Self::Unreadable(why) => write!(f, "the rest cannot be read: {why}"),
        }
    }
}

/// What a reader has met so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Lines.
    pub lines: u64,
    /// Events delivered.
    pub events: u64,
    /// Lines that were damaged, a missing manifest included.
    pub damaged: u64,
    /// Members of events that this version does not know or that do not fit; the event was delivered without them.
    pub ignored_members: u64,
    /// The first few of those, with their lines.
    pub ignored: Vec<(u64, String)>,
    /// The manifest says that nothing is missing, and nothing is.
    pub complete: bool,
}

/// Examples kept of members that were ignored.
const MAX_EXAMPLES: usize = 10;

/// An open recording.
pub struct Reader<R = Input> {
    lines: Lines<R>,
    name_hash: String,
    counts: Counts,
    summary: Summary,
    manifest: bool,
    ended: bool,
}

impl Reader {
    /// Opens a recording, compressed or not. `max_line` bounds the length of a line in bytes.
    ///
    /// # Errors
    /// [`RecordingError`] if the file cannot be opened, is no recording or a newer one.
    pub fn open(path: &Path, max_line: usize) -> Result<Self, RecordingError> {
        let input = compressed::open(path).map_err(|error| match error {
            CappedError::Io { path, error } => RecordingError::Io { path, error },
            other @ (CappedError::NotAFile(_) | CappedError::NotText { .. } | CappedError::TooLarge { .. }) => {
                RecordingError::Format { path: path.to_owned(), why: other.to_string() }
            }
        })?;
        let name = path.file_name().unwrap_or_default();
        Ok(Self::new(input, name.as_encoded_bytes(), max_line))
    }

    /// The header, without which a file is no recording. To be asked before the first line is read.
    ///
    /// # Errors
    /// [`RecordingError::Format`] if the first line is no header that this version understands.
    pub fn header(path: &Path, max_line: usize) -> Result<Header, RecordingError> {
        let format = |why: String| RecordingError::Format { path: PathBuf::from(path), why };
        match Self::open(path, max_line)?.next() {
            Some(Item::Header(header)) if header.format > FORMAT => Err(format(format!(
                "recorded by version {}, whose format {} is newer than {FORMAT}",
                header.version, header.format
            ))),
            Some(Item::Header(header)) => Ok(header),
            Some(Item::Event(_) | Item::Loss(_) | Item::Manifest(_) | Item::Damaged { .. }) | None => {
                Err(format("not a recording: the first line is no header".to_owned()))
            }
        }
    }
}

impl<R: BufRead> Reader<R> {
    /// Reads a recording from any input; `name` is part of the ids of events that have none.
    pub fn new(input: R, name: &[u8], max_line: usize) -> Self {
        let digest = Sha256::digest(name);
        Self {
            lines: Lines::new(input, max_line),
            name_hash: data_encoding::HEXLOWER.encode(digest.get(..8).unwrap_or(&digest)),
            counts: Counts::default(),
            summary: Summary::default(),
            manifest: false,
            ended: false,
        }
    }

    /// What was met so far; whole once the reader has ended.
    #[must_use]
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    fn damaged(&mut self, line: u64, why: Damage) -> Item {
        self.summary.damaged += 1;
        self.summary.complete = false;
        Item::Damaged { line, why }
    }

    /// Goes on to the next line. `None` at the end of the file.
    fn line(&mut self) -> Option<Result<(), Damage>> {
        Some(match self.lines.advance()? {
            Ok(End::Newline) => Ok(()),
            Ok(End::File) => Err(Damage::Cut),
            Err(LineError::TooLong { max }) => Err(Damage::TooLong { max }),
            Err(LineError::Unreadable(why)) => Err(Damage::Unreadable(why)),
        })
    }

    fn end(&mut self) -> Option<Item> {
        self.ended = true;
        let line = self.summary.lines + 1;
        (!self.manifest).then(|| self.damaged(line, Damage::NoManifest))
    }

    fn understand(&mut self, line: u64) -> Result<Item, Damage> {
        let (mut event, errors) = match json::read(self.lines.line()) {
            Ok(read) => read,
            Err(ReadError::Kind) => return self.notice(),
            Err(error @ (ReadError::Json(_) | ReadError::NotAnObject)) => {
                return Err(Damage::NoEvent(error.to_string()));
            }
        };
        self.summary.ignored_members += errors.len() as u64;
        let room = MAX_EXAMPLES.saturating_sub(self.summary.ignored.len());
        self.summary.ignored.extend(errors.iter().take(room).map(|error| (line, error.to_string())));
        id_of(&self.name_hash, line, &mut event);
        self.counts.add(event.kind());
        self.summary.events += 1;
        Ok(Item::Event(Box::new(event)))
    }

    /// A line that is no event: ours, or a loss.
    fn notice(&mut self) -> Result<Item, Damage> {
        let value: serde_json::Value = serde_json::from_slice(self.lines.line())
            .map_err(|error| Damage::NoEvent(ReadError::Json(error).to_string()))?;
        if let Some(record) = value.pointer("/beewolf/record").and_then(serde_json::Value::as_str) {
            let record = record.to_owned();
            return self.own(&record, value);
        }
        Loss::read(&value).map(Item::Loss).ok_or_else(|| Damage::NoEvent(ReadError::Kind.to_string()))
    }

    fn own(&mut self, record: &str, value: serde_json::Value) -> Result<Item, Damage> {
        fn content<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> Result<T, Damage> {
            let envelope: Result<Envelope<T>, _> = serde_json::from_value(value);
            let Envelope { beewolf: Tagged { content, .. } } =
                envelope.map_err(|error| Damage::NoEvent(error.to_string()))?;
            Ok(content)
        }
        match record {
            "header" => content(value).map(Item::Header),
            "manifest" => {
                let manifest: Manifest = content(value)?;
                self.manifest = true;
                let found = self.counts.named();
                if manifest.events != found {
                    return Err(Damage::OtherCount(difference(&manifest.events, &found)));
                }
                self.summary.complete = manifest.complete && self.summary.damaged == 0;
                Ok(Item::Manifest(manifest))
            }
            other => Err(Damage::NoEvent(format!("unknown line `{other}`"))),
        }
    }
}

fn difference(said: &BTreeMap<String, u64>, found: &BTreeMap<String, u64>) -> String {
    let mut kinds: Vec<&String> = said.keys().chain(found.keys()).collect();
    kinds.sort();
    kinds.dedup();
    let of = |counts: &BTreeMap<String, u64>, kind: &str| counts.get(kind).copied().unwrap_or_default();
    let lines = kinds.iter().filter(|kind| of(said, kind) != of(found, kind));
    lines
        .map(|kind| format!("it says {} {kind} events, the file has {}", of(said, kind), of(found, kind)))
        .collect::<Vec<_>>()
        .join("; ")
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        if self.ended {
            return None;
        }
        let Some(read) = self.line() else { return self.end() };
        self.summary.lines += 1;
        let line = self.summary.lines;
        match read.and_then(|()| self.understand(line)) {
            Ok(item) => Some(item),
            Err(why) => {
                // After an error of the file system nothing more will come.
                self.ended = matches!(why, Damage::Unreadable(_));
                Some(self.damaged(line, why))
            }
        }
    }
}
