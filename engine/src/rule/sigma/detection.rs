//! Sigma's `detection`: searches made of items, joined by a condition.

use std::{cell::RefCell, collections::BTreeSet};

use super::{
    condition,
    fieldmap::MappedSource,
    modifier::{self, Reading, Refusal},
    placeholder::Placeholders,
    value::Value,
};
use crate::{
    event::facts::Names,
    rule::{
        ast::Text,
        diagnostic::{Diagnostic, Diagnostics, Place},
        expr::Expr,
        lack::Lack,
        lint,
        mapping::NOT_MAPPED,
        pcre::{self, Flavour},
        reason::Reason,
        shape::wrong_type,
        yaml::{Node, Value as Yaml},
    },
};

/// Where the fields of a rule are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fields<'f> {
    /// In the events of another product, under the names that the rule uses.
    Foreign(&'f RefCell<Names>),
    /// In our events, by the field map.
    Mapped(&'f MappedSource),
    /// Nowhere: the rule is only read for its problems.
    Nowhere,
}

impl Fields<'_> {
    /// A number that is the same where fields are the same, as long as the field map is there.
    pub(super) fn place(&self) -> usize {
        match self {
            Self::Foreign(_) => 0,
            Self::Nowhere => 1,
            // No such thing lies at so low an address.
            Self::Mapped(source) => std::ptr::from_ref(*source).addr(),
        }
    }
}

/// Facts that a rule asks for in vain and that are told of; more of them say no more.
const MAX_LACKS: usize = 100;

/// What a condition came to that several rules have in common.
#[derive(Clone, Debug)]
pub(super) struct Found {
    expr: Expr,
    lacks: Vec<Lack>,
    rejected: Option<(Place, String)>,
}

/// What is lacking in all of several log sources: what one of them has is there.
pub(super) fn lacking_in_all(sources: &[Vec<Lack>]) -> Vec<Reason> {
    // A field that is not there has no value.
    let follows_from =
        |lack: &Lack, other: &Lack| lack.field == other.field && (other.value.is_none() || other.value == lack.value);
    let in_all = |lack: &&Lack| sources.iter().all(|source| source.iter().any(|other| follows_from(lack, other)));
    let mut lacks: Vec<&Lack> = Vec::new();
    for lack in sources.iter().flatten().filter(in_all) {
        match lacks.iter_mut().find(|known| known.field == lack.field && known.value == lack.value) {
            // A log source that knows why says more than one that never heard of the field.
            Some(known) if known.reason.as_deref() == Some(NOT_MAPPED) => *known = lack,
            Some(_) => {}
            None => lacks.push(lack),
        }
    }
    lacks.into_iter().map(Lack::reason).collect()
}

/// Compiles the searches of one rule.
pub(super) struct Compiler<'f> {
    pub(super) fields: Fields<'f>,
    placeholders: &'f Placeholders,
    /// What the rule asks for and no event of the log source carries.
    pub(super) lacks: Vec<Lack>,
    /// The first thing this version cannot do, and where it is asked for.
    pub(super) rejected: Option<(Place, String)>,
}

impl<'f> Compiler<'f> {
    pub(super) fn new(fields: Fields<'f>, placeholders: &'f Placeholders) -> Self {
        Self { fields, placeholders, lacks: Vec::new(), rejected: None }
    }

    /// Another one for the same fields, which knows of nothing yet.
    pub(super) fn alone(&self) -> Self {
        Self::new(self.fields, self.placeholders)
    }

    /// What it has found.
    pub(super) fn found(self, expr: Expr) -> Found {
        Found { expr, lacks: self.lacks, rejected: self.rejected }
    }

    /// Makes what another one has found a part of this rule. The predicates are shared.
    pub(super) fn take(&mut self, found: &Found) -> Expr {
        found.lacks.iter().for_each(|lack| self.note(lack.clone()));
        if self.rejected.is_none() {
            self.rejected.clone_from(&found.rejected);
        }
        found.expr.clone()
    }

