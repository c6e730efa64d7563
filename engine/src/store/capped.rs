//! Reading files that others wrote, with a limit on their size.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CappedError {
    /// The system refused. The operator mends path or permissions.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is no regular file: a folder, a device, a pipe.
    #[error("{}: not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// It is larger than such a file has reason to be.
    #[error("{}: larger than {max} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit.
        max: u64,
    },
    /// It should be text and is not.
    #[error("{}: line {line} is not UTF-8", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// Where the first bad byte is.
        line: usize,
    },
}

/// All bytes of a regular file of at most `max` bytes.
///
/// # Errors
/// [`CappedError`] names the file and the reason.
pub fn read_capped(path: &Path, max: u64) -> Result<Vec<u8>, CappedError> {
    let (file, length) = open(path)?;
    // The file may grow meanwhile: the length is a hint, the limit holds.
    let hint = usize::try_from(length.min(max)).unwrap_or_default();
    let mut bytes = Vec::with_capacity(hint.min(1 << 20));
    let io = |error| CappedError::Io { path: path.to_owned(), error };
    let read = file.take(max.saturating_add(1)).read_to_end(&mut bytes).map_err(io)?;
    if read as u64 > max {
        return Err(CappedError::TooLarge { path: path.to_owned(), max });
    }
    Ok(bytes)
}

/// The text of a regular file of at most `max` bytes.
///
/// # Errors
/// [`CappedError`] names the file and the reason.
pub fn read_text(path: &Path, max: u64) -> Result<String, CappedError> {
    String::from_utf8(read_capped(path, max)?).map_err(|error| {
        let good = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
        CappedError::NotText { path: path.to_owned(), line }
    })
}

/// Opens a regular file; never waits for the other end of a pipe.
pub(super) fn open(path: &Path) -> Result<(File, u64), CappedError> {
    let io = |error| CappedError::Io { path: path.to_owned(), error };
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC).open(path).map_err(io)?;
    let facts = file.metadata().map_err(io)?;
    if !facts.is_file() {
        return Err(CappedError::NotAFile(path.to_owned()));
    }
    Ok((file, facts.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_up_to_the_limit_and_nothing_else_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        std::fs::write(&path, b"a\nb\xff").expect("written");
        assert_eq!(read_capped(&path, 4).expect("read"), b"a\nb\xff");
        assert!(matches!(read_capped(&path, 3), Err(CappedError::TooLarge { max: 3, .. })));
        assert!(matches!(read_text(&path, 9), Err(CappedError::NotText { line: 2, .. })));
        assert!(matches!(read_capped(folder.path(), 3), Err(CappedError::NotAFile(_))));
        assert!(matches!(read_capped(Path::new("/dev/zero"), 3), Err(CappedError::NotAFile(_))));
        let message = read_capped(&folder.path().join("none"), 3).expect_err("missing").to_string();
        assert!(message.ends_with("none: No such file or directory (os error 2)"), "{message}");
    }
}
