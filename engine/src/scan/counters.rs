//! What the scanner has done, and what it could not do.

/// Numbers since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Files that were scanned.
    pub scanned: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Files that were known from before.
    pub known: u64,
    /// Matches that were told.
    pub matches: u64,
    /// Files that were longer than what is scanned of one.
    pub partial: u64,
    /// Files that wait.
    pub waiting: u64,
    /// Folders that are watched.
    pub folders: u64,
    /// Files that were not scanned.
    pub missed: Missed,
}

/// Files that were not scanned, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Missed {
    /// The process had ended and its file could not be found again.
    pub gone: u64,
    /// The queue was full.
    pub queue: u64,
    /// Nobody may read it here, or reading failed.
    pub unreadable: u64,
    /// It took too long.
    pub timeout: u64,
    /// The scanner failed.
    pub broken: u64,
    /// More rules matched than are told of one file: matches that were left out.
    pub matches: u64,
    /// Nobody in scope was seen to write it.
    pub unknown_writer: u64,
    /// Folders beyond the bound.
    pub folders: u64,
    /// What the kernel could not tell of watched folders because nobody read it in time.
    pub notices: u64,
}

impl Missed {
    /// How many reasons there are.
    pub const REASONS: usize = 9;

    /// Each with a name.
    #[must_use]
    pub fn named(&self) -> [(&'static str, u64); Self::REASONS] {
        [
            ("gone", self.gone),
            ("queue", self.queue),
            ("unreadable", self.unreadable),
            ("timeout", self.timeout),
            ("broken", self.broken),
            ("matches", self.matches),
            ("unknown_writer", self.unknown_writer),
            ("folders", self.folders),
            ("notices", self.notices),
        ]
    }
}
