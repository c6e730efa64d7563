//! Sigma rules: documents of the Sigma specification compiled to the common form.
//!
//! Every document ends in one of five ways, none of them silence: it is broken (reported like any
//! broken rule), *rejected* (it uses what this version cannot do), *dormant* (no event of ours
//! carries what it needs), *degraded* (some of what it asks for is never there) or *active*.

mod condition;
mod detection;
mod fieldmap;
mod modifier;
mod value;

pub use fieldmap::Fieldmap;

use sha2::{Digest, Sha256};

use super::{
    diagnostic::{Diagnostic, Diagnostics},
    expr::Expr,
    loaded::{Loaded, State},
    program::{Program, Purpose, Table},
    shape::Shape,
    template::Template,
    yaml::{Node, Value},
};
use crate::event::{Kind, Severity};
use detection::Compiler;
use fieldmap::Logsource;

/// Reads a document. `None` if anything is wrong, which is then reported.
pub(super) fn read(
    document: &Node,
    number: usize,
    fieldmap: &Fieldmap,
    diagnostics: &mut Diagnostics,
) -> Option<Loaded> {
    let before = diagnostics.errors();
    let Value::Mapping(entries) = &document.value else { return None };
    // The specification allows keys of one's own: none is unknown.
    let keys: Vec<&str> = entries.iter().filter_map(|(key, _)| key.text()).collect();
    let shape = Shape::of_mapping(document, "a Sigma rule");
    let title = shape.required_text("title", diagnostics);
    let compiled = match unsupported(&keys) {
        Some(reason) => Some((Expr::Const(false), State::Rejected(reason.to_owned()))),
        None => compile(&shape, fieldmap, diagnostics),
    };
    let severity = match shape.get("level") {
        Some(_) => shape.word("level", diagnostics),
        None => Some(Severity::Medium),
    };
    let mut canonical = Vec::new();
    document.write_canonical(&mut canonical);
    let rule = Loaded {
        id: shape.text("id", diagnostics).unwrap_or_else(|| own_id(document, number)),
        title: title.clone().unwrap_or_default(),
        description: shape.text("description", diagnostics).unwrap_or_default().trim_end().to_owned(),
        severity: severity?,
        tags: shape.texts("tags", diagnostics),
        references: shape.texts("references", diagnostics),
        author: shape.text("author", diagnostics),
        license: shape.text("license", diagnostics),
        ruleset: "sigma",
        content_hash: data_encoding::HEXLOWER.encode(&Sha256::digest(&canonical)),
        condition: Expr::Const(false),
        unless: Vec::new(),
        output: Template::plain(title.as_deref().unwrap_or_default()),
        respond: Vec::new(),
        tests: Vec::new(),
        state: State::Active,
        place: document.get("id").or(document.get("title")).unwrap_or(document).place.clone(),
    };
    let (condition, state) = compiled?;
    (diagnostics.errors() == before).then_some(Loaded { condition, state, ..rule })
}

/// What a document is that is no rule about single events.
fn unsupported(keys: &[&str]) -> Option<&'static str> {
    let has = |key| keys.contains(&key);
    if has("correlation") {
        Some("correlations are not supported yet by this version")
    } else if has("filter") {
        Some("filters are not supported yet by this version")
    } else if has("action") {
        Some("`action` is not part of the specification since version 2")
    } else {
        None
    }
}

/// An id for a rule without one: stable as long as the file keeps its name.
fn own_id(document: &Node, number: usize) -> String {
    let name = &document.place.source.name;
    let stem =
        std::path::Path::new(name).file_stem().map_or_else(|| name.clone(), |stem| stem.to_string_lossy().into());
    if number == 0 { format!("sigma-{stem}") } else { format!("sigma-{stem}-{number}") }
}

/// Condition and state of a rule; `None` if it is broken.
fn compile(shape: &Shape<'_>, fieldmap: &Fieldmap, diagnostics: &mut Diagnostics) -> Option<(Expr, State)> {
    let logsource = shape.required("logsource", diagnostics).and_then(|node| asked(node, diagnostics));
    let detection = shape.required("detection", diagnostics);
    let (logsource, detection) = (logsource?, detection?);
    let sources: Vec<&Logsource> = fieldmap.matching(&logsource).collect();
    let mut all = Vec::new();
    let mut missing: Vec<String> = Vec::new();
    let mut rejected = None;
    // Without a log source of ours the rule is read all the same, for its problems.
    let targets = if sources.is_empty() { vec![None] } else { sources.iter().copied().map(Some).collect() };
    for target in targets {
        let mut compiler = Compiler::new(target);
        let mut problems = Diagnostics::default();
        let expr = compiler.detection(detection, &mut problems);
        let broken = problems.has_errors();
        diagnostics.extend(problems);
        if broken {
            return None;
        }
        rejected = rejected.or(compiler.rejected);
        for reason in compiler.missing {
            if !missing.contains(&reason) {
                missing.push(reason);
            }
        }
        if let (Some(target), Some(expr)) = (target, expr) {
            all.push(target.condition.clone().and(expr));
        }
    }
    let condition = Expr::Any(all);
    let state = if let Some(reason) = rejected {
        return Some((Expr::Const(false), State::Rejected(reason)));
    } else if sources.is_empty() {
        State::Dormant(fieldmap.why_not(&logsource))
    } else if !can_match(&condition) {
        let reason =
            if missing.is_empty() { "no event can match its condition".to_owned() } else { missing.join("; ") };
        State::Dormant(reason)
    } else if missing.is_empty() {
        State::Active
    } else {
        State::Degraded(missing)
    };
    Some((condition, state))
}

fn can_match(condition: &Expr) -> bool {
    let mut table = Table::default();
    Kind::ALL
        .iter()
        .any(|kind| !matches!(Program::new(condition, *kind, Purpose::Alert, &mut table), Program::Const(false)))
}

/// What a rule's `logsource` asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) category: Option<String>,
    pub(super) product: Option<String>,
    pub(super) service: Option<String>,
}

impl std::fmt::Display for Asked {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts: Vec<String> = [("category", &self.category), ("product", &self.product), ("service", &self.service)]
            .into_iter()
            .filter_map(|(key, value)| value.as_ref().map(|value| format!("{key} `{value}`")))
            .collect();
        out.write_str(&parts.join(", "))
    }
}

fn asked(node: &Node, diagnostics: &mut Diagnostics) -> Option<Asked> {
    let Value::Mapping(_) = &node.value else {
        diagnostics.push(super::shape::wrong_type(node, "`logsource` is a mapping", None));
        return None;
    };
    let shape = Shape::of_mapping(node, "a log source");
    let mut lower = |key| shape.text(key, diagnostics).map(|text| text.to_lowercase());
    let asked = Asked { category: lower("category"), product: lower("product"), service: lower("service") };
    if asked == Asked::default() {
        let error = Diagnostic::error("missing-key", node.place.clone(), "the log source names nothing");
        diagnostics.push(error.hint("it needs `category`, `product` or `service`"));
        return None;
    }
    Some(asked)
}

#[cfg(test)]
mod tests;
