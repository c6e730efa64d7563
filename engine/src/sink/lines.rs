//! JSON lines to a stream.

use std::{
    io::{self, ErrorKind, Write},
    os::fd::AsFd,
    time::{Duration, Instant},
};

use super::{Failure, Output, Record};
use crate::event::json::Form;

/// Writes each record as a line of JSON.
pub(super) struct Lines<W> {
    stream: W,
    form: Form,
    buffer: Vec<u8>,
}

impl<W: Write + Send> Lines<W> {
    pub(super) fn new(stream: W, form: Form) -> Self {
        Self { stream, form, buffer: Vec::new() }
    }
}

impl<W: Write + Send> Output for Lines<W> {
    fn deliver(&mut self, record: &Record) -> Result<(), Failure> {
        self.buffer.clear();
        record.write(&mut self.buffer, self.form);
        self.buffer.push(b'\n');
        whole(&mut self.stream, &self.buffer)
    }
}

/// How long a stream may refuse the rest of a line.
const PATIENCE: Duration = Duration::from_secs(5);

/// Writes all of a line. A stream that took a part of it and then failed has a torn line; that cannot be undone here.
pub(super) fn whole(stream: &mut impl Write, line: &[u8]) -> Result<(), Failure> {
    let mut rest = line;
    let mut since = None;
    while !rest.is_empty() {
        match stream.write(rest) {
            Ok(0) => return Err(Failure::Lost(ErrorKind::WriteZero.into())),
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Standard output is shared: another program may have made it non-blocking.
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if rest.len() == line.len() {
                    return Err(Failure::Again(error));
                }
                if since.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
                    return Err(Failure::Lost(error));
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(error) => return Err(Failure::Lost(error)),
        }
    }
    Ok(())
}

/// Standard output without a buffer of the program: what is written is out, or has failed.
pub(super) fn standard_output() -> io::Result<std::fs::File> {
    Ok(io::stdout().as_fd().try_clone_to_owned()?.into())
}
