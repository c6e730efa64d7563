//! Folders of rules: the whole tree as it is, and choices from it.

use std::path::{Path, PathBuf};

/// The text of every rule file below a folder, in the order of their names.
#[expect(clippy::disallowed_methods, reason = "the files of whoever measures")]
pub(super) fn texts(folder: &Path) -> Vec<String> {
    files(folder).iter().map(|path| std::fs::read_to_string(path).expect("a readable file")).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yml") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Writes rules as the files of a new folder.
pub(super) fn write(folder: &Path, texts: &[String]) -> PathBuf {
    std::fs::create_dir_all(folder).expect("a folder");
    for (number, text) in texts.iter().enumerate() {
        std::fs::write(folder.join(format!("{number:05}.yml")), text).expect("a file");
    }
    folder.to_owned()
}

/// Whether a rule's log source has a line.
pub(super) fn has(text: &str, line: &str) -> bool {
    text.lines().any(|other| other.trim() == line)
}

/// Rules in an order that has nothing to do with their names, the same each time.
pub(super) fn shuffled(mut texts: Vec<String>, random: &mut crate::corpus::Random) -> Vec<String> {
    for place in (1..texts.len()).rev() {
        texts.swap(place, random.below(place + 1));
    }
    texts
}

/// The strings that rules look for, wildcards and all, as they stand in the files.
pub(super) fn strings(texts: &[String]) -> Vec<String> {
    let mut strings = Vec::new();
    for text in texts {
        let detection = text.lines().skip_while(|line| line.trim() != "detection:").skip(1);
        for line in detection.take_while(|line| line.is_empty() || line.starts_with(' ')) {
            let line = line.trim().trim_start_matches("- ");
            let value = line.split_once(": ").map_or(line, |(_, value)| value);
            let value = value.trim_matches(|c| c == '\'' || c == '"');
            if !value.is_empty() && !value.ends_with(':') && !value.contains(" of ") && value != "selection" {
                strings.push(value.to_owned());
            }
        }
    }
    strings.sort();
    strings.dedup();
    strings
}
