//! Files of ours: recordings, the sinks' spools, and reading any file with a limit.

mod capped;
pub mod recording;
pub mod spool;

pub use capped::{CappedError, read_capped, read_text};
