//! Sigma filters: conditions of one file that are put to rules of others.
//!
//! A filter says when a rule may still alert: `rule and filter`. To exclude something its condition
//! therefore begins with `not`, which is easily forgotten and warned about.

use std::cell::{Cell, RefCell};

use sha2::{Digest, Sha256};

use super::{
    Logsource, Placeholders,
    detection::{Compiler, Fields, Found},
};
use crate::rule::{
    diagnostic::{Diagnostic, Diagnostics, Place},
    expr::Expr,
    shape::{Shape, wrong_type},
    yaml::{Node, Value},
};

/// Keys of `filter` that are no searches.
const NO_SEARCHES: &[&str] = &["condition", "rules"];

/// Parts that the filters of rules that are loaded together may add to their conditions.
const MAX_PARTS: usize = 2_000_000;

/// The filters of rules that are loaded together.
#[derive(Debug)]
pub(super) struct Filters {
    filters: Vec<Filter>,
    /// Parts that they have added to conditions.
    added: Cell<usize>,
}

impl Filters {
    /// Those among some documents. What is wrong with the others is reported.
    pub(super) fn read<'d>(
        documents: impl Iterator<Item = &'d Node>,
        placeholders: &Placeholders,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let filters = documents.filter(|document| is_one(document));
        let filters = filters.filter_map(|document| Filter::read(document, placeholders, diagnostics)).collect();
        Self { filters, added: Cell::new(0) }
    }

    /// Those for a rule that has these ids and names.
    pub(super) fn of(&self, names: &[String], logsource: &Logsource) -> Vec<&Filter> {
        self.filters.iter().filter(|filter| filter.applies(names, logsource)).collect()
    }

    /// A rule's condition with that of a filter. Refused once filters have added too much: each rule has
    /// a condition of its own, so that their parts count once for every rule.
    pub(super) fn put(
        &self,
        filter: &Filter,
        rule: Expr,
        compiler: &mut Compiler<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Expr {
        let before = self.added.get();
        if before > MAX_PARTS {
            return rule;
        }
        let expr = filter.compile(compiler);
        self.added.set(before.saturating_add(expr.size()));
        if self.added.get() > MAX_PARTS {
            let message = format!("filters add more than {MAX_PARTS} parts to the conditions of their rules");
            let error = Diagnostic::error("too-large", filter.place.clone(), message).label("the last of them");
            diagnostics
                .push(error.hint("name fewer rules in `rules`, or put plain strings for wildcards and expressions"));
            return rule;
        }
        rule.and(expr)
    }

    /// Warns of those that no rule was for.
    pub(super) fn report(&self, diagnostics: &mut Diagnostics) {
        self.filters.iter().for_each(|filter| filter.report(diagnostics));
    }
}

/// A filter that has no problem.
#[derive(Debug)]
pub(super) struct Filter {
    /// What is under `filter`.
    detection: Node,
    logsource: Logsource,
    /// Ids or names of rules; none for all rules of the log source.
    rules: Option<Vec<String>>,
    place: Place,
    /// What makes it another filter.
    digest: Vec<u8>,
    /// What it comes to, by where fields are: a long list is read once for all rules of a log source, which
    /// share its tests.
    compiled: RefCell<Vec<(usize, Found)>>,
    /// Whether some rule was for it.
    used: Cell<bool>,
}

/// Whether a document is a filter.
pub(super) fn is_one(document: &Node) -> bool {
    document.get("filter").is_some()
}

impl Filter {
    /// Reads a filter. `None` if it is broken or cannot be used, which is then reported.
    fn read(document: &Node, placeholders: &Placeholders, diagnostics: &mut Diagnostics) -> Option<Self> {
        let shape = Shape::of_mapping(document, "a Sigma filter");
        let mut problems = Diagnostics::default();
        shape.required_text("title", &mut problems);
        let logsource = shape.required("logsource", &mut problems);
        let logsource = logsource.and_then(|node| Logsource::of_node(node, &mut problems));
        let detection = shape.required("filter", &mut problems);
        let rules = detection.and_then(|node| rules(node, &mut problems));
        let mut compiler = Compiler::new(Fields::Nowhere, placeholders);
        if let Some(node) = detection {
            condition(node, &mut problems);
            compiler.detection(node, NO_SEARCHES, &mut problems);
        }
        let is_broken = problems.has_errors();
        diagnostics.extend(problems);
        if let Some((place, reason)) = compiler.rejected {
            let message = format!("this filter is not used: {reason}");
            diagnostics.push(Diagnostic::warning("filter-rejected", place, message));
            return None;
        }
        if is_broken {
            return None;
        }
        let mut canonical = Vec::new();
        detection?.write_canonical(&mut canonical);
        let place = document.get("id").or(document.get("title")).unwrap_or(document).place.clone();
        Some(Self {
            detection: detection?.clone(),
            logsource: logsource?,
            rules: rules?.0,
            place,
            digest: Sha256::digest(&canonical).to_vec(),
            compiled: RefCell::default(),
            used: Cell::new(false),
        })
    }

