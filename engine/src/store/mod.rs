//! Files: reading them within bounds.

use std::{fs::File, io, io::Read, path::Path};

/// Reads a whole file of at most `max` bytes.
///
/// # Errors
/// As the system gives them; a larger file is [`io::ErrorKind::FileTooLarge`].
pub fn read_capped(path: &Path, max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > max { Err(io::Error::from(io::ErrorKind::FileTooLarge)) } else { Ok(bytes) }
}
