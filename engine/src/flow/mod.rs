//! What belongs to a connection rather than to an event: ids, later tables, streams and statistics.
//!
//! Knows addresses and ports; no protocol, no process, no clock.

pub mod community_id;