    /// Compiles `detection` with its condition. Some keys of it are no searches.
    pub(super) fn detection(
        &mut self,
        node: &Node,
        no_searches: &[&str],
        diagnostics: &mut Diagnostics,
    ) -> Option<Expr> {
        let Yaml::Mapping(entries) = &node.value else {
            diagnostics.push(wrong_type(node, "`detection` is a mapping", None));
            return None;
        };
        let mut searches = Vec::new();
        let mut broken = false;
        for (key, value) in entries {
            match key.text() {
                Some(name) if no_searches.contains(&name) => {}
                Some(_) if is_timeframe(key, value) => {}
                Some(name) => {
                    let expr = self.search(value, diagnostics);
                    broken |= expr.is_none();
                    // A broken search still has a name.
                    searches.push((name.to_owned(), expr.unwrap_or(Expr::Const(false))));
                }
                None => diagnostics.push(wrong_type(key, "the name of a search is a string", None)),
            }
        }
        let Some(condition) = node.get("condition") else {
            let error = Diagnostic::error(
                "missing-key",
                node.place.clone(),
                "`condition` is missing: which searches have to match",
            );
            diagnostics.push(error);
            return None;
        };
        let conditions = match &condition.value {
            Yaml::Sequence(items) if items.is_empty() => {
                let error = Diagnostic::error("empty-list", condition.place.clone(), "`condition` is an empty list");
                diagnostics.push(error.hint("name the searches that have to match"));
                return None;
            }
            Yaml::Sequence(items) => items.iter().collect(),
            Yaml::Mapping(_) | Yaml::Scalar(_) => vec![condition],
        };
        let mut parts = Vec::new();
        for condition in conditions {
            if condition.text().is_none() {
                diagnostics.push(wrong_type(condition, "`condition` is a string or a list of strings", None));
                return None;
            }
            match condition::compile(&Text::of_node(condition), &searches) {
                Ok(expr) => parts.push(expr),
                Err(error) if error.code == "not-supported" => self.reject(&error.place, &error.message),
                Err(error) => {
                    diagnostics.push(*error);
                    broken = true;
                }
            }
        }
        let rule = (!broken).then_some(Expr::Any(parts))?;
        // A condition that is beyond this version may use any.
        if self.rejected.is_none() {
            let is_search = |(key, value): &&(Node, Node)| {
                key.text().is_some_and(|name| !no_searches.contains(&name)) && !is_timeframe(key, value)
            };
            unused(entries.iter().filter(is_search).map(|(key, _)| key), &rule, diagnostics);
            for (key, _) in entries.iter().filter(|(key, value)| is_timeframe(key, value)) {
                let message = "`timeframe` is not part of the specification since version 2, and left out";
                let warning = Diagnostic::warning("unused-search", key.place.clone(), message);
                diagnostics.push(warning.hint("a correlation counts events in a `timespan`"));
            }
        }
        Some(rule)
    }

    fn reject(&mut self, place: &Place, reason: &str) {
        self.rejected.get_or_insert_with(|| (place.clone(), reason.to_owned()));
    }

    /// Notes that a field is not there, or not with a value.
    pub(super) fn lack(&mut self, field: &str, value: Option<String>, reason: Option<String>) {
        self.note(Lack { field: field.to_owned(), value, partly: false, reason, place: None });
    }

    fn note(&mut self, lack: Lack) {
        let is_somewhere = !matches!(self.fields, Fields::Nowhere);
        if is_somewhere && self.lacks.len() < MAX_LACKS && !self.lacks.contains(&lack) {
            self.lacks.push(lack);
        }
    }

    /// A mapping is true if all its items are; a list if any of its members is.
    fn search(&mut self, node: &Node, diagnostics: &mut Diagnostics) -> Option<Expr> {
        match &node.value {
            Yaml::Mapping(entries) => {
                if entries.is_empty() {
                    diagnostics.push(Diagnostic::error("empty-map", node.place.clone(), "this search is empty"));
                    return None;
                }
                let items: Vec<_> = entries.iter().map(|(key, value)| self.item(key, value, diagnostics)).collect();
                items.into_iter().collect::<Option<Vec<_>>>().map(Expr::All)
            }
            Yaml::Sequence(items) => {
                if items.is_empty() {
                    diagnostics.push(Diagnostic::error("empty-list", node.place.clone(), "this search is empty"));
                    return None;
                }
                let members: Vec<_> = items.iter().map(|item| self.search(item, diagnostics)).collect();
                members.into_iter().collect::<Option<Vec<_>>>().map(Expr::Any)
            }
            Yaml::Scalar(_) => self.compile_item("", &[], &[node], node, diagnostics),
        }
    }

