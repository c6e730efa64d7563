//! Sigma and Falco rules written as native ones that mean the same.
//!
//! Nothing is approximated: what has been written is read again, and unless its condition is the same,
//! predicate by predicate, the rule is not converted and the reason said.

mod condition;
mod same;
mod yaml;

use std::sync::Arc;

use super::{
    diagnostic::Source,
    loaded::{Loaded, State},
    loader::Loader,
    native, sigma,
    template::Template,
};
use crate::event::{Severity, value::Words};
use yaml::Writer;

/// Writes a rule as a document of native YAML.
///
/// # Errors
/// Why it cannot be written.
pub fn native(rule: &Loaded) -> Result<String, String> {
    check(rule)?;
    let simple = same::simple(&rule.condition);
    let condition = condition::text(&simple)?;
    let written = document(rule, &condition);
    let again = read(&written)?;
    if same::are(&simple, &same::simple(&again.condition)) {
        Ok(written)
    } else {
        Err("its condition would mean something else in our language".to_owned())
    }
}

/// What keeps a rule from being written, whatever its condition.
fn check(rule: &Loaded) -> Result<(), String> {
    if !matches!(rule.state, State::Active | State::Degraded(_)) {
        return Err(format!("it is {}: {}", rule.state.word(), rule.state.reason().unwrap_or_default()));
    }
    if rule.ruleset == native::RULESET {
        return Err("it is a native rule".to_owned());
    }
    if rule.correlation.is_some() || rule.silenced {
        return Err("it is about several events".to_owned());
    }
    if !rule.unless.is_empty() {
        return Err("an override gives it exceptions, which belong to the rule it is for".to_owned());
    }
    Ok(())
}

/// The document, with its condition as text.
fn document(rule: &Loaded, condition: &str) -> String {
    let mut out = Writer::default();
    out.comment(&format!("From {} ({}).", rule.place.source.name, rule.ruleset));
    if let State::Degraded(missing) = &rule.state {
        missing.iter().for_each(|missing| out.comment(&format!("Degraded: {missing}")));
    }
    out.text("id", &rule.id);
    out.text("title", &rule.title);
    if !rule.description.is_empty() {
        out.text("description", &rule.description);
    }
    out.text("severity", Severity::word(rule.severity));
    out.list("tags", &rule.tags);
    out.list("references", &rule.references);
    if let Some(author) = &rule.author {
        out.text("author", author);
    }
    if let Some(license) = &rule.license {
        out.text("license", license);
    }
    out.lines("when", condition);
    let message = rule.output.text();
    if message != Template::plain(&rule.title).text() {
        out.text("output", &message);
    }
    out.finish()
}

/// Reads a document that has been written.
fn read(document: &str) -> Result<Loaded, String> {
    let loader = Loader::new(Arc::new(sigma::Fieldmap::default()));
    let (mut rules, problems) = loader.read(&[Source::new("converted", document)]);
    match (rules.pop(), problems.sorted().iter().find(|problem| problem.level == super::Level::Error)) {
        (Some(rule), None) => Ok(rule),
        (_, Some(problem)) => Err(format!("our language has no words for it: {}", problem.message)),
        (None, None) => Err("our language has no words for it".to_owned()),
    }
}
