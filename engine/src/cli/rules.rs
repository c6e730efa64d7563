//! `beewolf rules`: the rule author's bench.

use std::{
    collections::BTreeMap,
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use clap::{Args, Subcommand};

use super::{
    generations,
    sense::{self, Options},
};
use crate::{
    detect::{Rule, RuleSet, State},
    event::{Event, json},
    indicator::Lists,
    rule::{
        Colour, Diagnostic, Diagnostics, Loaded, Loader, Place, Selection, Source, file, loaded,
        sigma::{Fieldmap, Placeholders},
    },
};

/// Where rules are if no path is given: the first folder that has any.
const HOMES: &[&str] = &[".", "/usr/share/beewolf"];

/// What to do with rules.
#[derive(Debug, Subcommand)]
pub(super) enum Rules {
    /// Checks rules and whitelists and reports every problem.
    Check(Paths),
    /// Lists the rules that were in force, last one first.
    Generations(generations::Of),
    /// Lists rules with what they look at and whether they can match.
    List(Paths),
    /// Goes back to rules that were in force before, whatever the files say.
    Rollback(generations::To),
    /// Runs the tests of rules: native ones bring their own, those of Sigma rules are recordings.
    Test {
        #[command(flatten)]
        paths: Paths,
        /// Folder with `NAME/hit.jsonl` and `NAME/miss.jsonl` for the Sigma rule `NAME.yml`.
        #[arg(long, default_value = "testdata/sigma")]
        testdata: PathBuf,
    },
}

/// Which rules, and how to print.
#[derive(Debug, Args)]
pub(super) struct Paths {
    /// Files and folders; without any, `rules` and `sigma` here or in /usr/share/beewolf.
    paths: Vec<PathBuf>,
    /// The map of Sigma's names to ours, instead of the one that comes with the program.
    #[arg(long, value_name = "FILE")]
    fieldmap: Option<PathBuf>,
    /// What the modifier `expand` puts for `%name%` in Sigma rules: a YAML file of names and values.
    #[arg(long, value_name = "FILE")]
    sigma_placeholders: Option<PathBuf>,
    /// Configuration file with the indicator lists that rules ask.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Only rules with this tag; may be given several times.
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Only rules in a folder of this name; may be given several times.
    #[arg(long, value_name = "NAME")]
    folder: Vec<String>,
    /// Leaves out rules with this tag, folder or id; may be given several times.
    #[arg(long, value_name = "NAME")]
    exclude: Vec<String>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// Runs one of the commands. The exit code is 1 if any rule has an error or any test fails.
#[must_use]
pub(super) fn run(rules: &Rules) -> ExitCode {
    let done = match rules {
        Rules::Check(paths) => check(paths),
        Rules::Generations(of) => Ok(generations::list(of).is_ok()),
        Rules::List(paths) => list(paths),
        Rules::Rollback(to) => Ok(generations::run(to).is_ok()),
        Rules::Test { paths, testdata } => test(paths, testdata),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("beewolf: {error}");
            ExitCode::from(1)
        }
    }
}

/// The paths rules are read from when none are given.
#[must_use]
pub(super) fn default_paths() -> Vec<PathBuf> {
    let below = |home: &&str| -> Vec<PathBuf> {
        ["rules", "sigma"].iter().map(|name| Path::new(home).join(name)).filter(|path| path.is_dir()).collect()
    };
    HOMES.iter().map(below).find(|found| !found.is_empty()).unwrap_or_default()
}

impl Paths {
    fn read(&self) -> (Vec<Loaded>, Diagnostics) {
        let fieldmap = match self.fieldmap.as_deref().map(Fieldmap::load) {
            None => Fieldmap::builtin(),
            Some(Ok(fieldmap)) => fieldmap,
            Some(Err(problems)) => return (Vec::new(), problems),
        };
        let placeholders = match self.sigma_placeholders.as_deref().map(Placeholders::load) {
            None => Placeholders::default(),
            Some(Ok(placeholders)) => placeholders,
            Some(Err(problems)) => return (Vec::new(), problems),
        };
        let paths = if self.paths.is_empty() { default_paths() } else { self.paths.clone() };
        if paths.is_empty() {
            let mut problems = Diagnostics::default();
            let place = Place::whole(&Source::new("rules", ""));
            let error = Diagnostic::error("no-rules", place, "there is no folder `rules` or `sigma` here");
            problems.push(error.hint("give the paths of rules on the command line"));
            return (Vec::new(), problems);
        }
        let indicators = match self.indicators() {
            Ok(indicators) => indicators,
            Err(problems) => return (Vec::new(), problems),
        };
        let selection =
            Selection { tags: self.tag.clone(), folders: self.folder.clone(), exclude: self.exclude.clone() };
        let loader = Loader::new(fieldmap).with_placeholders(placeholders);
        loader.with_indicators(Arc::new(indicators)).with_selection(selection).load(&paths)
    }

    /// The indicator lists of the configuration, if one is given. Its own problems are printed at once.
    fn indicators(&self) -> Result<Lists, Diagnostics> {
        let Some(config) = &self.config else { return Ok(Lists::default()) };
        let options = Options { config: Some(config.clone()), ..Options::default() };
        options.settings().and_then(|settings| sense::indicators(&settings, &Lists::default())).map_err(|_| {
            let mut problems = Diagnostics::default();
            let place = Place::whole(&Source::new(config.display().to_string(), ""));
            problems.push(Diagnostic::error("unusable-config", place, "the indicator lists cannot be used"));
            problems
        })
    }
}

fn colour() -> Colour {
    let wanted = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    if wanted { Colour::Styled } else { Colour::Plain }
}

fn check(paths: &Paths) -> std::io::Result<bool> {
    let (rules, problems) = paths.read();
    let mut out = std::io::stdout().lock();
    let mut states: BTreeMap<&str, usize> = BTreeMap::new();
    let mut reasons: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for rule in &rules {
        *states.entry(rule.state.word()).or_default() += 1;
        if let Some(reason) = rule.state.reason() {
            *reasons.entry((rule.state.word(), reason)).or_default() += 1;
        }
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let fine = !problems.has_errors();
    if paths.json {
        let report = serde_json::json!({
            "rules": rules.len(),
            "states": states,
            "reasons": reasons.iter().map(|((state, reason), count)| {
                serde_json::json!({ "state": state, "reason": reason, "rules": count })
            }).collect::<Vec<_>>(),
            "errors": problems.errors(),
            "warnings": problems.warnings(),
            "diagnostics": problems.json(),
        });
        writeln!(out, "{report}")?;
    } else {
        let states: Vec<String> = states.iter().map(|(word, count)| format!("{count} {word}")).collect();
        let (found, errors, warnings) = (problems.render(colour()), problems.errors(), problems.warnings());
        let gap = if found.is_empty() { "" } else { "\n" };
        write!(out, "{found}{gap}")?;
        for ((state, reason), count) in &reasons {
            writeln!(out, "{count:5} {state}: {reason}")?;
        }
        let states = if states.is_empty() { String::new() } else { format!(" ({})", states.join(", ")) };
        let count = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
        let (rules, errors) = (count(rules.len(), "rule"), count(errors, "error"));
        writeln!(out, "{rules}{states}, {errors}, {}", count(warnings, "warning"))?;
    }
    Ok(fine)
}

fn list(paths: &Paths) -> std::io::Result<bool> {
    let (rules, problems) = paths.read();
    if problems.has_errors() {
        eprint!("{problems}");
    }
    let files: Vec<String> = rules.iter().map(|rule| rule.place.source.name.clone()).collect();
    let set = RuleSet::new(rules);
    let mut out = std::io::stdout().lock();
    if paths.json {
        let rows: serde_json::Value = set.rules().iter().zip(&files).map(|(rule, file)| as_json(rule, file)).collect();
        writeln!(out, "{rows}")?;
        return Ok(!problems.has_errors());
    }
    let rows: Vec<[String; 6]> = set.rules().iter().map(as_row).collect();
    let heads = ["ID", "SEVERITY", "RULESET", "STATE", "KINDS", "TITLE"];
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.max().unwrap_or(0).max(heads.get(column).map_or(0, |head| head.len()))
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let mut line = |cells: &[&str]| {
        let padded: Vec<String> = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        writeln!(out, "{}", padded.join("  ").trim_end())
    };
    line(&heads)?;
    for (row, rule) in rows.iter().zip(set.rules()) {
        line(&row.each_ref().map(String::as_str))?;
        if let Some(reason) = rule.state.reason() {
            line(&["", &format!("  {reason}")])?;
        }
    }
    Ok(!problems.has_errors())
}

fn kinds(rule: &Rule) -> Vec<&'static str> {
    rule.kinds.iter().map(|kind| kind.name()).collect()
}

fn as_row(rule: &Rule) -> [String; 6] {
    use crate::event::value::Words;
    let facts = &rule.facts;
    // Titles come from files: nothing in them may steer the terminal.
    let printable = |text: &str| text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect();
    [
        printable(&facts.id),
        facts.severity.word().to_owned(),
        facts.ruleset.to_owned(),
        rule.state.word().to_owned(),
        kinds(rule).join(","),
        printable(&facts.title),
    ]
}

fn as_json(rule: &Rule, file: &str) -> serde_json::Value {
    use crate::event::value::Words;
    let facts = &rule.facts;
    serde_json::json!({
        "id": facts.id,
        "title": facts.title,
        "severity": facts.severity.word(),
        "ruleset": facts.ruleset,
        "state": rule.state.word(),
        "reason": rule.state.reason(),
        "kinds": kinds(rule),
        "tags": facts.tags,
        "author": facts.author,
        "license": facts.license,
        "content_hash": facts.content_hash,
        "file": file,
    })
}

/// One test that has been run.
struct Outcome {
    rule: String,
    name: String,
    /// Why it failed.
    failure: Option<Diagnostic>,
}

fn test(paths: &Paths, testdata: &Path) -> std::io::Result<bool> {
    let (rules, mut problems) = paths.read();
    let set = RuleSet::new(rules.clone());
    let mut outcomes = Vec::new();
    for rule in &rules {
        match rule.ruleset {
            "sigma" => recorded_tests(rule, &set, testdata, &mut outcomes, &mut problems),
            _ => own_tests(rule, &set, &mut outcomes),
        }
    }
    let failed = outcomes.iter().filter(|outcome| outcome.failure.is_some()).count();
    let passed = outcomes.len() - failed;
    let mut out = std::io::stdout().lock();
    if paths.json {
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

/// Sigma has no tests of its own: every line of `hit.jsonl` must be alerted on, none of `miss.jsonl`.
/// For a rule over several events each file is one stream.
fn recorded_tests(
    rule: &Loaded,
    set: &RuleSet,
    testdata: &Path,
    outcomes: &mut Vec<Outcome>,
    problems: &mut Diagnostics,
) {
    // What only counts for others is tested with them.
    if rule.silenced {
        return;
    }
    let name = Path::new(&rule.place.source.name).file_stem().unwrap_or_default();
    for (file, expect_alert) in [("hit.jsonl", true), ("miss.jsonl", false)] {
        let path = testdata.join(name).join(file);
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
