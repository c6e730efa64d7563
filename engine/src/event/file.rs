//! What events of several kinds say of files.

use super::value::Bytes;

/// Which file, as the kernel sees it: what stat(2) says differs on some file systems (overlayfs, btrfs).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileIdentity {
    /// Device number of the file system: major shifted left by 20, plus minor.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// Tells files apart that have had the same inode number; 0 where it is unknown.
    pub generation: u32,
    /// When the inode last changed, nanoseconds since the epoch: bytes, rights, names.
    pub changed_ns: i64,
}

/// The last component of a path, and what follows its last dot. A dot at the beginning hides a file and
/// begins no extension.
#[must_use]
pub fn name_and_extension(path: &[u8]) -> (Option<Bytes>, Option<Bytes>) {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let dot = name.iter().rposition(|byte| *byte == b'.').filter(|at| *at > 0);
    let extension = dot.and_then(|at| name.get(at.saturating_add(1)..));
    let known = |part: &[u8]| (!part.is_empty()).then(|| part.into());
    (known(name), extension.and_then(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_a_name_and_perhaps_an_extension() {
        let parts = |path: &str| {
            let (name, extension) = name_and_extension(path.as_bytes());
            let text = |part: Option<Bytes>| part.map(|part| String::from_utf8_lossy(&part).into_owned());
            (text(name), text(extension))
        };
        let both = |name: &str, extension: &str| (Some(name.to_owned()), Some(extension.to_owned()));
        assert_eq!(parts("/a.b/c.tar.gz"), both("c.tar.gz", "gz"));
        assert_eq!(parts("/a/.bashrc"), (Some(".bashrc".to_owned()), None));
        assert_eq!(parts("/a/b."), (Some("b.".to_owned()), None));
        assert_eq!(parts("/"), (None, None));
    }
}
