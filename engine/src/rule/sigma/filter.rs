//! Sigma filters: conditions of one file that are put to rules of others.
//!
//! A filter says when a rule may still alert: `rule and filter`. To exclude something its condition
//! therefore begins with `not`, which is easily forgotten and warned about.

use std::cell::Cell;

use super::{
    Logsource, Placeholders,
    detection::{Compiler, Fields},
};
use crate::rule::{
    diagnostic::{Diagnostic, Diagnostics, Place},
    expr::Expr,
    shape::{Shape, wrong_type},
    yaml::{Node, Value},
};

/// Keys of `filter` that are no searches.
const NO_SEARCHES: &[&str] = &["condition", "rules"];

/// A filter that has no problem.
#[derive(Debug)]
pub(super) struct Filter {
    /// What is under `filter`.
    detection: Node,
    logsource: Logsource,
    /// Ids or names of rules; none for all rules of the log source.
    rules: Option<Vec<String>>,
    place: Place,
    /// Whether some rule was for it.
    used: Cell<bool>,
}

/// Whether a document is a filter.
pub(super) fn is_one(document: &Node) -> bool {
    document.get("filter").is_some()
}

impl Filter {
    /// Reads a filter. `None` if it is broken or cannot be used, which is then reported.
    pub(super) fn read(document: &Node, placeholders: &Placeholders, diagnostics: &mut Diagnostics) -> Option<Self> {
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
        let place = document.get("id").or(document.get("title")).unwrap_or(document).place.clone();
        Some(Self {
            detection: detection?.clone(),
            logsource: logsource?,
            rules: rules?.0,
            place,
            used: Cell::new(false),
        })
    }

    /// Whether it is for a rule that has these ids and names.
    pub(super) fn applies(&self, names: &[String], logsource: &Logsource) -> bool {
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
    pub(super) fn compile(&self, compiler: &mut Compiler<'_>) -> Expr {
        // Its problems were reported when it was read; there are none.
        compiler.detection(&self.detection, NO_SEARCHES, &mut Diagnostics::default()).unwrap_or(Expr::Const(true))
    }

    /// Appends what makes it another filter.
    pub(super) fn write_canonical(&self, out: &mut Vec<u8>) {
        self.detection.write_canonical(out);
    }

    /// Warns if no rule was for it.
    pub(super) fn report(&self, diagnostics: &mut Diagnostics) {
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
