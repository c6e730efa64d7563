//! Reading one file of a spool, past whatever damage it has.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use super::frame::{self, Parsed};

/// Bytes read at once.
const CHUNK: usize = 64 << 10;

/// A record as it was handed in, with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number; they rise without gaps unless something was lost.
    pub number: u64,
    /// What the caller said of it.
    pub tag: u8,
    /// The bytes to deliver.
    pub payload: Vec<u8>,
}

pub(super) enum Step {
    Record(Entry),
    /// Bytes that are no record were passed over.
    Damage,
    /// Nothing more for now.
    End,
}

pub(super) fn path(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:020}.spool"))
}

/// The number of the first record, from the file's name.
pub(super) fn first_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".spool").filter(|digits| digits.len() == 20)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// The records of a file, in order.
#[derive(Debug)]
pub(super) struct Records {
    file: File,
    /// Bytes read and not yet used up: those from `start`.
    buffer: Vec<u8>,
    start: usize,
    /// Where the buffer ends in the file.
    end: u64,
}

impl Records {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
        Ok(Self { file, buffer: Vec::new(), start: 0, end: 0 })
    }

    /// Begins again with the first byte.
    pub(super) fn rewind(&mut self) {
        self.buffer.clear();
        (self.start, self.end) = (0, 0);
    }

    /// Gives a record back that was just read.
    pub(super) fn put_back(&mut self, entry: &Entry) {
        self.start = self.start.saturating_sub(frame::HEAD + entry.payload.len());
    }

    pub(super) fn step(&mut self) -> io::Result<Step> {
        loop {
            let rest = self.buffer.get(self.start..).unwrap_or_default();
            match frame::parse(rest) {
                Parsed::Whole { number, tag, payload, size } => {
                    let entry = Entry { number, tag, payload: payload.to_vec() };
                    self.start += size;
                    return Ok(Step::Record(entry));
                }
                Parsed::Short(needed) => {
                    if self.fill(needed)? {
                        continue;
                    }
                    if self.start == self.buffer.len() {
                        return Ok(Step::End);
                    }
                    // The end of the file is in the middle of it; or its length is what is damaged.
                    return self.pass_over();
                }
                Parsed::Bad => return self.pass_over(),
            }
        }
    }

    /// Goes on to the next mark, or to the end.
    fn pass_over(&mut self) -> io::Result<Step> {
        loop {
            let rest = self.buffer.get(self.start..).unwrap_or_default();
            if let Some(place) = frame::next_mark(rest) {
                self.start += place;
                return Ok(Step::Damage);
            }
            // A mark may begin in the last bytes.
            let kept = rest.len().min(3);
            self.start = self.buffer.len() - kept;
            if !self.fill(kept + 1)? {
                self.start = self.buffer.len();
                return Ok(Step::Damage);
            }
        }
    }

    /// Reads until so many unused bytes are there; false if the file ends before.
    fn fill(&mut self, needed: usize) -> io::Result<bool> {
        self.buffer.drain(..self.start);
        self.start = 0;
        while self.buffer.len() < needed {
            let before = self.buffer.len();
            self.buffer.resize(needed.max(before + CHUNK), 0);
            let read = match self.file.read_at(self.buffer.get_mut(before..).unwrap_or_default(), self.end) {
                Ok(read) => read,
                Err(error) => {
                    self.buffer.truncate(before);
                    return Err(error);
                }
            };
            self.buffer.truncate(before + read);
            self.end += read as u64;
            if read == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
