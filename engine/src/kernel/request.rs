//! What the engine may ask the helper to load.

/// What to load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartRequest {
    /// Bit N: kind N of `wire.h`.
    pub kinds: u32,
    /// Rings, 1 to 16.
    pub rings: u32,
    /// Bytes per ring: a power of two, at least a page.
    pub ring_bytes: u32,
    /// Depth of the scope's cgroup below the root.
    pub scope_level: u32,
    /// Id of the scope's cgroup; 0 is the whole host.
    pub scope_cgroup: u64,
}