    fn item(&mut self, key: &Node, value: &Node, diagnostics: &mut Diagnostics) -> Option<Expr> {
        let Some(text) = key.text() else {
            diagnostics.push(wrong_type(key, "a field name is a string", None));
            return None;
        };
        let mut parts = text.split('|');
        let field = parts.next().unwrap_or_default();
        let modifiers: Vec<&str> = parts.collect();
        let mut nodes = Vec::new();
        flatten(value, &mut nodes);
        if nodes.is_empty() {
            diagnostics.push(Diagnostic::error("empty-list", value.place.clone(), format!("`{text}` has no value")));
            return None;
        }
        self.compile_item(field, &modifiers, &nodes, key, diagnostics)
    }

    fn compile_item(
        &mut self,
        field: &str,
        modifiers: &[&str],
        nodes: &[&Node],
        key: &Node,
        diagnostics: &mut Diagnostics,
    ) -> Option<Expr> {
        let reading = Reading::of(modifiers);
        let mut values = Vec::new();
        for node in nodes {
            let Some(value) = Value::of_node(node, reading) else {
                diagnostics.push(wrong_type(node, "a value is a string, a number, a boolean or null", None));
                return None;
            };
            values.push(value);
        }
        let compiled = modifier::apply(modifiers, values, self.placeholders).and_then(|item| self.place(field, &item));
        match compiled {
            Ok(expr) => {
                literals(modifiers, nodes, diagnostics);
                if nodes.len() == 1 && modifiers.contains(&"all") && !modifiers.contains(&"expand") {
                    let warning =
                        Diagnostic::warning("all-of-one", key.place.clone(), "`all` stands before a single value");
                    diagnostics.push(warning.hint("leave it out, or add the other values"));
                }
                Some(expr)
            }
            Err(Refusal::Broken(message, hint)) => {
                diagnostics.push(Diagnostic::error("wrong-item", key.place.clone(), message).hint_if(hint));
                None
            }
            Err(Refusal::Unsupported(reason)) => {
                self.reject(&key.place, &reason);
                Some(Expr::Const(false))
            }
        }
    }
}

/// Whether it is the length of time that aggregations had, in version 1 of the specification. Anything but a plain
/// value under that name is a search.
fn is_timeframe(key: &Node, value: &Node) -> bool {
    key.text() == Some("timeframe") && matches!(value.value, Yaml::Scalar(_))
}

/// Warns about searches that no condition asks for.
fn unused<'n>(searches: impl Iterator<Item = &'n Node>, rule: &Expr, diagnostics: &mut Diagnostics) {
    let mut used = BTreeSet::new();
    names(rule, &mut used);
    for search in searches.filter(|search| search.text().is_some_and(|name| !used.contains(name))) {
        let message = format!("no condition uses the search `{}`", search.text().unwrap_or_default());
        let warning = Diagnostic::warning("unused-search", search.place.clone(), message);
        diagnostics.push(warning.hint("name it in `condition`, or remove it"));
    }
}

/// The searches that a condition is made of.
fn names<'e>(expr: &'e Expr, used: &mut BTreeSet<&'e str>) {
    match expr {
        Expr::All(parts) | Expr::Any(parts) => parts.iter().for_each(|part| names(part, used)),
        Expr::Named { name, inner, .. } => {
            used.insert(name);
            names(inner, used);
        }
        Expr::Const(_) | Expr::Test { .. } => {}
    }
}

/// Warns about regular expressions that say no more than a string does.
fn literals(modifiers: &[&str], nodes: &[&Node], diagnostics: &mut Diagnostics) {
    // A placeholder may stand for more than itself.
    if !modifiers.contains(&"re") || modifiers.contains(&"expand") {
        return;
    }
    for node in nodes {
        let plainly = |text: &str| lint::plainly(&pcre::translate(text, Flavour::Pcre).ok()?);
        let Some((text, operator)) = node.text().and_then(|text| Some((text, plainly(text)?))) else { continue };
        let message = format!("the regular expression `{text}` is a plain string");
        let instead = if operator == "=" { "no modifier".to_owned() } else { format!("the modifier `{operator}`") };
        let warning = Diagnostic::warning("regex-is-literal", node.place.clone(), message);
        diagnostics.push(warning.hint(format!("{instead} is faster and clearer; add `cased` if case matters")));
    }
}

fn flatten<'n>(node: &'n Node, found: &mut Vec<&'n Node>) {
    match &node.value {
        Yaml::Sequence(items) => items.iter().for_each(|item| flatten(item, found)),
        Yaml::Mapping(_) | Yaml::Scalar(_) => found.push(node),
    }
}
