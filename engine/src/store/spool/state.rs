//! How far the spool is: the last record acknowledged and the last one written.
//!
//! Two slots in one small file, written in turn: a write that a power loss tears leaves the other.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

/// Bytes of a slot: turn, acknowledged, written (eight each), checksum (four), four unused.
const SLOT: usize = 32;

/// Numbers of records; 0 is before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    /// All up to here are delivered or counted as lost.
    pub(super) acknowledged: u64,
    /// At least so many were written.
    pub(super) written: u64,
}

#[derive(Debug)]
pub(super) struct State {
    file: File,
    turn: u64,
}

impl State {
    /// Opens or makes the file; damaged slots count as not there.
    pub(super) fn open(path: &Path) -> io::Result<(Self, Position)> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC)
            .open(path)?;
        let mut bytes = [0; 2 * SLOT];
        let mut length = 0;
        while let Some(rest) = bytes.get_mut(length..).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, length as u64)? {
                0 => break,
                read => length += read,
            }
        }
        let (first, second) = bytes.split_at(SLOT);
        let newest = [first, second].into_iter().filter_map(slot).max_by_key(|(turn, _)| *turn);
        let (turn, position) = newest.unwrap_or_default();
        let mut state = Self { file, turn };
        // Both slots get their blocks now: a disk that is full later does not keep us from acknowledging.
        state.save(position)?;
        state.save(position)?;
        Ok((state, position))
    }

    pub(super) fn save(&mut self, position: Position) -> io::Result<()> {
        self.turn += 1;
        let mut bytes = Vec::with_capacity(SLOT);
        for number in [self.turn, position.acknowledged, position.written] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        let sum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        bytes.resize(SLOT, 0);
        self.file.write_all_at(&bytes, (self.turn % 2) * SLOT as u64)
    }
}

fn slot(bytes: &[u8]) -> Option<(u64, Position)> {
    let (content, rest) = bytes.split_at_checked(24)?;
    let sum = u32::from_le_bytes(*rest.first_chunk()?);
    if crc32fast::hash(content) != sum {
        return None;
    }
    let number = |at: usize| Some(u64::from_le_bytes(*content.get(at..)?.first_chunk()?));
    Some((number(0)?, Position { acknowledged: number(8)?, written: number(16)? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_whole_slot_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state");
        let (mut state, position) = State::open(&path).expect("made");
        assert_eq!(position, Position::default());
        for acknowledged in 1..=5 {
            state.save(Position { acknowledged, written: 9 }).expect("saved");
        }
        let reread = || State::open(&path).expect("opened").1.acknowledged;
        assert_eq!(reread(), 5);
        // Whichever slot is damaged, the other one is left.
        for place in [3, 35] {
            let (mut state, _) = State::open(&path).expect("opened");
            state.save(Position { acknowledged: 6, written: 9 }).expect("saved");
            state.save(Position { acknowledged: 7, written: 9 }).expect("saved");
            state.file.write_all_at(b"x", place).expect("damaged");
            assert!([6, 7].contains(&reread()));
        }
        std::fs::write(&path, b"").expect("emptied");
        assert_eq!(reread(), 0);
    }
}
