//! Names of the host's users, from `/etc/passwd` alone.
//!
//! No name service is asked: its answer can take seconds and its modules run code of their own. The
//! file is looked at again at most once a second of event time, and read only when it has changed.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::PathBuf,
};

use crate::event::value::Bytes;

/// The most bytes read of a user database.
const MAX_FILE_BYTES: u64 = 4 << 20;
/// The most users kept.
const MAX_USERS: usize = 65_536;
/// How long a look at the file counts.
const CHECK_NS: u64 = 1_000_000_000;

/// What tells one version of a file from the next.
#[derive(PartialEq, Eq)]
struct Version {
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
}

/// Names by user id.
pub struct Users {
    path: Option<PathBuf>,
    names: HashMap<u32, Bytes, ahash::RandomState>,
    version: Option<Version>,
    checked_ns: u64,
    failed_reads: u64,
}

impl Users {
    /// From a file in the form of passwd(5), read now and again when it changes. A file that cannot
    /// be read leaves the names as they were.
    #[must_use]
    pub fn from_file(path: impl Into<PathBuf>) -> Self {
        let mut users = Self { path: Some(path.into()), ..Self::fixed([]) };
        users.look();
        users
    }

    /// From a list that never changes.
    #[must_use]
    pub fn fixed<'n>(names: impl IntoIterator<Item = (u32, &'n str)>) -> Self {
        let names = names.into_iter().map(|(id, name)| (id, Bytes::from(name.as_bytes()))).collect();
        Self { path: None, names, version: None, checked_ns: 0, failed_reads: 0 }
    }

    /// The name of a user. `now_ns` is event time on the boot clock.
    pub(super) fn name(&mut self, id: i64, now_ns: u64) -> Option<&Bytes> {
        if now_ns.saturating_sub(self.checked_ns) >= CHECK_NS {
            self.checked_ns = now_ns;
            self.look();
        }
        self.names.get(&u32::try_from(id).ok()?)
    }

    /// How often the file could not be read.
    pub(super) fn failed_reads(&self) -> u64 {
        self.failed_reads
    }

    fn look(&mut self) {
        if self.reload().is_err() {
            self.failed_reads += 1;
        }
    }

    fn reload(&mut self) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let found = std::fs::metadata(path)?;
        let version = Version { inode: found.ino(), bytes: found.size(), changed: (found.ctime(), found.ctime_nsec()) };
        if self.version.as_ref() == Some(&version) {
            return Ok(());
        }
        let mut text = Vec::new();
        File::open(path)?.take(MAX_FILE_BYTES).read_to_end(&mut text)?;
        self.names = parse(&text);
        // A change between the look and the read shows as another version next time.
        self.version = Some(version);
        Ok(())
    }
}

/// Of two lines with one id the first counts, as in the C library.
fn parse(text: &[u8]) -> HashMap<u32, Bytes, ahash::RandomState> {
    let mut names = HashMap::default();
    for line in text.split(|byte| *byte == b'\n') {
        if names.len() >= MAX_USERS {
            break;
        }
        let mut columns = line.split(|byte| *byte == b':');
        let (name, id) = (columns.next().unwrap_or_default(), columns.nth(1).unwrap_or_default());
        let id = std::str::from_utf8(id).ok().and_then(|id| id.parse::<u32>().ok());
        if let Some(id) = id
            && !name.is_empty()
        {
            names.entry(id).or_insert_with(|| Bytes::from(name));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn lines_that_are_no_users_are_skipped() {
        let names = parse(
            b"root:x:0:0:root:/root:/bin/sh\n\n# comment\n:x:5:\nbroken\na:x:-1:\nb:x:7:7\ntoor:x:0:0::\n\xff:x:9:",
        );
        let mut all: Vec<_> = names.iter().map(|(id, name)| (*id, &**name)).collect();
        all.sort_unstable();
        assert_eq!(all, [(0, &b"root"[..]), (7, b"b"), (9, b"\xff")]);
    }

    #[test]
    fn a_changed_file_is_read_again_but_not_within_the_same_second() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("passwd");
        std::fs::write(&path, "alice:x:1000:1000::/:/bin/sh\n").expect("written");
        let mut users = Users::from_file(&path);
        let name = |users: &mut Users, id, now| users.name(id, now).map(|name| name.to_vec());
        assert_eq!(name(&mut users, 1000, 5), Some(b"alice".to_vec()));
        let mut file = File::options().append(true).open(&path).expect("open");
        file.write_all(b"bob:x:1001:1001::/:/bin/sh\n").expect("written");
        assert_eq!(name(&mut users, 1001, CHECK_NS - 1), None);
        assert_eq!(name(&mut users, 1001, CHECK_NS), Some(b"bob".to_vec()));
        // A file that goes away for a moment takes no name with it.
        std::fs::remove_file(&path).expect("removed");
        assert_eq!(name(&mut users, 1000, 3 * CHECK_NS), Some(b"alice".to_vec()));
        assert_eq!(users.failed_reads(), 1);
        assert_eq!(name(&mut users, -1, 3 * CHECK_NS), None);
    }
}
