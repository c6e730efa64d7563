//! Reads what programs are made of and what they wrote, off the hot path: YARA rules on executed
//! files, memory images, files of watched folders and streams.
//!
//! A [`Worker`] is a thread with a bounded queue. It is handed events, opens the files they name
//! through whoever may open them, and sends a `yara_match` event for each rule that matches; rules
//! of ours decide what that means. What it has scanned it knows again by the file's identity
//! ([`cache`]). It decides nothing, and what it could not scan is counted with the reason.

mod cache;
mod counters;
mod examine;
mod file;
mod watch;
mod worker;
#[cfg_attr(not(feature = "yara"), path = "absent.rs")]
mod yara;

use std::time::Duration;

pub use counters::{Counters, Missed};
pub use examine::{Examiner, Found, Subject, Unread};
pub use file::{Content, Hit, Named, read};
pub use worker::{Files, Setup, Watch, Worker};
pub use yara::{Rules, Scanner, Stream};

/// Whether this program can scan with YARA rules.
pub const BUILT_IN: bool = cfg!(feature = "yara");

/// Bounds of scanning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a file that are scanned; what comes after is not.
    pub max_bytes: u64,
    /// Time for one file; whole seconds.
    pub timeout: Duration,
    /// Files that wait to be scanned.
    pub queue: usize,
    /// Files that are known again.
    pub cache_entries: usize,
    /// Matches of one file that are told.
    pub matches: usize,
}

/// Why the rules say nothing of some bytes.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// It took too long. The author of the rules finds out which is slow, or the operator raises the limit.
    #[error("the rules took too long")]
    Timeout,
    /// The scanner has failed: a fault of ours or of its own.
    #[error("the scanner failed: {0}")]
    Broken(String),
}
