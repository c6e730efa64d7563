//! Files of ours: recordings, the spools of sinks, rules to fall back on; reading any file with a limit, and what the
//! kernel says of our memory.

mod capped;
mod compressed;
mod generations;
mod lines;
mod memory;
pub mod recording;
pub mod spool;

pub use capped::{CappedError, read_capped, read_text};
pub use compressed::Input;
pub use generations::{Generations, Kept, Text};
pub use lines::{End, LineError, Lines};
pub use memory::resident_bytes;
