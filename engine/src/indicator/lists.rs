//! All lists, by name.

use std::{collections::BTreeMap, os::unix::fs::MetadataExt, path::Path, sync::Arc};

use super::{Limits, List, Problem, Report, Spec};
use crate::{event::value::Time, store};

/// Why a list is not there. The operator mends file or configuration.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("indicator list `{name}`: {error}")]
    File {
        /// The list.
        name: String,
        /// Why.
        error: store::CappedError,
    },
    /// The file is not what the configuration says, or too large.
    #[error("indicator list `{name}`: {path}:{}: {}", problem.line, problem.what)]
    Unusable {
        /// The list.
        name: String,
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: Problem,
    },
}

/// What was found in the file of one list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListReport {
    /// The list.
    pub name: String,
    /// The file.
    pub path: String,
    /// What became of its entries.
    pub report: Report,
}

/// What tells that a file is still the same.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    spec: Spec,
    device: u64,
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
}

impl Stamp {
    fn of(spec: &Spec) -> Option<Self> {
        let facts = std::fs::metadata(&spec.path).ok()?;
        Some(Self {
            spec: spec.clone(),
            device: facts.dev(),
            inode: facts.ino(),
            bytes: facts.size(),
            changed: (facts.ctime(), facts.ctime_nsec()),
        })
    }
}

/// Lists ready to be asked. Conditions keep the lists they were compiled with: to exchange one, load
/// the lists again and compile the conditions with them.
#[derive(Clone, Debug, Default)]
pub struct Lists(BTreeMap<String, (Arc<List>, Option<Stamp>)>);

impl Lists {
    /// Reads all lists. One whose file is as it was in `before` is taken from there and not reported.
    ///
    /// # Errors
    /// Every list that cannot be used.
    pub fn load(
        specs: &[Spec],
        limits: Limits,
        now: Option<Time>,
        before: &Self,
    ) -> Result<(Self, Vec<ListReport>), Vec<LoadError>> {
        let mut lists = Self::default();
        let (mut reports, mut errors) = (Vec::new(), Vec::new());
        for spec in specs {
            // Taken before reading: a change meanwhile shows the next time.
            let stamp = Stamp::of(spec);
            if let Some(kept) = before.0.get(&spec.name).filter(|(_, old)| stamp.is_some() && *old == stamp) {
                lists.0.insert(spec.name.clone(), kept.clone());
                continue;
            }
            match Self::read(spec, limits, now) {
                Ok((list, report)) => {
                    lists.0.insert(spec.name.clone(), (Arc::new(list), stamp));
                    reports.push(ListReport { name: spec.name.clone(), path: shown(&spec.path), report });
                }
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok((lists, reports)) } else { Err(errors) }
    }

    fn read(spec: &Spec, limits: Limits, now: Option<Time>) -> Result<(List, Report), LoadError> {
        let bytes = store::read_capped(&spec.path, limits.file_bytes)
            .map_err(|error| LoadError::File { name: spec.name.clone(), error })?;
        List::read(spec, &bytes, limits.entries, now).map_err(|problem| LoadError::Unusable {
            name: spec.name.clone(),
            path: shown(&spec.path),
            problem,
        })
    }

    /// Lists that are there already, for tests and tools.
    #[must_use]
    pub fn of(lists: impl IntoIterator<Item = List>) -> Self {
        Self(lists.into_iter().map(|list| (list.name().to_owned(), (Arc::new(list), None))).collect())
    }

    /// The list of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<List>> {
        self.0.get(name).map(|(list, _)| list)
    }

    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
