//! Reading a file line by line, with a bound on each line.

use std::{
    io::{BufRead, Read},
    path::Path,
};

use super::{
    capped::CappedError,
    compressed::{self, Input},
};

/// How a line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The file ended.
    File,
    /// With a newline, which is left out.
    Newline,
}

/// Why there is no line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// It is longer than the bound; the next one can be read.
    #[error("longer than {max} bytes")]
    TooLong {
        /// The bound in bytes.
        max: usize,
    },
    /// The system refused; nothing more will come.
    #[error("the rest cannot be read: {0}")]
    Unreadable(String),
}

/// Reads lines.
#[derive(Debug)]
pub struct Lines<R> {
    input: R,
    max: usize,
    buffer: Vec<u8>,
}

impl Lines<Input> {
    /// Opens a regular file, compressed with zstd or not. `max` bounds the length of a line in bytes.
    ///
    /// # Errors
    /// [`CappedError`] names the file and the reason.
    pub fn open(path: &Path, max: usize) -> Result<Self, CappedError> {
        Ok(Self::new(compressed::open(path)?, max))
    }
}

impl<R: BufRead> Lines<R> {
    /// Reads from any input.
    pub fn new(input: R, max: usize) -> Self {
        Self { input, max, buffer: Vec::new() }
    }

    /// Goes on to the next line; `None` at the end of the file.
    pub fn advance(&mut self) -> Option<Result<End, LineError>> {
        self.buffer.clear();
        let bound = self.max as u64 + 1;
        match self.input.by_ref().take(bound).read_until(b'\n', &mut self.buffer) {
            Ok(0) => None,
            Ok(_) if self.buffer.last() == Some(&b'\n') => {
                self.buffer.pop();
                Some(Ok(End::Newline))
            }
            Ok(count) if count as u64 == bound => {
                // The rest of the line goes by unseen.
                Some(match self.input.skip_until(b'\n') {
                    Ok(_) => Err(LineError::TooLong { max: self.max }),
                    Err(error) => Err(LineError::Unreadable(error.to_string())),
                })
            }
            Ok(_) => Some(Ok(End::File)),
            Err(error) => Some(Err(LineError::Unreadable(error.to_string()))),
        }
    }

    /// The line.
    #[must_use]
    pub fn line(&self) -> &[u8] {
        &self.buffer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_bounded_and_reading_goes_on() {
        let mut lines = Lines::new(&b"ab\n\nabcdef\nabc\nx"[..], 3);
        let mut found = Vec::new();
        while let Some(read) = lines.advance() {
            found.push(read.map(|end| (lines.line().to_vec(), end)));
        }
        assert_eq!(
            found,
            [
                Ok((b"ab".to_vec(), End::Newline)),
                Ok((b"".to_vec(), End::Newline)),
                Err(LineError::TooLong { max: 3 }),
                Ok((b"abc".to_vec(), End::Newline)),
                Ok((b"x".to_vec(), End::File)),
            ]
        );
    }
}