    /// Whether it is for a rule that has these ids and names.
    fn applies(&self, names: &[String], logsource: &Logsource) -> bool {
        let is_meant = match &self.rules {
            None => true,
            Some(rules) => rules.iter().any(|rule| names.contains(rule)),
        };
        let applies = is_meant && self.logsource.contains(logsource);
        if applies {
            self.used.set(true);
        }
        applies
    }

    /// Its condition, over the fields of a rule.
    fn compile(&self, compiler: &mut Compiler<'_>) -> Expr {
        let place = compiler.fields.place();
        let mut compiled = self.compiled.borrow_mut();
        let known = compiled.iter().position(|(other, _)| *other == place).unwrap_or_else(|| {
            let mut alone = compiler.alone();
            // Its problems were reported when it was read; there are none.
            let expr = alone.detection(&self.detection, NO_SEARCHES, &mut Diagnostics::default());
            compiled.push((place, alone.found(expr.unwrap_or(Expr::Const(true)))));
            compiled.len() - 1
        });
        compiled.get(known).map_or(Expr::Const(true), |(_, found)| compiler.take(found))
    }

    /// Appends what makes it another filter.
    pub(super) fn write_canonical(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.digest);
    }

    /// Warns if no rule was for it.
    fn report(&self, diagnostics: &mut Diagnostics) {
        if !self.used.get() {
            let warning = Diagnostic::warning("unused-filter", self.place.clone(), "no rule here is for this filter");
            diagnostics
                .push(warning.hint("it names rules by `id` or `name`, and its log source has to contain theirs"));
        }
    }
}

/// Which rules it is for; `None` inside for any. `None` if that is not said as it has to be.
struct Rules(Option<Vec<String>>);

fn rules(node: &Node, diagnostics: &mut Diagnostics) -> Option<Rules> {
    let hint = || Some("write `rules: any`, or a list of ids or names of rules".to_owned());
    let Some(rules) = node.get("rules") else {
        let error = Diagnostic::error("missing-key", node.place.clone(), "a filter needs `rules`").hint_if(hint());
        diagnostics.push(error);
        return None;
    };
    let names: Option<Vec<String>> = match &rules.value {
        Value::Mapping(_) => None,
        Value::Scalar(scalar) => Some(vec![scalar.text.clone()]),
        Value::Sequence(items) => items.iter().map(|item| item.text().map(str::to_owned)).collect(),
    };
    match names.as_deref() {
        Some([]) => Some(Rules(None)),
        Some([one]) if one.eq_ignore_ascii_case("any") => Some(Rules(None)),
        Some(_) => Some(Rules(names)),
        None => {
            diagnostics.push(wrong_type(rules, "`rules` is `any` or a list of ids or names", hint()));
            None
        }
    }
}

/// What is wrong with the condition of a filter, or probably not meant.
fn condition(node: &Node, diagnostics: &mut Diagnostics) {
    let Some(condition) = node.get("condition") else { return };
    let Some(text) = condition.text() else {
        diagnostics.push(wrong_type(condition, "the condition of a filter is one string", None));
        return;
    };
    let mut words = text.split(|character: char| character.is_whitespace() || "()".contains(character));
    if !words.any(|word| word.eq_ignore_ascii_case("not")) {
        let message = "this filter lets its rules alert on nothing but what it matches";
        let warning = Diagnostic::warning("filter-without-not", condition.place.clone(), message);
        diagnostics.push(warning.hint(format!("to exclude what it matches, write `not ({text})`")));
    }
}
