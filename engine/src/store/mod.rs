//! Files of ours: recordings, reading any file with a limit, and what the kernel says of our memory.

mod capped;
mod memory;
pub mod recording;

pub use capped::{CappedError, read_capped, read_text};
pub use memory::resident_bytes;
