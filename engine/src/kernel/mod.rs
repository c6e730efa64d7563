//! The kernel's side of sensing: what this host allows, which programs run, and the privileged
//! helper process that loads them.
//!
//! The helper keeps the capabilities and understands a closed set of fixed-size requests; the
//! engine gets ring buffers and counters as descriptors. Decoding records is `sensor`'s.

pub mod attach;
mod file_line;
mod files;
pub mod helper;
mod load;
pub mod probe;
mod request;

pub use file_line::Opener;
pub use helper::{Client, Role, Started, split};
pub use request::{Facts, ProgramFacts, StartRequest};
