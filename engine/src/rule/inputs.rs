//! The texts that a set of rules is made of, read once: what is judged by, what is kept to fall back
//! on and what is told of them are the same.

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash, Hasher},
    os::unix::fs::MetadataExt,
    path::PathBuf,
    sync::Arc,
};

use sha2::{Digest, Sha256};

use super::{
    diagnostic::{Diagnostics, Source},
    file::{self, Sort},
    sigma::{Fieldmap, Placeholders},
    signature::{self, Trust},
};
use crate::event::value::{Words, words};

words! {
    /// What a text is for.
    Role {
        /// The map of Sigma's names to ours.
        Fieldmap = "fieldmap",
        /// What stands for placeholders in Sigma rules.
        Placeholders = "placeholders",
        /// Rules of any language, and definitions and overrides of them.
        Rules = "rules",
        /// Entries that suppress alerts of all rules.
        Whitelist = "whitelist",
        /// YARA rules.
        Yara = "yara",
    }
}

/// Where texts are, in files or in folders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places(Vec<(Role, PathBuf)>);

impl Places {
    /// Adds paths.
    #[must_use]
    pub fn with(mut self, role: Role, paths: impl IntoIterator<Item = PathBuf>) -> Self {
        self.0.extend(paths.into_iter().map(|path| (role, path)));
        self
    }

    /// All paths.
    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.0.iter().map(|(_, path)| path)
    }
}

/// A text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// What it is for.
    pub role: Role,
    /// The text and where it was read.
    pub source: Arc<Source>,
    /// What stands in the file of its signature, if there is one.
    pub signature: Option<String>,
}

/// Every text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs(Vec<Input>);

impl Inputs {
    /// Reads all files below some places, in the order of their names. One that cannot be read is reported.
    #[must_use]
    pub fn read(places: &Places, diagnostics: &mut Diagnostics) -> Self {
        let mut texts = Vec::new();
        for role in [Role::Fieldmap, Role::Placeholders, Role::Rules, Role::Whitelist, Role::Yara] {
            let sort = if role == Role::Yara { Sort::Yara } else { Sort::Yaml };
            let paths: Vec<PathBuf> =
                places.0.iter().filter(|(of, _)| *of == role).map(|(_, path)| path.clone()).collect();
            for path in file::find_sort(&paths, sort, diagnostics) {
                if let Some(source) = file::load_sort(&path, sort, diagnostics) {
                    texts.push(Input { role, source, signature: signature::beside(&path, diagnostics) });
                }
            }
        }
        Self(texts)
    }

    /// Adds a text.
    pub fn push(&mut self, input: Input) {
        self.0.push(input);
    }

    /// Every text, in order.
    #[must_use]
    pub fn texts(&self) -> &[Input] {
        &self.0
    }

    /// Reports every text that those who are trusted have not signed.
    pub fn verify(&self, trust: &Trust, diagnostics: &mut Diagnostics) {
        for input in &self.0 {
            trust.check(&input.source, input.signature.as_deref(), diagnostics);
        }
    }

    /// The texts of one role.
    #[must_use]
    pub fn of(&self, role: Role) -> Vec<Arc<Source>> {
        self.0.iter().filter(|input| input.role == role).map(|input| Arc::clone(&input.source)).collect()
    }

    /// The field map they say, or the one that comes with the program.
    #[must_use]
    pub fn fieldmap(&self, diagnostics: &mut Diagnostics) -> Arc<Fieldmap> {
        match self.of(Role::Fieldmap).first() {
            Some(source) => Arc::new(Fieldmap::read(source, diagnostics)),
            None => Fieldmap::builtin(),
        }
    }

    /// What stands for placeholders.
    #[must_use]
    pub fn placeholders(&self, diagnostics: &mut Diagnostics) -> Placeholders {
        Placeholders::read(&self.of(Role::Placeholders), diagnostics)
    }

    /// What tells these texts from others, on every host: twelve hexadecimal digits of a hash over
    /// them. Where the files lie is no part of it.
    #[must_use]
    pub fn generation(&self) -> String {
        let mut hash = Sha256::new();
        for Input { role, source, .. } in &self.0 {
            hash.update(role.word());
            hash.update(source.text.len().to_le_bytes());
            hash.update(&source.text);
        }
        let digest = hash.finalize();
        digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A number that changes when a file below some paths does, as far as its metadata tell: its length,
/// times and identity. It means nothing outside this process.
#[must_use]
pub fn fingerprint(paths: &[PathBuf]) -> u64 {
    let mut hasher = DefaultHasher::new();
    let files =
        [Sort::Yaml, Sort::Yara].into_iter().flat_map(|sort| file::find_sort(paths, sort, &mut Diagnostics::default()));
    for path in files.flat_map(|path| [signature::path_of(&path), path]) {
        let facts = std::fs::metadata(&path);
        path.hash(&mut hasher);
        facts
            .map(|it| (it.dev(), it.ino(), it.size(), it.mtime(), it.mtime_nsec(), it.ctime(), it.ctime_nsec()))
            .ok()
            .hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_is_of_the_texts_and_not_of_their_places() {
        let read = |folder: &std::path::Path| {
            let places = Places::default()
                .with(Role::Rules, [folder.join("rules")])
                .with(Role::Whitelist, [folder.join("whitelist.yml")]);
            let mut diagnostics = Diagnostics::default();
            let inputs = Inputs::read(&places, &mut diagnostics);
            assert!(!diagnostics.has_errors(), "{diagnostics}");
            inputs
        };
        let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
        for folder in &folders {
            std::fs::create_dir(folder.path().join("rules")).expect("a folder");
            std::fs::write(folder.path().join("rules/a.yml"), "id: a\n").expect("written");
            std::fs::write(folder.path().join("whitelist.yml"), "[]\n").expect("written");
        }
        let [first, second] = folders.each_ref().map(|folder| read(folder.path()));
        assert_eq!(first.of(Role::Rules)[0].text, "id: a\n");
        assert_eq!(first.of(Role::Fieldmap), []);
        assert_eq!(first.generation(), second.generation());
        assert_eq!(first.generation().len(), 12);
        std::fs::write(folders[1].path().join("rules/a.yml"), "id: b\n").expect("written");
        assert_ne!(first.generation(), read(folders[1].path()).generation());
    }

    #[test]
    fn a_fingerprint_changes_with_every_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("a.yml"), "a").expect("written");
        let paths = [folder.path().to_owned(), path("not-there")];
        let mut seen = vec![fingerprint(&paths)];
        assert_eq!(seen[0], fingerprint(&paths));
        std::fs::write(path("b.yml"), "a").expect("written");
        seen.push(fingerprint(&paths));
        // As editors do it: another file takes the name, with the same length.
        std::fs::write(path("a.new"), "b").expect("written");
        std::fs::rename(path("a.new"), path("a.yml")).expect("renamed");
        seen.push(fingerprint(&paths));
        std::fs::remove_file(path("b.yml")).expect("removed");
        seen.push(fingerprint(&paths));
        std::fs::write(path("a.yml.minisig"), "signed").expect("written");
        seen.push(fingerprint(&paths));
        let different: std::collections::HashSet<_> = seen.iter().collect();
        assert_eq!(different.len(), seen.len());
    }
}
