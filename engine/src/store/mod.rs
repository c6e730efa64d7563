//! Files of ours: recordings, and reading any file with a limit.

mod capped;
pub mod recording;

pub use capped::{CappedError, read_capped, read_text};
