//! What Sigma rules say of events: the table of `docs/sigma.md`, each row of which has a case.
//!
//! A case is a folder of `testdata/sigma_verdict`: rules, events and the lines that each rule matches, with what is said of
//! rules that are broken or refused. `UPDATE_GOLDEN=1` writes what is expected anew; `scripts/sigma-compat` holds it
//! against an oracle that others wrote.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use beewolf::detect::{ForeignRules, State};
use beewolf::event::Foreign;
use beewolf::rule::{Diagnostics, Inputs, Loader, Places, Role};

use crate::{support::read, tables};

const CASES: &str = "testdata/sigma_verdict";
/// Advice that changes no verdict; `testdata/rule` has cases for it.
const STYLE: [&str; 3] = ["contradiction", "regex-is-literal", "unused-search"];

/// Findings about the rules of a case, and which lines each rule matches.
fn judged(case: &Path) -> String {
    let mut wrong = Diagnostics::default();
    let places =
        Places::default().with(Role::Placeholders, Some(case.join("placeholders.yml")).filter(|path| path.exists()));
    let placeholders = Inputs::read(&places, &mut wrong).placeholders(&mut wrong);
    assert!(!wrong.has_errors(), "{wrong}");
    let loader = Loader::foreign().with_placeholders(placeholders);
    let (loaded, problems) = loader.load(&[case.join("rules.yml")]);
    let mut text = String::new();
    for problem in problems.sorted().into_iter().filter(|problem| !STYLE.contains(&problem.code)) {
        writeln!(text, "{} line {}: {}", problem.code, problem.json()["line"], problem.message).expect("memory");
    }
    let mut lines: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for rule in &loaded {
        match rule.state.reason() {
            Some(reason) => writeln!(text, "{} {}: {reason}", rule.state.word(), rule.id).expect("memory"),
            None => drop(lines.insert(rule.id.clone(), Vec::new())),
        }
    }
    let rules = ForeignRules::new(loaded, loader.into_names(), None);
    let mut state = State::default();
    for (number, line) in read(&case.join("events.jsonl")).lines().enumerate() {
        let event = Foreign::read(line.as_bytes(), rules.names()).expect("an event");
        for rule in rules.matches(&event, &mut state) {
            lines.get_mut(&rule.id).expect("a rule that can match").push((number + 1).to_string());
        }
    }
    for (rule, lines) in lines {
        writeln!(text, "{}", format!("{rule}: {}", lines.join(" ")).trim_end()).expect("memory");
    }
    text
}

#[test]
fn every_case_has_the_verdicts_that_were_recorded() {
    tables::every_case_is_as_recorded(CASES, judged);
}

#[test]
fn every_row_of_the_table_has_a_case_and_every_case_a_row() {
    tables::every_row_has_a_case("docs/sigma.md", CASES);
}
