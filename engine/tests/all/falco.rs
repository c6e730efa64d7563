//! What Falco rules say of our events: the table of `docs/falco.md`, each row of which has a case.
//!
//! A case is a folder of `testdata/falco`: files of rules, events, and what is said of the rules and of which
//! events. `UPDATE_GOLDEN=1` writes what is expected anew.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use beewolf::detect::{RuleSet, State};
use beewolf::event::{json, value::Words};
use beewolf::rule::{Loader, sigma::Fieldmap};

use crate::{support::read, tables};

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

#[test]
fn every_case_has_the_verdicts_that_were_recorded() {
    tables::every_case_is_as_recorded(CASES, judged);
}

#[test]
fn every_row_of_the_table_has_a_case_and_every_case_a_row() {
    tables::every_row_has_a_case("docs/falco.md", CASES);
}
