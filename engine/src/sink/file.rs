//! JSON lines in a file that is turned over by size.
//!
//! Lines are whole or not there: what a full disk or a crash left of a line is taken back. A full
//! disk costs records (counted) and heals by itself once there is room.

use std::{
    fs::{self, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{FORMAT, Failure, Opened, Output, Record, Sink, SinkConfig};
use crate::{
    event::json::Form,
    setting::{Preset, Row, Type, Values},
};

/// See the module.
pub(super) struct File;

impl Sink for File {
    fn name(&self) -> &'static str {
        "file"
    }
    fn doc(&self) -> &'static str {
        "One JSON object per line in a file of mode 0600. A full file becomes `path.1`, that one `path.2` and so on."
    }
    fn rows(&self) -> &'static [Row] {
        &[
            Row {
                name: "path",
                ty: Type::Path,
                preset: Preset::Required,
                doc: "The file; its folder must exist. A symbolic link is refused.",
            },
            FORMAT,
            Row {
                name: "rotate_at",
                ty: Type::Size { min: 4096, max: 1 << 40 },
                preset: Preset::Number(100 << 20),
                doc: "Size that a file does not exceed.",
            },
            Row {
                name: "keep",
                ty: Type::Integer { min: 0, max: 1000 },
                preset: Preset::Number(5),
                doc: "Full files that are kept besides the current one; the oldest is deleted.",
            },
        ]
    }
    fn folders(&self, values: &Values) -> Vec<PathBuf> {
        // A file that is named alone lies in the folder at hand.
        let parent =
            |path: &Path| path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(".".as_ref()).to_owned();
        values.path("path").map(parent).into_iter().collect()
    }
    fn open(&self, config: &SinkConfig) -> Result<Opened, io::Error> {
        let path = config.values.path("path").ok_or(ErrorKind::InvalidInput)?.to_owned();
        let mut rotating = Rotating {
            current: None,
            looked: Instant::now(),
            rotate_at: config.values.number("rotate_at"),
            keep: config.values.number("keep"),
            form: config.form(),
            buffer: Vec::new(),
            path,
        };
        rotating.ready()?;
        Ok(Opened::Local(Box::new(rotating)))
    }
}

/// How often the file's name is looked up again, to notice that another program moved the file away.
const LOOK: Duration = Duration::from_secs(1);
/// Longest rest of a line, after a crash, that is taken back.
const MAX_TORN: u64 = 16 << 20;

struct Current {
    file: fs::File,
    /// Bytes in whole lines.
    length: u64,
    device: u64,
    inode: u64,
}

struct Rotating {
    path: PathBuf,
    rotate_at: u64,
    keep: u64,
    form: Form,
    current: Option<Current>,
    looked: Instant,
    buffer: Vec<u8>,
}

impl Rotating {
    /// The open file; opened again if it was moved, deleted or could not be opened before.
    fn ready(&mut self) -> io::Result<&mut Current> {
        if self.looked.elapsed() >= LOOK {
            self.looked = Instant::now();
            let there = fs::symlink_metadata(&self.path).ok();
            let same =
                |open: &Current| there.as_ref().is_some_and(|it| (it.dev(), it.ino()) == (open.device, open.inode));
            self.current = self.current.take().filter(same);
        }
        let open = match self.current.take() {
            Some(open) => open,
            None => open(&self.path)?,
        };
        Ok(self.current.insert(open))
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.current = None;
        if self.keep == 0 {
            fs::remove_file(&self.path)?;
        } else {
            for number in (1..self.keep).rev() {
                match fs::rename(numbered(&self.path, number), numbered(&self.path, number + 1)) {
                    Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                    Ok(()) | Err(_) => {}
                }
            }
            fs::rename(&self.path, numbered(&self.path, 1))?;
        }
        Ok(())
    }
}

fn numbered(path: &Path, number: u64) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

fn open(path: &Path) -> io::Result<Current> {
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        // Neither a planted link nor a FIFO without a reader may divert or stop us.
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC)
        .open(path)?;
    let facts = file.metadata()?;
    if !facts.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file"));
    }
    let length = mend(&file, facts.len())?;
    Ok(Current { file, length, device: facts.dev(), inode: facts.ino() })
}

/// Makes the file end with a whole line: a torn object is removed, any other rest gets a line end.
fn mend(mut file: &fs::File, length: u64) -> io::Result<u64> {
    let mut end = length;
    let mut block = [0_u8; 4096];
    while end > 0 && length - end < MAX_TORN {
        let start = end.saturating_sub(block.len() as u64);
        let size = usize::try_from(end - start).unwrap_or(block.len());
        let Some(part) = block.get_mut(..size) else { break };
        file.read_exact_at(part, start)?;
        if let Some(place) = part.iter().rposition(|byte| *byte == b'\n') {
            end = start + place as u64 + 1;
            break;
        }
        end = start;
    }
    if end == length {
        return Ok(length);
    }
    let mut first = [0];
    file.read_exact_at(&mut first, end)?;
    if first == *b"{" && length - end < MAX_TORN {
        file.set_len(end)?;
        return Ok(end);
    }
    file.write_all(b"\n")?;
    Ok(length + 1)
}

impl Output for Rotating {
    fn deliver(&mut self, record: &Record) -> Result<(), Failure> {
        self.buffer.clear();
        record.write(&mut self.buffer, self.form);
        self.buffer.push(b'\n');
        let size = self.buffer.len() as u64;
        let rotate_at = self.rotate_at;
        let open = self.ready().map_err(Failure::Again)?;
        if open.length > 0 && open.length + size > rotate_at {
            self.rotate().map_err(Failure::Again)?;
        }
        let line = std::mem::take(&mut self.buffer);
        let result = self.ready().and_then(|open| append(open, &line));
        self.buffer = line;
        result.map_err(|error| {
            // Whatever is wrong with the file, the next try begins with a fresh look at it.
            self.current = None;
            Failure::Again(error)
        })
    }
}

/// Writes a line wholly or not at all.
fn append(open: &mut Current, line: &[u8]) -> io::Result<()> {
    match (&open.file).write_all(line) {
        Ok(()) => {
            open.length += line.len() as u64;
            Ok(())
        }
        Err(error) => {
            // If this fails too, opening the file again mends it.
            open.file.set_len(open.length)?;
            Err(error)
        }
    }
}
