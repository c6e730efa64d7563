//! `exceptions` of a Falco rule: tuples of fields with the values that are not to be alerted on.
//!
//! A rule becomes `condition and not (exception or exception ...)`; an exception is true if any of its
//! tuples has the value it names in every field.

use super::{
    ast::{Comparison, Node, OPERATORS, Operand, Operator, Right, Takes, Word},
    item::constant,
    joined::Joined,
    parse,
};
use crate::rule::{
    ast::{Name, Text},
    diagnostic::{Diagnostic, Diagnostics, did_you_mean},
    shape::{Shape, wrong_type},
    yaml::{self, Value},
};

/// Keys of an exception.
const KEYS: &[&str] = &["name", "fields", "comps", "values"];

/// Named tuples of fields, and the values that are excepted.
#[derive(Debug)]
pub(super) struct Exception {
    name: String,
    /// What is compared, and how.
    columns: Vec<(Name, Operator)>,
    /// Whether `fields` names one field: then the values are one list.
    is_single: bool,
    /// By column, what each tuple has there.
    tuples: Vec<Vec<Vec<Word>>>,
}

/// Reads the exceptions of an item.
pub(super) fn read(shape: &Shape<'_>, diagnostics: &mut Diagnostics) -> Vec<Exception> {
    let mut found = Vec::new();
    add(&mut found, shape, false, diagnostics);
    found
}

/// Adds values to exceptions that are there, and exceptions that are new.
pub(super) fn append(exceptions: &mut Vec<Exception>, shape: &Shape<'_>, diagnostics: &mut Diagnostics) {
    add(exceptions, shape, true, diagnostics);
}

fn add(exceptions: &mut Vec<Exception>, shape: &Shape<'_>, may_be_there: bool, diagnostics: &mut Diagnostics) {
    for node in shape.items("exceptions", diagnostics) {
        let Some(entry) = Shape::new(node, "an exception", KEYS, diagnostics) else { continue };
        let Some(name) = entry.required_text("name", diagnostics) else { continue };
        match exceptions.iter_mut().find(|exception| exception.name == name) {
            Some(exception) if may_be_there => exception.add_values(&entry, diagnostics),
            Some(_) => {
                let message = format!("two exceptions have the name `{name}`");
                diagnostics.push(Diagnostic::error("duplicate-name", node.place.clone(), message));
            }
            None => exceptions.extend(Exception::read(name, &entry, diagnostics)),
        }
    }
}

impl Exception {
    fn read(name: String, entry: &Shape<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let fields = entry.required("fields", diagnostics)?;
        let is_single = matches!(fields.value, Value::Scalar(_));
        let fields: Vec<Name> = several(fields).iter().filter_map(|node| field(node, diagnostics)).collect();
        let default = if is_single { Operator::In } else { Operator::Equal };
        let operators: Vec<Operator> = match entry.get("comps") {
            Some(node) => several(node).iter().filter_map(|node| operator(node, diagnostics)).collect(),
            None => fields.iter().map(|_| default).collect(),
        };
        let comparisons = entry.get("comps").filter(|comps| several(comps).len() != fields.len());
        if let Some(comps) = comparisons {
            let message = format!("{} fields and {} comparisons", fields.len(), several(comps).len());
            let error = Diagnostic::error("wrong-number", comps.place.clone(), message);
            diagnostics.push(error.hint("each field has one"));
            return None;
        }
        let columns = fields.into_iter().zip(operators).collect();
        let mut exception = Self { name, columns, is_single, tuples: Vec::new() };
        exception.add_values(entry, diagnostics);
        Some(exception)
    }

    fn add_values(&mut self, entry: &Shape<'_>, diagnostics: &mut Diagnostics) {
        let values = entry.items("values", diagnostics);
        if self.is_single {
            let words: Vec<Word> = values.flat_map(|node| constants(node, diagnostics)).collect();
            if !words.is_empty() {
                self.tuples.push(vec![words]);
            }
            return;
        }
        for node in values {
            let Value::Sequence(parts) = &node.value else {
                let hint = Some("write `[a, b]`, a value for each field".to_owned());
                diagnostics.push(wrong_type(node, "values of several fields are lists", hint));
                continue;
            };
            if parts.len() != self.columns.len() {
                let message = format!("{} values for {} fields", parts.len(), self.columns.len());
                diagnostics.push(Diagnostic::error("wrong-number", node.place.clone(), message));
                continue;
            }
            self.tuples.push(parts.iter().map(|part| constants(part, diagnostics)).collect());
        }
    }

