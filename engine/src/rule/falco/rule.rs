//! Falco rules as the engine has them.

use sha2::{Digest, Sha256};

use super::{
    RULESET,
    compile::Compiler,
    fieldmap::Fieldmap,
    item::{Items, Rule},
    output,
};
use crate::{
    event::{Kind, Severity},
    rule::{
        diagnostic::{Diagnostic, Diagnostics, did_you_mean},
        expr::Expr,
        lack::{self, Lack},
        lint,
        loaded::{Loaded, State},
        reason::{Code, Reason},
        yaml::Node,
    },
};

/// What the events are of that we have.
const SOURCE: &str = "syscall";

/// Falco's priorities, the gravest first.
const PRIORITIES: &[(&str, Severity)] = &[
    ("emergency", Severity::Critical),
    ("alert", Severity::Critical),
    ("critical", Severity::Critical),
    ("error", Severity::High),
    ("warning", Severity::Medium),
    ("notice", Severity::Low),
    ("informational", Severity::Informational),
    ("info", Severity::Informational),
    ("debug", Severity::Informational),
];

/// Makes rules of the items of all files. Those that are broken are left out and reported.
pub(super) fn read_all(items: &Items, fields: &Fieldmap, diagnostics: &mut Diagnostics) -> Vec<Loaded> {
    let mut rules = Vec::new();
    let mut compiler = Compiler::new(fields, items, diagnostics);
    for rule in &items.rules {
        rules.extend(read(rule, items, &mut compiler));
    }
    compiler.rest();
    rules
}

fn read(rule: &Rule, items: &Items, compiler: &mut Compiler<'_>) -> Option<Loaded> {
    let exceptions = rule.exceptions.iter().filter_map(super::exceptions::Exception::condition).collect();
    let compiled = compiler.rule(&rule.condition, exceptions);
    let severity = severity(&rule.priority, compiler.diagnostics);
    let (compiled, severity) = (compiled?, severity?);
    let content_hash = content_hash(rule, items, &compiled.uses);
    let missing: Vec<Reason> = compiled.lacks.iter().map(Lack::reason).collect();
    let source = rule.source.as_deref().unwrap_or(SOURCE);
    let state = if source != SOURCE {
        State::Dormant(vec![Reason::new(
            Code::NoLogSource,
            source.to_owned(),
            format!("no event of ours is of the source `{source}`"),
        )])
    } else if let Some(reason) = compiled.rejected {
        State::Rejected(reason)
    } else if rule.enabled {
        lack::state(&compiled.expr, missing)
    } else {
        State::Disabled("`enabled: false` where it is defined".to_owned())
    };
    let kinds: Vec<Kind> = lack::kinds(&compiled.expr).collect();
    if rule.warns_of_kinds && matches!(state, State::Active | State::Degraded(_)) {
        lint::every_kind(&compiled.expr, &rule.place, compiler.diagnostics);
    }
    let can_match = matches!(state, State::Active | State::Degraded(_));
    Some(Loaded {
        id: id(&rule.name),
        name: Some(rule.name.clone()),
        title: rule.name.clone(),
        description: rule.description.clone(),
        severity,
        tags: rule.tags.iter().map(|tag| attack(tag)).collect(),
        references: Vec::new(),
        author: None,
        license: None,
        ruleset: RULESET,
        logsource: None,
        content_hash,
        condition: if can_match { compiled.expr } else { Expr::Const(false) },
        draft: None,
        correlation: None,
        silenced: false,
        unless: Vec::new(),
        output: output::template(&rule.output, compiler.fields, &kinds, compiler.diagnostics),
        respond: Vec::new(),
        tests: Vec::new(),
        state,
        place: rule.place.clone(),
    })
}

/// SHA-256 over what the items of the rule say, and those of the macros and lists it refers to.
fn content_hash(rule: &Rule, items: &Items, uses: &std::collections::BTreeSet<String>) -> String {
    let mut hash = Sha256::new();
    hash.update(&rule.canonical);
    for used in uses {
        let canonical = match used.split_once(' ') {
            Some(("macro", name)) => items.macros.get(name).map(|entry| &entry.canonical),
            Some((_, name)) => items.lists.get(name).map(|list| &list.canonical),
            None => None,
        };
        hash.update(canonical.map(Vec::as_slice).unwrap_or_default());
    }
    data_encoding::HEXLOWER.encode(&hash.finalize())
}

fn severity(node: &Node, diagnostics: &mut Diagnostics) -> Option<Severity> {
    let word = node.text().unwrap_or_default().trim().to_lowercase();
    let found = PRIORITIES.iter().find(|(name, _)| *name == word).map(|(_, severity)| *severity);
    if found.is_none() {
        let names = || PRIORITIES.iter().map(|(name, _)| *name);
        let near = did_you_mean(&word, names());
        let hint = near.unwrap_or_else(|| format!("the words are {}", names().collect::<Vec<_>>().join(", ")));
        let error = Diagnostic::error("wrong-word", node.place.clone(), format!("`{word}` is no priority"));
        diagnostics.push(error.hint(hint));
    }
    found
}

/// An id made of a name: `falco-terminal-shell-in-container`.
fn id(name: &str) -> String {
    let letters = name.to_lowercase();
    let words = letters.split(|character: char| !character.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    std::iter::once("falco").chain(words).collect::<Vec<_>>().join("-")
}

/// ATT&CK's tags in Sigma's spelling: `T1059.004` and `mitre_lateral_movement`. Others stay.
fn attack(tag: &str) -> String {
    let is_number = |rest: &str| rest.starts_with(|first: char| first.is_ascii_digit());
    if ["T", "TA"].iter().any(|start| tag.strip_prefix(start).is_some_and(is_number)) {
        return format!("attack.{}", tag.to_lowercase());
    }
    tag.strip_prefix("mitre_").map_or_else(|| tag.to_owned(), |tactic| format!("attack.{}", tactic.replace('_', "-")))
}
