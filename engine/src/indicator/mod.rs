//! Indicator lists: addresses, domains, URLs, hashes and names of files that others have found to be bad.
//!
//! A list is read once, from a file in one of four formats, into a compact table, and never changes;
//! conditions ask it with `field in ioc:NAME`. Reading a list again makes a new one, so that whoever
//! holds the old one is not disturbed. What cannot be read of a file is reported and left out: a feed
//! is made by others, and one bad line must not blind the sensor.

mod format;
mod lists;
mod setting;
mod sort;
mod table;

use std::path::PathBuf;

pub use format::Format;
pub use lists::{ListReport, Lists, LoadError};
pub use setting::{DOC, LIMITS, ROWS};
pub use sort::Sort;

use crate::event::value::{Time, Value};
use format::{Detail, Place};
use table::Table;

/// Problems of one file that are told in full.
const MAX_PROBLEMS: usize = 20;

/// What is said of a list in the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// What conditions call it.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// How the file is written.
    pub format: Format,
    /// What is taken from it.
    pub sort: Sort,
    /// Whether every domain stands for those below it, too.
    pub subdomains: bool,
    /// Columns of a CSV file.
    pub columns: Columns,
}

/// Names of the columns of a CSV file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// The indicators.
    pub value: String,
    /// What is said of them.
    pub description: Option<String>,
    /// Links.
    pub reference: Option<String>,
}

/// Bounds of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of its file.
    pub file_bytes: u64,
    /// Indicators.
    pub entries: usize,
}

/// An indicator that a value was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The indicator as the list has it, in its common form.
    pub indicator: String,
    /// What the list says of it.
    pub description: Option<String>,
    /// A link.
    pub reference: Option<String>,
}

/// Something in a file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

/// What became of a file's entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Indicators of the list.
    pub entries: usize,
    /// Entries that were there already.
    pub repeated: usize,
    /// Entries of another type than the list's.
    pub other_types: usize,
    /// Entries that their maker has withdrawn, or whose time is over.
    pub withdrawn: usize,
    /// What could not be read, the first [`MAX_PROBLEMS`] of it.
    pub problems: Vec<Problem>,
    /// How much more could not be read.
    pub more_problems: usize,
}

/// A list, ready to be asked.
#[derive(Debug)]
pub struct List {
    name: String,
    sort: Sort,
    table: Table,
    reach: sort::Reach,
}

impl List {
    /// Reads a list from the bytes of a file. `now` decides which entries' time is over.
    ///
    /// # Errors
    /// Why nothing of the file can be used: the wrong format, a column that is not there, too many entries.
    pub fn read(spec: &Spec, bytes: &[u8], max_entries: usize, now: Option<Time>) -> Result<(Self, Report), Problem> {
        let mut collector = Collector {
            spec,
            now,
            max_entries,
            table: Table::default(),
            reach: sort::Reach::default(),
            key: Vec::new(),
            report: Report::default(),
            is_full: None,
        };
        spec.format.read(bytes, &mut collector)?;
        let Collector { mut table, reach, mut report, is_full, .. } = collector;
        if let Some(line) = is_full {
            return Err(Problem { line, what: format!("more than {max_entries} indicators") });
        }
        table.finish();
        report.entries = table.len();
        Ok((Self { name: spec.name.clone(), sort: spec.sort, table, reach }, report))
    }

    /// What conditions call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is a list of.
    #[must_use]
    pub fn sort(&self) -> Sort {
        self.sort
    }

    /// The number of indicators.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.table.bytes()
    }

    /// Whether a scalar is one of its indicators.
    #[must_use]
    pub fn holds(&self, value: Value<'_>) -> bool {
        self.entry(value).is_some()
    }

    /// The indicator that a scalar is.
    #[must_use]
    pub fn find(&self, value: Value<'_>) -> Option<Hit> {
        let entry = self.entry(value)?;
        let (description, reference) = self.table.detail(entry);
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Some(Hit {
            indicator: self.sort.shown(self.table.key(entry)),
            description: text(description),
            reference: text(reference),
        })
    }

    fn entry(&self, value: Value<'_>) -> Option<u32> {
        self.sort.look_up(value, &self.reach, &mut |key| self.table.find(key))
    }
}

/// Takes the entries of a file, in whatever format.
struct Collector<'s> {
    spec: &'s Spec,
    now: Option<Time>,
    max_entries: usize,
    table: Table,
    reach: sort::Reach,
    /// The key of the entry at hand: kept for its memory.
    key: Vec<u8>,
    report: Report,
    /// The line of the first entry that found no room.
    is_full: Option<usize>,
}

impl Collector<'_> {
    /// An entry that is of the list's type because the file has no other.
    fn add(&mut self, text: &str, detail: Detail<'_>, place: Place<'_>) {
        self.key.clear();
        match self.spec.sort.key(text.trim(), self.spec.subdomains, &mut self.reach, &mut self.key) {
            Ok(()) if self.table.find(&self.key).is_some() => self.report.repeated += 1,
            Ok(()) if self.table.len() >= self.max_entries => {
                self.is_full.get_or_insert_with(|| place.line());
            }
            Ok(()) => self.table.add(&self.key, detail.description, detail.reference),
            Err(what) => {
                let shown: String = text.trim().chars().take(80).collect();
                self.problem(place, format!("`{shown}` is {what}"));
            }
        }
    }

    /// An entry of a file with entries of several types.
    fn add_of(&mut self, sort: Sort, text: &str, detail: Detail<'_>, place: Place<'_>) {
        if sort == self.spec.sort {
            self.add(text, detail, place);
        } else {
            self.report.other_types += 1;
        }
    }

    fn problem(&mut self, place: Place<'_>, what: String) {
        if self.report.problems.len() < MAX_PROBLEMS {
            self.report.problems.push(Problem { line: place.line(), what });
        } else {
            self.report.more_problems += 1;
        }
    }

    /// Whether a time that a file gives is over.
    fn is_over(&self, time: &str) -> bool {
        let end = time.parse::<jiff::Timestamp>().ok().and_then(|end| i64::try_from(end.as_nanosecond()).ok());
        self.now.zip(end).is_some_and(|(Time(now), end)| now >= end)
    }
}

#[cfg(test)]
mod tests;
