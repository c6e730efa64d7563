//! `beewolf rules convert`: Sigma and Falco rules as native ones.

use std::io::Write;

use super::{Paths, colour};
use crate::rule::{Loaded, convert, native};

/// Prints the rules that can be converted, and on standard error why others cannot; false if there are
/// any of these, or rules with errors. Native rules among the files are passed over.
pub(super) fn convert(paths: &Paths) -> std::io::Result<bool> {
    let (rules, problems) = paths.read();
    if problems.has_errors() {
        eprint!("{}", problems.render(colour()));
    }
    let foreign = rules.iter().filter(|rule| rule.ruleset != native::RULESET);
    let converted: Vec<(&Loaded, Result<String, String>)> = foreign.map(|rule| (rule, convert::native(rule))).collect();
    let done = converted.iter().filter(|(_, result)| result.is_ok()).count();
    let mut out = std::io::stdout().lock();
    if paths.reading.json {
        let row = |(rule, result): &(&Loaded, Result<String, String>)| {
            serde_json::json!({
                "id": rule.id,
                "file": rule.place.source.name,
                "rule": result.as_ref().ok(),
                "reason": result.as_ref().err(),
            })
        };
        writeln!(out, "{}", converted.iter().map(row).collect::<serde_json::Value>())?;
    } else {
        for (number, document) in converted.iter().filter_map(|(_, result)| result.as_ref().ok()).enumerate() {
            write!(out, "{}{document}", if number > 0 { "---\n" } else { "" })?;
        }
        for (rule, reason) in converted.iter().filter_map(|(rule, result)| Some((rule, result.as_ref().err()?))) {
            let reason: String = reason.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect();
            eprintln!("beewolf: {} is not converted: {reason} ({})", rule.id, rule.place.source.name);
        }
        eprintln!("beewolf: {done} of {} rules converted", converted.len());
    }
    Ok(done == converted.len() && !problems.has_errors())
}
