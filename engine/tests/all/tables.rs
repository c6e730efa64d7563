//! Tables of documents whose rows each have a case: a folder with what is judged and what is expected of it.

use std::{collections::BTreeSet, fs, path::Path};

use crate::support::{read, workspace};

/// The names of the cases in a folder.
fn cases(folder: &str) -> BTreeSet<String> {
    let entries =
        fs::read_dir(workspace().join(folder)).expect("the cases").map(|entry| entry.expect("an entry").path());
    let folders = entries.filter(|path| path.is_dir());
    folders.map(|path| path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned()).collect()
}

/// Holds what is said of each case against its file `expected`; `UPDATE_GOLDEN=1` writes that anew.
#[track_caller]
pub(crate) fn every_case_is_as_recorded(folder: &str, judged: impl Fn(&Path) -> String) {
    let mut wrong = Vec::new();
    for case in cases(folder) {
        let place = workspace().join(folder).join(&case);
        let (found, golden) = (judged(&place), place.join("expected"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, &found).expect("written");
        } else if !golden.exists() || read(&golden) != found {
            wrong.push(format!("{case}:\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "not as expected:\n{}", wrong.join("\n"));
}

/// Holds the cases that a document links to against those that are there.
#[track_caller]
pub(crate) fn every_row_has_a_case(document: &str, folder: &str) {
    let document = read(&workspace().join(document));
    let link = format!("](../{folder}/");
    let named: BTreeSet<String> = document
        .split(&link)
        .skip(1)
        .filter_map(|rest| rest.split_once(')').map(|(name, _)| name.trim_end_matches('/').to_owned()))
        .collect();
    assert_eq!(named, cases(folder));
}
