//! Exceptions: `unless` of a rule and entries of whitelist files. Same keys, same language.

use std::sync::Arc;

use super::{
    definition::Definitions,
    diagnostic::{Diagnostic, Diagnostics},
    expr::Expr,
    shape::Shape,
    until::Until,
    yaml::Node,
};
use crate::indicator::Lists;

/// What is not to be alerted on, why, and who said so.
#[derive(Clone, Debug)]
pub struct Exception {
    /// Its name: what `alert.suppressed_by` says.
    pub name: String,
    /// When it applies.
    pub condition: Expr,
    /// Why it is right.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Its last day.
    pub until: Option<Until>,
}

/// Keys of an exception.
pub(crate) const KEYS: &[&str] = &["name", "when", "reason", "owner", "until"];

/// Reads an exception whose keys have been looked at.
pub(super) fn read(
    shape: &Shape<'_>,
    definitions: &mut Definitions,
    diagnostics: &mut Diagnostics,
) -> Option<Exception> {
    let name = shape.required_text("name", diagnostics);
    let reason = shape.required_text("reason", diagnostics);
    let owner = shape.required_text("owner", diagnostics);
    let until = shape.get("until").map(|node| until(node, diagnostics));
    let condition = shape.condition("when", diagnostics).and_then(|text| definitions.condition(&text, diagnostics));
    Some(Exception {
        name: name?,
        condition: condition?,
        reason: reason?,
        owner: owner?,
        until: until.unwrap_or_default(),
    })
}

/// Reads the `unless` of a rule or an override.
pub(super) fn read_all(
    shape: &Shape<'_>,
    definitions: &mut Definitions,
    diagnostics: &mut Diagnostics,
) -> Vec<Exception> {
    let mut found: Vec<Exception> = Vec::new();
    for node in shape.items("unless", diagnostics) {
        let Some(entry) = Shape::new(node, "an exception", KEYS, diagnostics) else { continue };
        let Some(exception) = read(&entry, definitions, diagnostics) else { continue };
        if found.iter().any(|other| other.name == exception.name) {
            let message = format!("two exceptions have the name `{}`", exception.name);
            let place = entry.get("name").map_or(&node.place, |name| &name.place);
            diagnostics.push(Diagnostic::error("duplicate-name", place.clone(), message));
        }
        found.push(exception);
    }
    found
}

fn until(node: &Node, diagnostics: &mut Diagnostics) -> Option<Until> {
    let parsed = node.text().and_then(Until::parse);
    if parsed.is_none() {
        let message = format!("`{}` is not a day", node.text().unwrap_or("this"));
        let error = Diagnostic::error("wrong-type", node.place.clone(), message);
        diagnostics.push(error.hint("write the last day it is valid on, as in `2027-06-30`"));
    }
    parsed
}

/// A whitelist entry: an exception, perhaps for some rules only.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The exception.
    pub exception: Exception,
    /// Ids of the rules it is for; every rule if there are none.
    pub rules: Vec<String>,
}

/// Reads a whitelist: a list of entries.
pub(crate) fn read_whitelist(node: &Node, indicators: &Arc<Lists>, diagnostics: &mut Diagnostics) -> Vec<Entry> {
    let super::yaml::Value::Sequence(items) = &node.value else {
        diagnostics.push(super::shape::wrong_type(node, "a whitelist is a list of entries", None));
        return Vec::new();
    };
    let mut entries: Vec<Entry> = Vec::new();
    let mut names = std::collections::HashMap::new();
    let mut definitions = Definitions::with_indicators(indicators);
    for item in items {
        let known = [KEYS, &["rules"]].concat();
        let Some(shape) = Shape::new(item, "a whitelist entry", &known, diagnostics) else { continue };
        let rules = shape.texts("rules", diagnostics);
        let Some(exception) = read(&shape, &mut definitions, diagnostics) else { continue };
        let place = item.get("name").map_or(&item.place, |name| &name.place);
        if let Some(first) = names.insert(exception.name.clone(), place.clone()) {
            let message = format!("two entries have the name `{}`", exception.name);
            diagnostics
                .push(Diagnostic::error("duplicate-name", place.clone(), message).related(first, "first given here"));
            continue;
        }
        entries.push(Entry { exception, rules });
    }
    entries
}
