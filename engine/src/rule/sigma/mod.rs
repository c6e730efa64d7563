//! Sigma rules: documents of the Sigma specification compiled to the common form.
//!
//! Every document ends in one of five ways, none of them silence: it is broken (reported like any
//! broken rule), *rejected* (it uses what this version cannot do), *dormant* (no event of ours
//! carries what it needs), *degraded* (some of what it asks for is never there) or *active*.

mod condition;
mod detection;
mod encode;
mod fieldmap;
mod item;
mod logsource;
mod modifier;
mod placeholder;
mod value;

pub use fieldmap::Fieldmap;
pub use logsource::Logsource;
pub use placeholder::Placeholders;

use std::{cell::RefCell, sync::Arc};

use sha2::{Digest, Sha256};

use super::{
    diagnostic::Diagnostics,
    expr::{Expr, Source},
    loaded::{Loaded, State},
    program::{Program, Purpose, Table},
    shape::Shape,
    template::Template,
    yaml::{Node, Value},
};
use crate::event::{Kind, Severity, facts::Names};
use detection::{Compiler, Fields};
use fieldmap::MappedSource;

/// What alerts call the set that Sigma rules belong to.
pub const RULESET: &str = "sigma";

/// Whose events rules are read for.
#[derive(Clone, Debug)]
pub enum Target {
    /// Those of another product, with its names for fields; every log source is taken to be there.
    Foreign(RefCell<Names>),
    /// Ours.
    Ours(Arc<Fieldmap>),
}

/// What Sigma rules are read with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Whose events the rules are for.
    pub target: Target,
    /// What `expand` puts for placeholders.
    pub placeholders: Placeholders,
}

/// Reads a document. `None` if anything is wrong, which is then reported.
pub(super) fn read(document: &Node, number: usize, setup: &Setup, diagnostics: &mut Diagnostics) -> Option<Loaded> {
    let before = diagnostics.errors();
    let Value::Mapping(entries) = &document.value else { return None };
    // The specification allows keys of one's own: none is unknown.
    let keys: Vec<&str> = entries.iter().filter_map(|(key, _)| key.text()).collect();
    let shape = Shape::of_mapping(document, "a Sigma rule");
    let title = shape.required_text("title", diagnostics);
    let compiled = match unsupported(&keys) {
        Some(reason) => Some(Compiled { logsource: None, ..Compiled::rejected(reason.to_owned()) }),
        None => compile(&shape, setup, diagnostics),
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
        ruleset: RULESET,
        logsource: None,
        content_hash: data_encoding::HEXLOWER.encode(&Sha256::digest(&canonical)),
        condition: Expr::Const(false),
        unless: Vec::new(),
        output: Template::plain(title.as_deref().unwrap_or_default()),
        respond: Vec::new(),
        tests: Vec::new(),
        state: State::Active,
        place: document.get("id").or(document.get("title")).unwrap_or(document).place.clone(),
    };
    let Compiled { condition, state, logsource } = compiled?;
    (diagnostics.errors() == before).then_some(Loaded { condition, state, logsource, ..rule })
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

/// What a rule says of events.
struct Compiled {
    condition: Expr,
    state: State,
    logsource: Option<Logsource>,
}

impl Compiled {
    fn rejected(reason: String) -> Self {
        Self { condition: Expr::Const(false), state: State::Rejected(reason), logsource: None }
    }
}

/// `None` if the rule is broken.
fn compile(shape: &Shape<'_>, setup: &Setup, diagnostics: &mut Diagnostics) -> Option<Compiled> {
    let target = &setup.target;
    let asked = shape.required("logsource", diagnostics).and_then(|node| Logsource::of_node(node, diagnostics));
    let detection = shape.required("detection", diagnostics);
    let (asked, detection) = (asked?, detection?);
    let sources: Vec<&MappedSource> = match target {
        Target::Foreign(_) => Vec::new(),
        Target::Ours(fieldmap) => fieldmap.matching(&asked).collect(),
    };
    let mut fields: Vec<Fields<'_>> = sources.iter().copied().map(Fields::Mapped).collect();
    match target {
        Target::Foreign(names) => fields.push(Fields::Foreign(names)),
        // Without a log source of ours the rule is read all the same, for its problems.
        Target::Ours(_) if sources.is_empty() => fields.push(Fields::Nowhere),
        Target::Ours(_) => {}
    }
    let mut all = Vec::new();
    let mut missing: Vec<String> = Vec::new();
    let mut rejected = None;
    for fields in fields {
        let mut compiler = Compiler::new(fields, &setup.placeholders);
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
        match (fields, expr) {
            (Fields::Foreign(_), Some(expr)) => all.push(expr),
            (Fields::Mapped(source), Some(expr)) => all.push(source.condition.clone().and(expr)),
            (Fields::Nowhere, _) | (_, None) => {}
        }
    }
    let condition = Expr::Any(all);
    let state = match (rejected, target) {
        (Some(reason), _) => return Some(Compiled { logsource: Some(asked), ..Compiled::rejected(reason) }),
        (None, Target::Ours(fieldmap)) if sources.is_empty() => State::Dormant(fieldmap.why_not(&asked)),
        (None, Target::Foreign(_) | Target::Ours(_)) => state(&condition, missing),
    };
    Some(Compiled { condition, state, logsource: Some(asked) })
}

/// Whether a condition can match, with some facts missing.
fn state(condition: &Expr, missing: Vec<String>) -> State {
    match (can_match(condition), missing.is_empty()) {
        (true, true) => State::Active,
        (true, false) => State::Degraded(missing),
        (false, true) => State::Dormant("no event can match its condition".to_owned()),
        (false, false) => State::Dormant(missing.join("; ")),
    }
}

fn can_match(condition: &Expr) -> bool {
    let mut table = Table::default();
    Kind::ALL.iter().copied().map(Source::Kind).chain([Source::Foreign]).any(|source| {
        !matches!(Program::for_source(condition, source, Purpose::Alert, &mut table), Program::Const(false))
    })
}

#[cfg(test)]
mod tests;
