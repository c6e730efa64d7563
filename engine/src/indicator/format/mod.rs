//! Formats of files of indicators, one file each.

mod csv;
mod misp;
mod plain;
mod stix;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::{Collector, Problem};
use crate::event::value::words;

words! {
    /// How a file of indicators is written.
    Format {
        /// Columns with a line of names.
        Csv = "csv",
        /// JSON as MISP exports it: an event, several, or attributes.
        Misp = "misp",
        /// One a line; `#` and `;` begin what is said of it.
        Plain = "plain",
        /// A STIX 2.1 bundle.
        Stix = "stix",
    }
}

impl Format {
    /// Gives the entries of a file to a collector.
    pub(super) fn read(self, bytes: &[u8], collector: &mut Collector<'_>) -> Result<(), Problem> {
        // What other systems put before UTF-8.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        match self {
            Self::Csv => csv::read(bytes, collector),
            Self::Misp => misp::read(bytes, collector),
            Self::Plain => plain::read(bytes, collector),
            Self::Stix => stix::read(bytes, collector),
        }
    }
}

/// What is said of an entry; empty for nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Detail<'d> {
    pub(super) description: &'d str,
    pub(super) reference: &'d str,
}

/// Where an entry stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'d> {
    file: &'d [u8],
    offset: usize,
}

impl<'d> Place<'d> {
    fn at(file: &'d [u8], offset: usize) -> Self {
        Self { file, offset }
    }

    /// Of a part of the file that was kept as it is written.
    fn of(file: &'d [u8], part: &RawValue) -> Self {
        let offset = (part.get().as_ptr() as usize).saturating_sub(file.as_ptr() as usize);
        Self { file, offset }
    }

    /// The line, from 1.
    pub(super) fn line(self) -> usize {
        let before = self.file.get(..self.offset).unwrap_or(self.file);
        1 + memchr::memchr_iter(b'\n', before).count()
    }
}

/// Reads a JSON file of some shape.
fn json<'d, T: Deserialize<'d>>(file: &'d [u8], what: &str) -> Result<T, Problem> {
    serde_json::from_slice(file)
        .map_err(|error| Problem { line: error.line().max(1), what: format!("no {what}: {error}") })
}

/// Reads one part of a JSON file, or reports it.
fn part<T: DeserializeOwned>(file: &[u8], part: &RawValue, collector: &mut Collector<'_>) -> Option<T> {
    let place = Place::of(file, part);
    serde_json::from_str(part.get()).map_err(|error| collector.problem(place, error.to_string())).ok()
}
