//! `beewolf rules check`: every problem of rules and whitelists.

use std::{collections::BTreeMap, io::Write};

use super::{Paths, colour};
use crate::cli::print::counted;

/// Prints the findings, and how many rules can match; false if any rule has an error.
pub(super) fn check(paths: &Paths) -> std::io::Result<bool> {
    let (rules, mut problems) = paths.read();
    let yara = paths.yara(&mut problems);
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
    if paths.reading.json {
        let report = serde_json::json!({
            "rules": rules.len(),
            "yara_rules": yara,
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
        let (rules, errors) = (counted(rules.len(), "rule"), counted(errors, "error"));
        let yara = if yara > 0 { format!(", {}", counted(yara, "YARA rule")) } else { String::new() };
        writeln!(out, "{rules}{states}{yara}, {errors}, {}", counted(warnings, "warning"))?;
    }
    Ok(fine)
}
