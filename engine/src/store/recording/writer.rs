//! Writes a recording; a full disk costs events, which are counted, and never the lines before.

use std::{
    fs::{File, OpenOptions},
    io::{self, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::{Counts, Envelope, FORMAT, Header, Manifest, RuleHash, Tagged, json_of_loss};
use crate::event::{
    Event, Kind, Loss,
    json::{self, Form},
    loss::{LossSource, Lost},
    value::Time,
};

/// Bounds of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes kept before they are written.
    pub buffer_bytes: usize,
    /// Longest line; a longer event is lost and counted.
    pub max_line_bytes: usize,
    /// Largest file; what comes after is lost and counted.
    pub max_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { buffer_bytes: 256 << 10, max_line_bytes: 1 << 20, max_bytes: 4 << 30 }
    }
}

/// Losses kept one by one for the manifest; more are added up by sort.
const MAX_LOSSES: usize = 256;
/// Room kept below the largest size for the manifest.
const MANIFEST_ROOM: u64 = 64 << 10;

/// Why a recording could not be made.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// There is a file of that name; recordings never overwrite. The user takes another name.
    #[error("{}: exists already; a recording never overwrites", .0.display())]
    Exists(PathBuf),
    /// The system refused. The user mends path, permissions or room.
    #[error("{}: {error}", path.display())]
    Io {
        /// The recording.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file is no recording, or of a newer version.
    #[error("{}: {why}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// Kind and time of a line's event; nothing for other lines.
type Sort = Option<(Kind, Option<Time>)>;

/// An open recording.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    file: File,
    limits: Limits,
    header: Header,
    buffer: Vec<u8>,
    /// Where each line in the buffer ends, and its event's kind and time.
    ends: Vec<(usize, Sort)>,
    /// Bytes in whole lines on disk.
    length: u64,
    /// Behind them is a part of a line.
    torn: bool,
    counts: Counts,
    /// Losses reported by others.
    losses: Vec<Loss>,
    /// Losses of this writer, by kind.
    own: Vec<Loss>,
    last_error: Option<String>,
}

impl Writer {
    /// Makes the file (mode 0600, never over another) and writes the header.
    ///
    /// # Errors
    /// [`RecordingError`] if the file exists or cannot be written.
    pub fn create(path: &Path, header: Header, limits: Limits) -> Result<Self, RecordingError> {
        let io = |error: io::Error| {
            if error.kind() == io::ErrorKind::AlreadyExists {
                RecordingError::Exists(path.to_owned())
            } else {
                RecordingError::Io { path: path.to_owned(), error }
            }
        };
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(libc::O_CLOEXEC)
            .open(path)
            .map_err(io)?;
        let header = Header { format: FORMAT, ..header };
        let mut writer = Self {
            path: path.to_owned(),
            file,
            limits,
            header: header.clone(),
            buffer: Vec::new(),
            ends: Vec::new(),
            length: 0,
            torn: false,
            counts: Counts::default(),
            losses: Vec::new(),
            own: Vec::new(),
            last_error: None,
        };
        writer.own_line("header", &header);
        match writer.write_out() {
            Ok(()) => Ok(writer),
            Err(error) => {
                // An empty recording is of no use to anyone; the error says what happened.
                drop(std::fs::remove_file(path));
                Err(io(error))
            }
        }
    }

    /// Adds an event.
    pub fn event(&mut self, event: &Event) {
        let start = self.buffer.len();
        json::write(&mut self.buffer, event, Form::Ours);
        self.buffer.push(b'\n');
        let sort = Some((event.kind(), event.time));
        self.counts.add(event.kind());
        let end = self.buffer.len();
        let room = self.limits.max_bytes.saturating_sub(MANIFEST_ROOM);
        if end - start > self.limits.max_line_bytes || self.length + end as u64 > room {
            self.buffer.truncate(start);
            self.lost(sort);
            return;
        }
        self.ends.push((end, sort));
        self.flush_if_full();
    }

    /// Adds a loss that another stage reported.
    pub fn loss(&mut self, loss: &Loss) {
        let sort = |it: &Loss| (it.source, it.name.clone(), it.lost, it.kind);
        let known = self.losses.iter().position(|it| sort(it) == sort(loss));
        if known.is_none() && self.losses.len() < MAX_LOSSES {
            self.losses.push(loss.clone());
        } else if let Some(it) = self.losses.get_mut(known.unwrap_or(MAX_LOSSES - 1)) {
            if known.is_none() {
                // No more room for names: the last entry stands for all others.
                (it.name, it.kind) = (None, None);
            }
            merge(it, loss);
        }
        let start = self.buffer.len();
        loss.write(&mut self.buffer, Form::Ours);
        self.buffer.push(b'\n');
        if self.length + self.buffer.len() as u64 > self.limits.max_bytes.saturating_sub(MANIFEST_ROOM) {
            self.buffer.truncate(start);
            return;
        }
        self.ends.push((self.buffer.len(), None));
        self.flush_if_full();
    }

