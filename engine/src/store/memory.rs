//! How much memory this process holds.

use std::path::Path;

use super::read_capped;

/// Resident memory of this process, shared pages included; 0 if `/proc` does not say.
#[must_use]
pub fn resident_bytes() -> u64 {
    let text = read_capped(Path::new("/proc/self/statm"), 256).unwrap_or_default();
    let pages = String::from_utf8_lossy(&text).split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0).saturating_mul(rustix::param::page_size() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_touched_is_resident() {
        let before = resident_bytes();
        assert!(before > 100_000, "{before}");
        let block = std::hint::black_box(vec![1u8; 64 << 20]);
        let after = resident_bytes();
        assert!(after > before + (32 << 20), "{before} {after} {}", block.len());
    }
}
