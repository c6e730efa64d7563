//! Sigma rules about single events.

use sha2::{Digest, Sha256};

use super::{
    Fieldmap, Logsource, RULESET, Setup, Target, correlation,
    detection::{self, Compiler, Fields},
    fieldmap::MappedSource,
    filter::{Filter, Filters},
    related,
};
use crate::{
    event::Severity,
    rule::{
        diagnostic::{Diagnostic, Diagnostics, Place},
        expr::Expr,
        lack, lint,
        loaded::{Loaded, State},
        reason::{Code, Reason},
        shape::Shape,
        template::Template,
        yaml::{Node, Value},
    },
};

/// Reads a document. `None` if anything is wrong, which is then reported.
pub(super) fn read(
    document: &Node,
    number: usize,
    setup: &Setup,
    filters: &Filters,
    diagnostics: &mut Diagnostics,
) -> Option<Loaded> {
    let before = diagnostics.errors();
    let Value::Mapping(entries) = &document.value else { return None };
    // The specification allows keys of one's own: none is unknown.
    let keys: Vec<&str> = entries.iter().filter_map(|(key, _)| key.text()).collect();
    let shape = Shape::of_mapping(document, "a Sigma rule");
    let title = shape.required_text("title", diagnostics);
    let mut names: Vec<String> = ["id", "name"].iter().filter_map(|key| shape.text(key, diagnostics)).collect();
    names.extend(related::former_ids(&shape, diagnostics));
    let mut canonical = Vec::new();
    document.write_canonical(&mut canonical);
    let draft = shape.get("correlation").map(|node| correlation::read(node, diagnostics));
    let compiled = match unsupported(&keys) {
        Some(reason) => Some(Compiled::rejected(&document.place, reason, None, diagnostics)),
        None if draft.is_some() => {
            Some(Compiled { condition: Expr::Const(false), state: State::Active, logsource: None })
        }
        None => compile(
            &shape,
            setup,
            filters,
            |asked| {
                let wanted = filters.of(&names, asked);
                // A rule with another filter is another rule.
                wanted.iter().for_each(|filter| filter.write_canonical(&mut canonical));
                wanted
            },
            diagnostics,
        ),
    };
    let severity = match shape.get("level") {
        Some(_) => shape.word("level", diagnostics),
        None => Some(Severity::Medium),
    };
    let rule = Loaded {
        id: document.get("id").and_then(Node::text).map_or_else(|| own_id(document, number), str::to_owned),
        name: shape.text("name", &mut Diagnostics::default()),
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
        draft: draft.flatten(),
        correlation: None,
        silenced: false,
        unless: Vec::new(),
        output: Template::plain(title.as_deref().unwrap_or_default()),
        respond: Vec::new(),
        tests: Vec::new(),
        state: State::Active,
        place: document.get("id").or(document.get("title")).unwrap_or(document).place.clone(),
    };
    let Compiled { condition, state, logsource } = compiled?;
    // A correlation is about what its members are about.
    if matches!(setup.target, Target::Ours(_)) && shape.get("correlation").is_none() {
        lint::technique(&rule.tags, &rule.place, diagnostics);
    }
    (diagnostics.errors() == before).then_some(Loaded { condition, state, logsource, ..rule })
}

/// What a document is that is no rule about single events.
fn unsupported(keys: &[&str]) -> Option<&'static str> {
    let has = |key| keys.contains(&key);
    if has("action") { Some("`action` is not part of the specification since version 2") } else { None }
}

/// What the condition of a log source is called where conditions are shown.
const LOGSOURCE: &str = "logsource";

/// Keys of `detection` that are no searches.
const NO_SEARCHES: &[&str] = &["condition"];

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
    /// It stays loaded, so that a tree of rules is not refused for one of them.
    fn rejected(place: &Place, reason: &str, logsource: Option<Logsource>, diagnostics: &mut Diagnostics) -> Self {
        let warning = Diagnostic::warning("rejected", place.clone(), reason);
        diagnostics.push(warning.hint("the rule is loaded and can never match"));
        Self { condition: Expr::Const(false), state: State::Rejected(reason.to_owned()), logsource }
    }
}

/// Compiles a rule for its log sources, with the filters that `filters_for` gives. `None` if it is broken.
fn compile<'f>(
    shape: &Shape<'_>,
    setup: &Setup,
    filters: &Filters,
    filters_for: impl FnOnce(&Logsource) -> Vec<&'f Filter>,
    diagnostics: &mut Diagnostics,
) -> Option<Compiled> {
    let target = &setup.target;
    let asked = shape.required("logsource", diagnostics).and_then(|node| Logsource::of_node(node, diagnostics));
    let detection = shape.required("detection", diagnostics);
    let (asked, detection) = (asked?, detection?);
    let wanted = filters_for(&asked);
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
    let mut lacks = Vec::new();
    let mut rejected = None;
    for fields in fields {
        let mut compiler = Compiler::new(fields, &setup.placeholders);
        let mut problems = Diagnostics::default();
        let rule = compiler.detection(detection, NO_SEARCHES, &mut problems);
        let broken = problems.has_errors();
        // What is said of one log source would be said again of the next.
        if broken || lacks.is_empty() {
            diagnostics.extend(problems);
        }
        if broken {
            return None;
        }
        if let Some(rule) = &rule
            && lacks.is_empty()
        {
            lint::joins(rule, detection.get("condition").unwrap_or(detection), diagnostics);
        }
        rejected = rejected.or(compiler.rejected.take());
        let expr = rule
            .map(|rule| wanted.iter().fold(rule, |expr, filter| filters.put(filter, expr, &mut compiler, diagnostics)));
        lacks.push(compiler.lacks);
        match (fields, expr) {
            (Fields::Foreign(_), Some(expr)) => all.push(expr),
            (Fields::Mapped(source), Some(expr)) => all.push(source.condition.clone().named(LOGSOURCE).and(expr)),
            (Fields::Nowhere, _) | (_, None) => {}
        }
    }
    let condition = Expr::Any(all);
    let state = match (rejected, target) {
        (Some((place, reason)), _) => return Some(Compiled::rejected(&place, &reason, Some(asked), diagnostics)),
        (None, Target::Ours(fieldmap)) if sources.is_empty() => no_source(fieldmap, &asked),
        (None, Target::Foreign(_) | Target::Ours(_)) => lack::state(&condition, detection::lacking_in_all(&lacks)),
    };
    Some(Compiled { condition, state, logsource: Some(asked) })
}

/// The state of a rule whose log source is none of ours.
fn no_source(fieldmap: &Fieldmap, asked: &Logsource) -> State {
    State::Dormant(vec![Reason::new(Code::NoLogSource, asked.to_string(), fieldmap.why_not(asked))])
}
