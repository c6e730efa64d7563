//! What Falco rules say of our events: the table of `docs/falco.md`, each row of which has a case.
//!
//! A case is a folder of `testdata/falco`: files of rules, events, and what is said of the rules and of which
//! events. `UPDATE_GOLDEN=1` writes what is expected anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use beewolf::detect::{RuleSet, State};
use beewolf::event::{json, value::Words};
use beewolf::rule::{Loader, sigma::Fieldmap};

use crate::support::{read, workspace};

const CASES: &str = "testdata/falco";

/// Findings about the rules of a case, what becomes of each, and what matches.
fn judged(case: &Path) -> String {
    let (loaded, problems) = Loader::new(Fieldmap::builtin()).load(&[case.to_owned()]);
    let mut text = String::new();
    for problem in problems.sorted() {
        let (file, line) =
            (Path::new(&problem.place.source.name).file_name().expect("a name"), problem.place.start().0);
        writeln!(text, "{} {} line {line}: {}", problem.code, file.display(), problem.message).expect("memory");
    }
    for rule in &loaded {
        let (severity, tags) = (rule.severity.word(), rule.tags.join(" "));
        write!(text, "{}: {}, {severity}", rule.id, rule.state.word()).expect("memory");
        let reason = rule.state.reason().map(|reason| format!(", {reason}")).unwrap_or_default();
        let tags = if tags.is_empty() { String::new() } else { format!(" [{tags}]") };
        writeln!(text, "{reason}{tags}").expect("memory");
    }
    let rules = RuleSet::new(loaded);
    let mut state = State::default();
    for (number, line) in read(&case.join("events.jsonl")).lines().enumerate() {
        let (event, errors) = json::read(line.as_bytes()).expect("an event");
        assert_eq!(errors, [], "{} line {}", case.display(), number + 1);
        rules.evaluate(&Arc::new(event), &mut state, &mut |alert| {
            let message = String::from_utf8_lossy(&alert.message);
            writeln!(text, "{} {}: {message}", number + 1, alert.rule.id).expect("memory");
        });
    }
    text
}

fn cases() -> BTreeSet<String> {
    let entries =
        fs::read_dir(workspace().join(CASES)).expect("the cases").map(|entry| entry.expect("an entry").path());
    let folders = entries.filter(|path| path.is_dir());
    folders.map(|path| path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned()).collect()
}

#[test]
fn every_case_has_the_verdicts_that_were_recorded() {
    let mut wrong = Vec::new();
    for case in cases() {
        let folder = workspace().join(CASES).join(&case);
        let (found, golden) = (judged(&folder), folder.join("expected"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, &found).expect("written");
        } else if !golden.exists() || read(&golden) != found {
            wrong.push(format!("{case}:\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "not as expected:\n{}", wrong.join("\n"));
}

#[test]
fn every_row_of_the_table_has_a_case_and_every_case_a_row() {
    let document = read(&workspace().join("docs/falco.md"));
    let link = format!("](../{CASES}/");
    let named: BTreeSet<String> = document
        .split(&link)
        .skip(1)
        .filter_map(|rest| rest.split_once(')').map(|(name, _)| name.trim_end_matches('/').to_owned()))
        .collect();
    assert_eq!(named, cases());
}
