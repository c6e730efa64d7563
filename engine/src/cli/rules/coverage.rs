//! `beewolf rules coverage`: the ATT&CK techniques of rules, as a layer for the ATT&CK Navigator.
//!
//! The layer format is version 4.5, as MITRE publishes it beside the Navigator.

use std::{collections::BTreeMap, process::ExitCode};

use clap::Args;
use serde_json::{Value, json};

use super::{
    Paths,
    plan::{self, Plan},
};
use crate::{
    cli::print,
    rule::{Loaded, Reason, Verdict},
};

/// What the exit code says; part of the help.
pub(super) const EXIT_CODES: &str = "\
    Exit codes:\n\
    \x20 0  the layer was printed\n\
    \x20 1  the rules are broken, or the host cannot be asked";

/// The oldest Navigator that reads the layer.
const NAVIGATOR: &str = "4.9.0";
/// From few rules to many.
const COLOURS: [&str; 2] = ["#d6e8c8", "#2f7d32"];

/// Which rules, and on whose sensors.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    paths: Paths,
    /// Whose sensors decide on which rules can fire.
    #[arg(long, value_enum, default_value = "trampoline")]
    plan: Plan,
    /// Counts rules that cannot fire, too.
    #[arg(long)]
    all: bool,
    /// Name of the layer.
    #[arg(long, default_value = "Beewolf")]
    name: String,
}

/// Runs it.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    plan::judge(&arguments.paths, arguments.plan, |judged| {
        let mut techniques = Techniques::default();
        for (rule, reach) in judged.rules.iter().zip(judged.found) {
            let cannot = (reach.verdict == Verdict::Never).then(|| Reason::join(&reach.reasons));
            techniques.add(rule, cannot, arguments.all);
        }
        print::json(&techniques.layer(&arguments.name, judged.whose))
    })
}

/// What is known of one technique or sub-technique.
#[derive(Debug, Default)]
struct Technique {
    /// Titles of the rules that count.
    titles: Vec<String>,
    /// Titles of those that cannot fire, with the reason.
    dormant: Vec<String>,
}

/// Techniques by their ids, `T1059` and `T1059.004` alike.
#[derive(Debug, Default)]
struct Techniques(BTreeMap<String, Technique>);

impl Techniques {
    /// Adds a rule; `cannot` says why it cannot fire.
    fn add(&mut self, rule: &Loaded, cannot: Option<String>, all: bool) {
        let mut ids: Vec<String> = rule.tags.iter().filter_map(|tag| technique(tag)).collect();
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            let technique = self.0.entry(id).or_default();
            match &cannot {
                Some(why) if !all => technique.dormant.push(format!("{} ({why})", rule.title)),
                Some(_) | None => technique.titles.push(rule.title.clone()),
            }
        }
    }

    fn layer(&self, name: &str, whose: &str) -> Value {
        let most = self.0.values().map(|technique| technique.titles.len()).max().unwrap_or_default().max(1);
        let parents = self.0.keys().filter_map(|id| id.split_once('.')).map(|(parent, _)| parent);
        let mut listed: BTreeMap<&str, Value> = parents.map(|id| (id, entry(id, &Technique::default()))).collect();
        listed.extend(self.0.iter().map(|(id, technique)| (id.as_str(), entry(id, technique))));
        let has_parts = |id: &str| self.0.keys().any(|other| other.split_once('.').is_some_and(|(of, _)| of == id));
        for (id, entry) in &mut listed {
            if has_parts(id)
                && let Value::Object(members) = entry
            {
                members.insert("showSubtechniques".to_owned(), json!(true));
            }
        }
        json!({
            "name": name,
            "versions": { "layer": "4.5", "navigator": NAVIGATOR },
            "domain": "enterprise-attack",
            "description": format!("Rules that can fire on {whose}; the score is their number."),
            "layout": { "layout": "side", "showAggregateScores": true, "aggregateFunction": "sum" },
            "gradient": { "colors": COLOURS, "minValue": 0, "maxValue": most },
            "techniques": listed.into_values().collect::<Vec<_>>(),
        })
    }
}

/// A technique of the layer; one that no rule counts for has no score.
fn entry(id: &str, technique: &Technique) -> Value {
    let mut lines = technique.titles.clone();
    lines.extend(technique.dormant.iter().map(|title| format!("cannot fire: {title}")));
    let mut entry = json!({ "techniqueID": id });
    if let Value::Object(members) = &mut entry {
        if !lines.is_empty() {
            members.insert("comment".to_owned(), json!(lines.join("\n")));
        }
        if !technique.titles.is_empty() {
            members.insert("score".to_owned(), json!(technique.titles.len()));
        }
    }
    entry
}

/// The technique that a tag names: `attack.t1059.004` is `T1059.004`.
fn technique(tag: &str) -> Option<String> {
    let id = tag.to_ascii_uppercase();
    let number = id.strip_prefix("ATTACK.T")?;
    let (main, sub) = number.split_once('.').map_or((number, None), |(main, sub)| (main, Some(sub)));
    let is_number = |digits: &str, length| digits.len() == length && digits.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(main, 4) && sub.is_none_or(|sub| is_number(sub, 3))).then(|| format!("T{number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_name_techniques() {
        for (tag, expected) in [
            ("attack.t1059", Some("T1059")),
            ("attack.T1059.004", Some("T1059.004")),
            ("attack.execution", None),
            ("attack.t1059.4", None),
            ("attack.ta0002", None),
            ("cve.2021-44228", None),
        ] {
            assert_eq!(technique(tag).as_deref(), expected, "{tag}");
        }
    }
}
