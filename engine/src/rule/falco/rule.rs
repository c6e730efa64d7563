//! Falco rules as the engine has them.

use sha2::{Digest, Sha256};

use super::{
    RULESET,
    compile::{Compiled, Compiler},
    fieldmap::Fieldmap,
    item::{Items, Rule},
    output::{self, Unshown},
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
    let mut unshown = Unshown::default();
    let mut compiler = Compiler::new(fields, items, diagnostics);
    for rule in &items.rules {
        rules.extend(read(rule, items, &mut compiler, &mut unshown));
    }
    compiler.rest();
    unshown.report(diagnostics);
    rules
}

fn read(rule: &Rule, items: &Items, compiler: &mut Compiler<'_>, unshown: &mut Unshown) -> Option<Loaded> {
    let exceptions = rule.exceptions.iter().filter_map(super::exceptions::Exception::condition).collect();
    let compiled = rule.condition.as_ref().and_then(|condition| compiler.rule(condition, exceptions));
    let severity = rule.priority.as_ref().and_then(|priority| severity(priority, compiler.diagnostics));
    let (compiled, severity, output) = (compiled?, severity?, rule.output.as_ref()?);
    if rule.is_broken {
        // What is left of it would be another rule.
        return None;
    }
    let content_hash = content_hash(rule, items, &compiled.uses);
    let state = state(rule, items, &compiled);
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
        output: output::template(output, compiler.fields, &kinds, unshown),
        respond: Vec::new(),
        tests: Vec::new(),
        state,
        place: rule.place.clone(),
    })
}

/// What becomes of a rule.
fn state(rule: &Rule, items: &Items, compiled: &Compiled) -> State {
    let source = rule.source.as_deref().unwrap_or(SOURCE);
    if source != SOURCE {
        let message = format!("no event of ours is of the source `{source}`");
        return State::Dormant(vec![Reason::new(Code::NoLogSource, source.to_owned(), message)]);
    }
    if let Some(reason) = &compiled.rejected {
        return State::Rejected(reason.clone());
    }
    if !rule.enabled {
        return State::Disabled("`enabled: false` where it is defined".to_owned());
    }
    let state = lack::state(&compiled.expr, compiled.lacks.iter().map(Lack::reason).collect());
    let (State::Dormant(reasons), true) = (&state, compiled.lacks.is_empty()) else { return state };
    // Of the rules that exclude themselves most wait for a list to be filled in.
    let lists = compiled.uses.iter().filter_map(|used| used.strip_prefix("list "));
    let empty: Vec<&str> =
        lists.filter(|name| items.lists.get(*name).is_some_and(|list| list.items.is_empty())).collect();
    if empty.is_empty() {
        return state;
    }
    let text = format!("{}; nothing is in the list `{}`", Reason::join(reasons), empty.join("`, `"));
    State::Dormant(vec![Reason { text, ..Reason::contradiction() }])
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
    let written = node.text().unwrap_or_default().trim();
    let word = written.to_lowercase();
    let found = PRIORITIES.iter().find(|(name, _)| *name == word).map(|(_, severity)| *severity);
    if found.is_none() {
        let names = || PRIORITIES.iter().map(|(name, _)| *name);
        let near = did_you_mean(&word, names());
        let hint = near.unwrap_or_else(|| format!("the words are {}", names().collect::<Vec<_>>().join(", ")));
        let error = Diagnostic::error("wrong-word", node.place.clone(), format!("`{written}` is no priority"));
        diagnostics.push(error.hint(hint));
    }
    found
}

/// An id made of a name: `falco-terminal-shell-in-container`. An id has letters and digits of ASCII; in
/// place of others, and of everything in a name without letters and digits, are their numbers: `falco-u6f22-shell`.
fn id(name: &str) -> String {
    let number = |character: char| format!(" u{:x} ", u32::from(character));
    let has_letters = name.chars().any(char::is_alphanumeric);
    let lower = name.to_lowercase();
    let spelled: String = lower
        .chars()
        .map(|character| match character {
            'a'..='z' | '0'..='9' => character.to_string(),
            _ if character.is_alphanumeric() || !(has_letters || character.is_whitespace()) => number(character),
            _ => " ".to_owned(),
        })
        .collect();
    format!("falco-{}", spelled.split_whitespace().collect::<Vec<_>>().join("-"))
}

/// ATT&CK's tags in Sigma's spelling: `T1059.004` and `mitre_lateral_movement`. Others stay.
fn attack(tag: &str) -> String {
    let is_number = |rest: &str| rest.starts_with(|first: char| first.is_ascii_digit());
    if ["T", "TA"].iter().any(|start| tag.strip_prefix(start).is_some_and(is_number)) {
        return format!("attack.{}", tag.to_lowercase());
    }
    tag.strip_prefix("mitre_").map_or_else(|| tag.to_owned(), |tactic| format!("attack.{}", tactic.replace('_', "-")))
}