    /// Writes what waits; what cannot be written stays, up to the bound.
    pub fn flush(&mut self) {
        // The error is kept for the report and the events are counted.
        drop(self.write_out());
    }

    /// Events lost by this writer so far.
    #[must_use]
    pub fn lost_events(&self) -> u64 {
        self.own.iter().map(|loss| loss.count).sum()
    }

    /// The last error of the file system.
    #[must_use]
    pub fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }

    /// Writes the manifest and closes the file.
    ///
    /// # Errors
    /// [`RecordingError::Io`] if the end of the recording could not be written.
    pub fn finish(mut self, rules: Vec<RuleHash>) -> Result<Manifest, RecordingError> {
        self.flush();
        if !self.buffer.is_empty() {
            self.give_up();
        }
        let losses = || self.losses.iter().chain(&self.own);
        let manifest = Manifest {
            host: self.header.host.clone(),
            kernel: self.header.kernel.clone(),
            rules,
            events: self.counts.named(),
            // What only came out of order is there.
            complete: losses().all(|loss| loss.source == LossSource::Merge),
            losses: losses().map(json_of_loss).collect(),
        };
        self.own_line("manifest", &manifest);
        let result = self.write_out().and_then(|()| self.file.sync_all());
        result.map_err(|error| RecordingError::Io { path: self.path.clone(), error })?;
        Ok(manifest)
    }

    fn own_line<T: serde::Serialize + Clone>(&mut self, record: &str, content: &T) {
        let line = Envelope { beewolf: Tagged { record: record.to_owned(), content: content.clone() } };
        // Strings, numbers and lists of them always have a JSON form.
        self.buffer.extend(serde_json::to_vec(&line).unwrap_or_default());
        self.buffer.push(b'\n');
        self.ends.push((self.buffer.len(), None));
    }

    fn flush_if_full(&mut self) {
        if self.buffer.len() >= self.limits.buffer_bytes && self.write_out().is_err() {
            self.give_up();
        }
    }

    /// Writes the buffer. After an error the file ends with a whole line and the buffer begins with the next.
    fn write_out(&mut self) -> io::Result<()> {
        let mut written = 0;
        self.mend()?;
        let mut result = Ok(());
        while written < self.buffer.len() {
            match self.file.write(self.buffer.get(written..).unwrap_or_default()) {
                Ok(0) => {
                    result = Err(io::ErrorKind::WriteZero.into());
                    break;
                }
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        let lines = self.ends.iter().take_while(|(end, _)| *end <= written).count();
        let whole = lines.checked_sub(1).and_then(|last| self.ends.get(last)).map_or(0, |(end, _)| *end);
        self.length += whole as u64;
        // The torn line is taken back; it is still in the buffer.
        self.torn = written > whole;
        self.buffer.drain(..whole);
        self.ends.drain(..lines);
        for (end, _) in &mut self.ends {
            *end -= whole;
        }
        if let Err(error) = &result {
            self.last_error = Some(error.to_string());
        }
        self.mend()?;
        result
    }

    fn mend(&mut self) -> io::Result<()> {
        if self.torn {
            self.file.set_len(self.length)?;
            self.file.seek(io::SeekFrom::Start(self.length))?;
            self.torn = false;
        }
        Ok(())
    }

    /// Counts what is in the buffer as lost and forgets it.
    fn give_up(&mut self) {
        self.buffer.clear();
        for (_, sort) in std::mem::take(&mut self.ends) {
            self.lost(sort);
        }
    }

    fn lost(&mut self, sort: Sort) {
        let Some((kind, time)) = sort else { return };
        self.counts.take_back(kind);
        let loss =
            Loss { kind: Some(kind), first: time, last: time, ..Loss::new(LossSource::Recording, Lost::Event, 1) };
        match self.own.iter_mut().find(|it| it.kind == Some(kind)) {
            Some(known) => merge(known, &loss),
            None => self.own.push(loss),
        }
    }
}

fn merge(known: &mut Loss, more: &Loss) {
    known.count = known.count.saturating_add(more.count);
    known.first = known.first.into_iter().chain(more.first).min();
    known.last = known.last.max(more.last);
    for rule in &more.rules {
        if !known.rules.contains(rule) {
            known.rules.push(rule.clone());
        }
    }
}
