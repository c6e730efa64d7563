//! The texts of rules that were in force, kept so that the sensor can fall back on them.
//!
//! One file for each generation, newest last used. Another one, `pinned`, names the generation that
//! is to be used whatever the rule files say. Files are written beside and renamed: whoever reads
//! sees a whole one.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde::{Deserialize, Serialize};

use super::read_capped;

/// Largest generation, in bytes.
const MAX_BYTES: u64 = 256 << 20;
/// What the files of generations end in.
const ENDING: &str = ".json";
/// The file that names the generation to be used.
const PIN: &str = "pinned";

/// A folder of generations.
#[derive(Clone, Debug)]
pub struct Generations {
    folder: PathBuf,
    most: usize,
}

/// A text of a generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// What it is for, as a word.
    pub role: String,
    /// Where it was read.
    pub path: String,
    /// All of it.
    pub text: String,
    /// What stood in the file of its signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// A generation that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its name.
    pub name: String,
    /// When it was last brought into force.
    pub used: SystemTime,
    /// Its size.
    pub bytes: u64,
}

impl Generations {
    /// A folder, which is made if it is not there; `most` generations are kept in it, at least one.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn open(folder: &Path, most: usize) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        Ok(Self { folder: folder.to_owned(), most: most.max(1) })
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file that names the pinned generation, if there is one.
    #[must_use]
    pub fn pin_file(&self) -> PathBuf {
        self.folder.join(PIN)
    }

    /// Keeps a generation, as the one last used. The oldest beyond the bound go, never the pinned one.
    ///
    /// # Errors
    /// If the system refuses; then no generation that was there has changed.
    pub fn keep(&self, name: &str, texts: &[Text]) -> io::Result<()> {
        let path = self.path(name)?;
        match File::open(&path) {
            Ok(file) => file.set_modified(SystemTime::now())?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let bytes = serde_json::to_vec(texts)?;
                if bytes.len() as u64 > MAX_BYTES {
                    return Err(io::Error::other(format!("{} bytes of rules are too many to keep", bytes.len())));
                }
                self.write(&path, &bytes)?;
            }
            Err(error) => return Err(error),
        }
        let pinned = self.pinned();
        for old in self.list()?.iter().skip(self.most).filter(|kept| Some(&kept.name) != pinned.as_ref()) {
            fs::remove_file(self.path(&old.name)?)?;
        }
        Ok(())
    }

    /// The generations that are there, last used first.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn list(&self) -> io::Result<Vec<Kept>> {
        let mut kept = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str().and_then(|name| name.strip_suffix(ENDING)).filter(|name| is_name(name))
            else {
                continue;
            };
            let facts = entry.metadata()?;
            kept.push(Kept { name: name.to_owned(), used: facts.modified()?, bytes: facts.len() });
        }
        kept.sort_by(|a, b| b.used.cmp(&a.used).then_with(|| a.name.cmp(&b.name)));
        Ok(kept)
    }

    /// The texts of a generation.
    ///
    /// # Errors
    /// If it is not there, too large or damaged.
    pub fn read(&self, name: &str) -> io::Result<Vec<Text>> {
        let bytes = read_capped(&self.path(name)?, MAX_BYTES).map_err(io::Error::other)?;
        Ok(serde_json::from_slice(&bytes)?)
    }

    /// The name of the pinned generation.
    #[must_use]
    pub fn pinned(&self) -> Option<String> {
        let bytes = read_capped(&self.pin_file(), 64).ok()?;
        let name = std::str::from_utf8(&bytes).ok()?.trim();
        is_name(name).then(|| name.to_owned())
    }

    /// Pins a generation that is there, or none.
    ///
    /// # Errors
    /// If it is not there, or the system refuses.
    pub fn pin(&self, name: Option<&str>) -> io::Result<()> {
        match name {
            Some(name) => {
                fs::metadata(self.path(name)?)?;
                self.write(&self.pin_file(), format!("{name}\n").as_bytes())
            }
            None => remove(&self.pin_file()),
        }
    }

    fn path(&self, name: &str) -> io::Result<PathBuf> {
        if is_name(name) {
            Ok(self.folder.join(format!("{name}{ENDING}")))
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidInput, format!("`{name}` is no name of a generation")))
        }
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let beside = self.folder.join(format!("new.{}", std::process::id()));
        // What an earlier process of this number left behind.
        remove(&beside)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&beside, path));
        if written.is_err() {
            // Nothing more can be done about it; the error that is told is the first.
            drop(fs::remove_file(&beside));
        }
        written
    }
}

/// Removes a file that may be there.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Names are made of a hash: nothing else gets into a path.
fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn text(text: &str) -> Vec<Text> {
        vec![Text { role: "rules".to_owned(), path: "a.yml".to_owned(), text: text.to_owned(), signature: None }]
    }

    /// Makes one older than it is.
    fn age(generations: &Generations, name: &str, seconds: u64) {
        let file = File::open(generations.path(name).expect("a name")).expect("the file");
        file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).expect("set");
    }

    fn names(generations: &Generations) -> Vec<String> {
        generations.list().expect("a list").into_iter().map(|kept| kept.name).collect()
    }

    #[test]
    fn the_last_used_ones_are_kept_and_the_pinned_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let generations = Generations::open(&folder.path().join("a/b"), 2).expect("a folder");
        for (name, seconds) in [("aa", 30), ("bb", 20), ("cc", 10)] {
            generations.keep(name, &text(name)).expect("kept");
            age(&generations, name, seconds);
        }
        assert_eq!(names(&generations), ["cc", "bb"]);
        generations.pin(Some("bb")).expect("pinned");
        assert_eq!(generations.pinned().as_deref(), Some("bb"));
        for name in ["dd", "ee"] {
            generations.keep(name, &text(name)).expect("kept");
        }
        assert_eq!(names(&generations).last().map(String::as_str), Some("bb"));
        assert_eq!(names(&generations).len(), 3);
        assert_eq!(generations.read("bb").expect("there"), text("bb"));
        generations.keep("bb", &text("bb")).expect("kept");
        assert_eq!(names(&generations)[0], "bb");
        generations.pin(None).expect("none");
        generations.pin(None).expect("none again");
        assert_eq!(generations.pinned(), None);
    }

    #[test]
    fn what_is_no_generation_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let generations = Generations::open(folder.path(), 2).expect("a folder");
        for name in ["../aa", "", "new.1", "aa/bb"] {
            assert_eq!(generations.keep(name, &[]).expect_err("refused").kind(), io::ErrorKind::InvalidInput, "{name}");
        }
        assert_eq!(generations.pin(Some("aa")).expect_err("not there").kind(), io::ErrorKind::NotFound);
        std::fs::write(folder.path().join("aa.json"), "[{\"role\":1}]").expect("written");
        generations.read("aa").expect_err("damaged");
        std::fs::write(generations.pin_file(), "../../etc/passwd\n").expect("written");
        assert_eq!(generations.pinned(), None);
        assert_eq!(names(&generations), ["aa"]);
    }
}
