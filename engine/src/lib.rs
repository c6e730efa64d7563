//! Beewolf: a security detection engine for Linux.
//!
//! `ARCHITECTURE.md` has the map; the module table there is held against the `use` lines by a test.

pub mod alert;
pub mod cli;
pub mod confine;
pub mod detect;
pub mod event;
pub mod rule;
pub mod whitelist;
