//! One file or piece of memory: its bytes, its name, what was found in it.

use std::{io, os::fd::AsFd};

use rustix::fs::{FileType, fstat};

use crate::event::{FileIdentity, value::Bytes, yara_match::YaraRule};

/// A rule that matches.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// What it says of itself.
    pub rule: YaraRule,
    /// Its patterns that were found, `$a@64`.
    pub strings: Vec<Bytes>,
}

/// What a file is called; empty where it has no name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Named<'n> {
    /// The whole path.
    pub path: &'n [u8],
    /// Its last component.
    pub name: &'n [u8],
    /// What follows the name's last dot.
    pub extension: &'n [u8],
}

/// What was read of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    /// The file.
    pub identity: FileIdentity,
    /// Its length, bytes.
    pub size: u64,
}

impl Content {
    /// Which file a descriptor is of.
    ///
    /// # Errors
    /// If it is no regular file, or the kernel does not tell.
    pub fn of(file: impl AsFd) -> io::Result<Self> {
        let facts = fstat(file)?;
        if FileType::from_raw_mode(facts.st_mode) != FileType::RegularFile {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        let seconds_ns = facts.st_ctime.saturating_mul(1_000_000_000);
        let identity = FileIdentity {
            device: u64::from(rustix::fs::major(facts.st_dev)) << 20 | u64::from(rustix::fs::minor(facts.st_dev)),
            inode: facts.st_ino,
            generation: 0,
            changed_ns: seconds_ns.saturating_add(i64::try_from(facts.st_ctime_nsec).unwrap_or(0)),
        };
        Ok(Self { identity, size: u64::try_from(facts.st_size).unwrap_or(0) })
    }
}

/// Reads the beginning of a file into `bytes`: all of it, or `max` bytes. Memory shared with the file would
/// end the program when somebody shortens it.
///
/// # Errors
/// What the kernel says.
pub fn read(file: impl AsFd, max: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
    const STEP: usize = 1 << 20;
    bytes.clear();
    let max = usize::try_from(max).unwrap_or(usize::MAX);
    loop {
        let start = bytes.len();
        let step = STEP.min(max.saturating_sub(start));
        if step == 0 {
            return Ok(());
        }
        bytes.resize(start + step, 0);
        let offset = u64::try_from(start).unwrap_or(u64::MAX);
        let place = bytes.get_mut(start..).unwrap_or_default();
        let count = rustix::io::retry_on_intr(|| rustix::io::pread(&file, &mut *place, offset))?;
        bytes.truncate(start + count);
        if count == 0 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_to_its_end_or_to_the_limit() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        let text: Vec<u8> = (0..3_000_000_u32).map(|at| at.to_le_bytes()[0]).collect();
        std::fs::write(&path, &text).expect("written");
        let file = std::fs::File::open(&path).expect("a file");
        let mut bytes = vec![1; 10];
        read(&file, 1 << 30, &mut bytes).expect("read");
        assert_eq!(bytes, text);
        read(&file, 1_500_000, &mut bytes).expect("read");
        assert_eq!(bytes, text[..1_500_000]);
        let content = Content::of(&file).expect("a file");
        assert_eq!(content.size, 3_000_000);
        let facts = std::fs::metadata(&path).expect("facts");
        assert_eq!(content.identity.inode, std::os::unix::fs::MetadataExt::ino(&facts));
        assert!(Content::of(std::fs::File::open(folder.path()).expect("a folder")).is_err());
    }
}
