//! Rule files on disk: found in folders, read with a limit.

use std::{
    fmt::Display,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::diagnostic::{Diagnostic, Diagnostics, Place, Source};
use crate::store::{self, CappedError};

/// What a file is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Yaml,
    Yara,
}

impl Sort {
    /// What the names of its files end in.
    fn extensions(self) -> [&'static str; 2] {
        match self {
            Self::Yaml => ["yml", "yaml"],
            Self::Yara => ["yar", "yara"],
        }
    }

    /// The other sort: a file of it is never taken for one of this.
    fn other(self) -> Self {
        match self {
            Self::Yaml => Self::Yara,
            Self::Yara => Self::Yaml,
        }
    }

    fn fits(self, path: &Path) -> bool {
        path.extension().is_some_and(|extension| self.extensions().iter().any(|one| extension == *one))
    }

    /// Bytes of one file. YARA rules are handed round in one file of many.
    fn max_bytes(self) -> u64 {
        match self {
            Self::Yaml => 4 << 20,
            Self::Yara => 64 << 20,
        }
    }
}

/// Folders inside each other.
const MAX_DEPTH: usize = 16;
/// Files found below the given paths.
const MAX_FILES: usize = 100_000;

/// Reads a YAML file; one that cannot be read is reported.
pub(crate) fn load(path: &Path, diagnostics: &mut Diagnostics) -> Option<Arc<Source>> {
    load_sort(path, Sort::Yaml, diagnostics)
}

/// Reads a file of some sort; one that cannot be read is reported.
pub(crate) fn load_sort(path: &Path, sort: Sort, diagnostics: &mut Diagnostics) -> Option<Arc<Source>> {
    let error = match store::read_text(path, sort.max_bytes()) {
        Ok(text) => return Some(Source::new(path.display().to_string(), text)),
        Err(error) => error,
    };
    diagnostics.push(match &error {
        CappedError::Io { error, .. } => unreadable(path, error, hint(error)),
        CappedError::NotAFile(_) => unreadable(path, &"not a regular file", None),
        CappedError::NotText { line, .. } => unreadable(path, &format!("line {line} is not UTF-8"), None),
        CappedError::TooLarge { max, .. } => unreadable(path, &format!("larger than {max} bytes"), None),
    });
    None
}

fn unreadable(path: &Path, reason: &dyn Display, hint: Option<&str>) -> Diagnostic {
    let source = Source::new(path.display().to_string(), "");
    let message = format!("cannot read `{}`: {reason}", path.display());
    Diagnostic::error("unreadable", Place::whole(&source), message).hint_if(hint.map(str::to_owned))
}

fn hint(error: &io::Error) -> Option<&'static str> {
    if error.kind() == io::ErrorKind::PermissionDenied {
        Some("make it readable for the user the engine runs as")
    } else if error.kind() == io::ErrorKind::NotFound {
        Some("check the path, or give the paths of rules on the command line")
    } else {
        None
    }
}

/// The YAML files below some paths, each once, in order of their names. A path that is a file is
/// taken whatever its name, unless it is that of YARA rules.
pub(crate) fn find(paths: &[PathBuf], diagnostics: &mut Diagnostics) -> Vec<PathBuf> {
    find_sort(paths, Sort::Yaml, diagnostics)
}

/// The same for files of some sort.
pub(crate) fn find_sort(paths: &[PathBuf], sort: Sort, diagnostics: &mut Diagnostics) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in paths {
        walk(path, sort, 0, &mut found, diagnostics);
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|path| seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())));
    found
}

fn walk(path: &Path, sort: Sort, depth: usize, found: &mut Vec<PathBuf>, diagnostics: &mut Diagnostics) {
    if found.len() >= MAX_FILES {
        if found.len() == MAX_FILES {
            diagnostics.push(unreadable(path, &format!("more than {MAX_FILES} files"), None));
        }
        return;
    }
    let entries = match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => std::fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>),
        Ok(_) if depth == 0 && sort.other().fits(path) => return,
        Ok(_) => {
            found.push(path.to_owned());
            return;
        }
        Err(error) => Err(error),
    };
    match entries {
        Ok(_) if depth >= MAX_DEPTH => {
            diagnostics.push(unreadable(path, &format!("more than {MAX_DEPTH} folders inside each other"), None));
        }
        Ok(mut entries) => {
            entries.sort_by_key(std::fs::DirEntry::file_name);
            for entry in entries {
                let path = entry.path();
                let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
                if !hidden && (sort.fits(&path) || path.is_dir()) {
                    walk(&path, sort, depth + 1, found, diagnostics);
                }
            }
        }
        Err(error) => diagnostics.push(unreadable(path, &error, hint(&error))),
    }
}

#[cfg(test)]
mod tests {
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn a_pipe_among_the_rules_is_reported_and_not_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("rule.yml");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
        let mut diagnostics = Diagnostics::default();
        let found = find(&[folder.path().to_owned()], &mut diagnostics);
        assert_eq!(found, std::slice::from_ref(&pipe));
        assert!(load(&pipe, &mut diagnostics).is_none());
        assert!(diagnostics.to_string().contains("rule.yml`: not a regular file"), "{diagnostics}");
    }
}
