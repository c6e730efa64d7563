//! Beewolf: a security detection engine for Linux.
//!
//! `ARCHITECTURE.md` has the map; the module table there is held against the `use` lines by a test.

pub mod alert;
pub mod api;
pub mod background;
pub mod cli;
pub mod config;
pub mod confine;
pub mod detect;
pub mod enrich;
pub mod event;
pub mod flow;
pub mod indicator;
#[cfg(feature = "bpf")]
pub mod kernel;
pub mod pipeline;
pub mod rule;
pub mod scan;
pub mod schema;
pub mod sensor;
pub mod setting;
pub mod sink;
pub mod store;
pub mod whitelist;
