//! `beewolf rules test`: the tests of rules.

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;

use super::{Paths, baseline::Baseline, colour};
use crate::{
    detect::{RuleSet, State},
    event::{Event, json},
    rule::{Diagnostic, Diagnostics, Loaded, Place, Source, falco, file, loaded, sigma},
};

/// One test that has been run.
pub(super) struct Outcome {
    /// The rule that is tested.
    pub(super) rule: String,
    /// What is tested.
    pub(super) name: String,
    /// Why it failed.
    pub(super) failure: Option<Diagnostic>,
}

/// What the exit code says; part of the help.
pub(super) const EXIT_CODES: &str = "\
    Exit codes:\n\
    \x20 0  all tests pass\n\
    \x20 1  one fails, or the rules are broken";

/// Which rules, and what they are tested with.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    paths: Paths,
    /// Folder with `NAME/hit.jsonl` and `NAME/miss.jsonl` for the Sigma rule `NAME.yml` and the Falco rule with the
    /// id NAME [default: testdata/sigma, testdata/falco]
    #[arg(long, value_name = "DIR")]
    testdata: Option<PathBuf>,
    #[command(flatten)]
    baseline: Baseline,
}

/// Runs them; false if one fails or any rule has an error.
pub(super) fn test(arguments: &Arguments) -> std::io::Result<bool> {
    let Arguments { paths, testdata, baseline } = arguments;
    let (rules, mut problems) = paths.read();
    let set = RuleSet::new(rules.clone());
    let mut outcomes = Vec::new();
    for rule in &rules {
        match rule.ruleset {
            sigma::RULESET | falco::RULESET => {
                recorded_tests(rule, &set, testdata.as_deref(), &mut outcomes, &mut problems);
            }
            _ => own_tests(rule, &set, &mut outcomes),
        }
    }
    if baseline.run(&paths.reading, &rules, &set, &mut outcomes).is_err() {
        return Ok(false);
    }
    let failed = outcomes.iter().filter(|outcome| outcome.failure.is_some()).count();
    let passed = outcomes.len() - failed;
    let mut out = std::io::stdout().lock();
    if paths.reading.json {
        let rows: serde_json::Value = outcomes
            .iter()
            .map(|outcome| {
                serde_json::json!({
                    "rule": outcome.rule,
                    "test": outcome.name,
                    "passed": outcome.failure.is_none(),
                    "failure": outcome.failure.as_ref().map(Diagnostic::json),
                })
            })
            .collect();
        let report = serde_json::json!({
            "passed": passed, "failed": failed, "errors": problems.errors(), "tests": rows, "diagnostics": problems.json(),
        });
        writeln!(out, "{report}")?;
        return Ok(failed == 0 && !problems.has_errors());
    }
    if problems.has_errors() {
        writeln!(out, "{}", problems.render(colour()))?;
    }
    let mut failures = Diagnostics::default();
    for outcome in outcomes {
        let word = if outcome.failure.is_some() { "FAILED" } else { "ok" };
        writeln!(out, "{word:6} {}: {}", outcome.rule, outcome.name)?;
        outcome.failure.into_iter().for_each(|failure| failures.push(failure));
    }
    let gap = if failed == 0 { "" } else { "\n" };
    writeln!(out, "{gap}{}{passed} passed, {failed} failed", failures.render(colour()))?;
    Ok(failed == 0 && !problems.has_errors())
}

/// Whether a rule alerts on any of some events, or by what all its alerts are suppressed.
fn alerts<'e>(set: &RuleSet, events: impl IntoIterator<Item = &'e Event>, id: &str) -> (bool, Option<String>) {
    let (mut alerted, mut suppressed_by) = (false, None);
    let mut state = State::default();
    for event in events {
        set.evaluate(&Arc::new(event.clone()), &mut state, &mut |alert| {
            if alert.rule.id == id {
                alerted |= alert.suppressed_by.is_none();
                suppressed_by = alert.suppressed_by;
            }
        });
    }
    (alerted, suppressed_by.filter(|_| !alerted))
}

