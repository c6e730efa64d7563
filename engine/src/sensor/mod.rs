//! Turns the outside world into events.
//!
//! [`live`] reads the kernel's ring buffers; it alone knows the wire layout.

#[cfg(feature = "bpf")]
pub mod live;