    /// The condition that is true for what is excepted; none without values.
    pub(super) fn condition(&self) -> Option<Node> {
        let mut tuples: Vec<Node> = self.tuples.iter().map(|tuple| self.tuple(tuple)).collect();
        match tuples.len() {
            0 => None,
            1 => tuples.pop(),
            _ => Some(Node::Or(tuples)),
        }
    }

    fn tuple(&self, values: &[Vec<Word>]) -> Node {
        let compare = |((field, operator), words): (&(Name, Operator), &Vec<Word>)| {
            // A single field takes its values one by one if its comparison takes no list.
            let one = |words: Vec<Word>| {
                Node::Comparison(Comparison {
                    left: operand(field),
                    operator: *operator,
                    operator_place: field.place.clone(),
                    right: Right::Values(words),
                })
            };
            match operator.takes() {
                Takes::One if words.len() != 1 => Node::Or(words.iter().map(|word| one(vec![word.clone()])).collect()),
                Takes::One | Takes::List | Takes::Nothing => one(words.clone()),
            }
        };
        Node::And(self.columns.iter().zip(values).map(compare).collect())
    }
}

/// The field of a column, with its argument.
fn operand(name: &Name) -> Operand {
    let (field, argument) = match name.text.split_once('[') {
        Some((field, argument)) => (field, Some(argument.trim_end_matches(']').to_owned())),
        None => (name.text.as_str(), None),
    };
    Operand { field: Name { text: field.to_owned(), place: name.place.clone() }, argument, transformers: Vec::new() }
}

/// A node, or the items of a list.
fn several(node: &yaml::Node) -> &[yaml::Node] {
    match &node.value {
        Value::Sequence(items) => items,
        Value::Mapping(_) | Value::Scalar(_) => std::slice::from_ref(node),
    }
}

fn field(node: &yaml::Node, diagnostics: &mut Diagnostics) -> Option<Name> {
    let name = crate::rule::shape::text(node, "a field", diagnostics)?;
    Some(Name { text: name, place: node.place.clone() })
}

fn operator(node: &yaml::Node, diagnostics: &mut Diagnostics) -> Option<Operator> {
    let word = crate::rule::shape::text(node, "a comparison", diagnostics)?;
    let found = OPERATORS.iter().find(|(known, _)| *known == word).map(|(_, operator)| *operator);
    if found.is_some_and(|operator| operator.takes() == Takes::Nothing) {
        let message = format!("`{word}` takes no value, and an exception is made of values");
        let error = Diagnostic::error("wrong-word", node.place.clone(), message);
        diagnostics.push(error.hint(format!("add `and not FIELD {word}` to the condition")));
        return found;
    }
    if found.is_none() {
        let error = Diagnostic::error("wrong-word", node.place.clone(), format!("unknown operator `{word}`"));
        diagnostics.push(error.hint_if(did_you_mean(&word, OPERATORS.iter().map(|(word, _)| *word))));
    }
    found
}

/// The values of one column of a tuple.
fn constants(node: &yaml::Node, diagnostics: &mut Diagnostics) -> Vec<Word> {
    let mut words = Vec::new();
    for node in several(node) {
        match in_parentheses(node) {
            Some(Ok(list)) => words.extend(list),
            Some(Err(error)) => diagnostics.push(*error),
            None => words.extend(constant(node, diagnostics)),
        }
    }
    words
}

/// `(a, "b c", some_list)`, as older files write the values of `in`.
fn in_parentheses(node: &yaml::Node) -> Option<Result<Vec<Word>, Box<Diagnostic>>> {
    let written = node.text()?.trim();
    (written.starts_with('(') && written.ends_with(')')).then(|| parse::list(&Joined::new(Text::of_node(node))))
}