fn failure(place: &Place, expect_alert: bool, suppressed_by: Option<String>) -> Diagnostic {
    let message = if expect_alert { "expected an alert, got nothing" } else { "expected nothing, got an alert" };
    let hint = suppressed_by.map(|name| format!("the rule matches, but `unless` suppresses it: {name}"));
    Diagnostic::error("test-failed", place.clone(), message).hint_if(hint)
}

fn own_tests(rule: &Loaded, set: &RuleSet, outcomes: &mut Vec<Outcome>) {
    // One that is switched off would only fail.
    let is_disabled = matches!(rule.state, loaded::State::Disabled(_));
    for test in rule.tests.iter().filter(|_| !is_disabled) {
        let (alerted, suppressed_by) = alerts(set, &test.events, &rule.id);
        let failure = (alerted != test.expect_alert).then(|| failure(&test.place, test.expect_alert, suppressed_by));
        outcomes.push(Outcome { rule: rule.id.clone(), name: test.name.clone(), failure });
    }
}

/// The folder with the recordings for a rule. A file of Sigma's holds one rule, one of Falco's many.
fn recordings(rule: &Loaded, testdata: Option<&Path>) -> PathBuf {
    let below = testdata.map_or_else(|| Path::new("testdata").join(rule.ruleset), Path::to_owned);
    match rule.ruleset {
        falco::RULESET => below.join(&rule.id),
        _ => below.join(Path::new(&rule.place.source.name).file_stem().unwrap_or_default()),
    }
}

/// Neither Sigma nor Falco has tests of its own: every line of `hit.jsonl` must be alerted on, none of `miss.jsonl`.
/// For a rule over several events each file is one stream.
fn recorded_tests(
    rule: &Loaded,
    set: &RuleSet,
    testdata: Option<&Path>,
    outcomes: &mut Vec<Outcome>,
    problems: &mut Diagnostics,
) {
    // What only counts for others is tested with them.
    if rule.silenced {
        return;
    }
    let folder = recordings(rule, testdata);
    for (file, expect_alert) in [("hit.jsonl", true), ("miss.jsonl", false)] {
        let path = folder.join(file);
        if !path.exists() {
            continue;
        }
        let Some(source) = file::load(&path, problems) else { continue };
        let mut outcome = |name: String, failure: Option<Diagnostic>| {
            outcomes.push(Outcome { rule: rule.id.clone(), name, failure });
        };
        let mut stream = Vec::new();
        for (number, place, event) in recorded(&source) {
            let name = format!("{file} line {number}");
            match event {
                Err(message) => outcome(name, Some(Diagnostic::error("wrong-event", place, message))),
                Ok(event) if rule.correlation.is_some() => stream.push(event),
                Ok(event) => {
                    let (alerted, suppressed_by) = alerts(set, [&event], &rule.id);
                    let failed = alerted != expect_alert;
                    outcome(name, failed.then(|| failure(&place, expect_alert, suppressed_by)));
                }
            }
        }
        if rule.correlation.is_some() {
            let (alerted, suppressed_by) = alerts(set, &stream, &rule.id);
            let failed = alerted != expect_alert;
            let place = Place::whole(&source);
            outcome(file.to_owned(), failed.then(|| failure(&place, expect_alert, suppressed_by)));
        }
    }
}

/// The lines of a recording that are not empty: number, place, and the event or what is wrong with it.
fn recorded(source: &Arc<Source>) -> Vec<(usize, Place, Result<Event, String>)> {
    let mut found = Vec::new();
    let mut start = 0;
    for (number, line) in source.text.split_inclusive('\n').enumerate() {
        let text = line.trim_end();
        let place = Place { source: Arc::clone(source), range: start..start + text.len() };
        start += line.len();
        if text.is_empty() {
            continue;
        }
        let event = match json::read(text.as_bytes()) {
            Ok((event, errors)) if errors.is_empty() => Ok(event),
            Ok((_, errors)) => Err(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
            Err(error) => Err(error.to_string()),
        };
        found.push((number + 1, place, event));
    }
    found
}
