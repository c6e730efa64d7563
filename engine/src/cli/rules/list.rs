//! `beewolf rules list`: what rules look at and whether they can match.

use std::io::Write;

use super::Paths;
use crate::detect::{Rule, RuleSet};

/// Prints a line for each rule; false if any rule has an error.
pub(super) fn list(paths: &Paths) -> std::io::Result<bool> {
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
