//! Rule files on disk: found in folders, read with a limit.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::diagnostic::{Diagnostic, Diagnostics, Place, Source};

/// Bytes of one rule file.
pub const MAX_FILE_BYTES: u64 = 4 << 20;
/// Folders inside each other.
const MAX_DEPTH: usize = 16;
/// Files found below the given paths.
const MAX_FILES: usize = 100_000;

/// Reads a text of at most [`MAX_FILE_BYTES`].
///
/// # Errors
/// What the system says, or `InvalidData` for a file that is too large or not UTF-8.
pub fn read_capped(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("larger than {} MiB", MAX_FILE_BYTES >> 20)));
    }
    Ok(text)
}

/// Reads a file; one that cannot be read is reported.
pub(crate) fn load(path: &Path, diagnostics: &mut Diagnostics) -> Option<Arc<Source>> {
    match read_capped(path) {
        Ok(text) => Some(Source::new(path.display().to_string(), text)),
        Err(error) => {
            diagnostics.push(unreadable(path, &error));
            None
        }
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Diagnostic {
    let source = Source::new(path.display().to_string(), "");
    let hint = if error.kind() == io::ErrorKind::PermissionDenied {
        Some("make it readable for the user the engine runs as".to_owned())
    } else if error.kind() == io::ErrorKind::NotFound {
        Some("check the path, or give the paths of rules on the command line".to_owned())
    } else {
        None
    };
    Diagnostic::error("unreadable", Place::whole(&source), format!("cannot read `{}`: {error}", path.display()))
        .hint_if(hint)
}

/// The YAML files below some paths, each once, in order of their names. A path that is a file is
/// taken whatever its name.
pub(crate) fn find(paths: &[PathBuf], diagnostics: &mut Diagnostics) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in paths {
        walk(path, 0, &mut found, diagnostics);
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|path| seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())));
    found
}

fn walk(path: &Path, depth: usize, found: &mut Vec<PathBuf>, diagnostics: &mut Diagnostics) {
    if found.len() >= MAX_FILES {
        if found.len() == MAX_FILES {
            let error = io::Error::other(format!("more than {MAX_FILES} files"));
            diagnostics.push(unreadable(path, &error));
        }
        return;
    }
    let entries = match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => std::fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>),
        Ok(_) => {
            found.push(path.to_owned());
            return;
        }
        Err(error) => Err(error),
    };
    match entries {
        Ok(_) if depth >= MAX_DEPTH => {
            let error = io::Error::other(format!("more than {MAX_DEPTH} folders inside each other"));
            diagnostics.push(unreadable(path, &error));
        }
        Ok(mut entries) => {
            entries.sort_by_key(std::fs::DirEntry::file_name);
            for entry in entries {
                let path = entry.path();
                let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
                let is_yaml = path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml");
                if !hidden && (is_yaml || path.is_dir()) {
                    walk(&path, depth + 1, found, diagnostics);
                }
            }
        }
        Err(error) => diagnostics.push(unreadable(path, &error)),
    }
}
