//! Recordings: what the sensor saw, as JSON lines, to be replayed on any host.
//!
//! The first line is the header, the last the manifest; between them are events in our JSON form
//! and losses. A recording without its last line, or with damaged ones, is still read; so is one that
//! was compressed with zstd since.

mod reader;
mod writer;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{Event, Kind, Loss, json::Form};

pub use reader::{Damage, Item, Reader, Summary};
pub use writer::{Limits, RecordingError, Writer};

/// Number of the line format; a reader refuses what is newer.
pub const FORMAT: u32 = 1;

/// The first line: where and with what the recording was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Number of the line format: [`FORMAT`].
    pub format: u32,
    /// Name of the host.
    pub host: String,
    /// Release of its kernel.
    pub kernel: String,
    /// Version of Beewolf.
    pub version: String,
    /// Id of the host's boot.
    pub boot_id: String,
    /// When it began, RFC 3339.
    pub created: String,
}

/// A rule that was loaded while the recording was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleHash {
    /// Its id.
    pub id: String,
    /// SHA-256 over its content.
    pub content_hash: String,
}

/// The last line: what the recording holds and what is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Name of the host.
    pub host: String,
    /// Release of its kernel.
    pub kernel: String,
    /// The rules that were loaded.
    pub rules: Vec<RuleHash>,
    /// Events in the recording, by kind.
    pub events: BTreeMap<String, u64>,
    /// Losses, each as its line has it.
    pub losses: Vec<serde_json::Value>,
    /// Nothing was lost between the kernel and this file. Events that came out of order are among the
    /// losses (source `merge`), and in the file.
    pub complete: bool,
}

/// Lines of ours are told from events by this member.
#[derive(Debug, Serialize, Deserialize)]
struct Envelope<T> {
    beewolf: Tagged<T>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Tagged<T> {
    record: String,
    #[serde(flatten)]
    content: T,
}

/// What the writer keeps count of, and the reader compares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Counts {
    events: BTreeMap<&'static str, u64>,
}

impl Counts {
    fn add(&mut self, kind: Kind) {
        *self.events.entry(kind.name()).or_default() += 1;
    }

    fn take_back(&mut self, kind: Kind) {
        if let Some(count) = self.events.get_mut(kind.name()) {
            *count = count.saturating_sub(1);
        }
    }

    fn named(&self) -> BTreeMap<String, u64> {
        self.events.iter().filter(|(_, count)| **count > 0).map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }
}

fn json_of_loss(loss: &Loss) -> serde_json::Value {
    let mut out = Vec::new();
    loss.write(&mut out, Form::Ours);
    serde_json::from_slice(&out).unwrap_or_default()
}

/// The name hash and line that stand for an event's id when the recording gives it none.
fn id_of(name_hash: &str, line: u64, event: &mut Event) {
    if event.id.is_none() {
        event.id = Some(format!("{name_hash}.{line}").into_bytes().into());
    }
}
