//! `count` and `sequence` of native rules.

use super::{
    Bound, MAX_EVENTS, MAX_SLOTS, Measure, Together,
    draft::{Draft, Part, Source},
    measure::Clause,
};
use crate::event::field;
use crate::rule::{
    ast::{Name, Text},
    check::unknown_field,
    definition::Definitions,
    diagnostic::{Diagnostic, Diagnostics},
    lint,
    native::is_id,
    shape::{Shape, text, wrong_type},
    test::Case,
    timespan,
    yaml::{Node, Plain, Value},
};

/// Parts a group may have.
const MAX_PARTS: usize = 16;

/// Reads `count`: so many events, or so many values of a field.
pub(in crate::rule) fn count(node: &Node, diagnostics: &mut Diagnostics) -> Option<Draft> {
    let shape = Shape::new(node, "`count`", &["by", "distinct", "at_least", "within"], diagnostics)?;
    let by = fields(&shape, diagnostics);
    let of = shape.get("distinct").map(|node| field_name(node, "distinct", diagnostics).map(Part::field));
    let bound = at_least(&shape, diagnostics).map(|count| vec![Bound::at_least(count)]);
    let within_ns = within(&shape, diagnostics);
    let (measure, of) = match of {
        Some(field) => (Measure::Distinct(bound?), vec![field?]),
        None => (Measure::Events(bound?), Vec::new()),
    };
    Some(Draft {
        sources: vec![Source::Own],
        by: by?,
        of,
        measure,
        within_ns: within_ns?,
        case: Case::Exact,
        silences: false,
        labels: Vec::new(),
    })
}

/// Reads `sequence`: steps that follow each other.
pub(in crate::rule) fn sequence(
    node: &Node,
    definitions: &mut Definitions,
    diagnostics: &mut Diagnostics,
) -> Option<Draft> {
    let shape = Shape::new(node, "`sequence`", &["within", "by", "steps"], diagnostics)?;
    let within_ns = within(&shape, diagnostics);
    let steps = shape.required("steps", diagnostics);
    let sources: Vec<Option<Source>> =
        shape.items("steps", diagnostics).map(|node| step(node, definitions, diagnostics)).collect();
    if let Some(node) = steps
        && !(2..=MAX_SLOTS).contains(&sources.len())
        && matches!(node.value, Value::Sequence(_))
    {
        let error = Diagnostic::error("wrong-number", node.place.clone(), format!("{} steps", sources.len()));
        diagnostics.push(error.hint(format!("a sequence has from 2 to {MAX_SLOTS} steps")));
        return None;
    }
    let mut labels = Vec::new();
    let by = groups(&shape, &mut labels, diagnostics);
    let sources: Vec<Source> = sources.into_iter().collect::<Option<_>>()?;
    steps?;
    let present = (0..sources.len()).fold(0, |mask, slot| mask | 1 << slot);
    let what = Together::Any(vec![Clause { present, absent: 0 }]);
    Some(Draft {
        sources,
        by: by?,
        of: Vec::new(),
        measure: Measure::Together { what, ordered: true },
        within_ns: within_ns?,
        case: Case::Exact,
        silences: false,
        labels,
    })
}

/// A step: the id of a rule if it looks like one and is no macro, else a condition.
fn step(node: &Node, definitions: &mut Definitions, diagnostics: &mut Diagnostics) -> Option<Source> {
    let step = text(node, "a step", diagnostics)?;
    let step = step.trim();
    if is_id(step) && definitions.scope_of_macro(step).is_none() {
        return Some(Source::Rule(Name { text: step.to_owned(), place: node.place.clone() }));
    }
    let condition = definitions.condition(&Text::of_node(node), diagnostics)?;
    lint::some_kinds(&condition, node, diagnostics);
    Some(Source::Condition(step.to_owned(), condition))
}

fn name(node: &Node, key: &str, diagnostics: &mut Diagnostics) -> Option<Name> {
    Some(Name { text: text(node, key, diagnostics)?, place: node.place.clone() })
}

/// The name of a field that has one value.
fn field_name(node: &Node, key: &str, diagnostics: &mut Diagnostics) -> Option<Name> {
    let name = name(node, key, diagnostics)?;
    match field::find(&name.text) {
        None => diagnostics.push(unknown_field(&name.text, name.place.clone())),
        Some(field) if field.any().array => {
            let message = format!("`{}` is an array; one value is needed here", field.name);
            diagnostics.push(Diagnostic::error("wrong-type", name.place.clone(), message));
        }
        Some(_) => return Some(name),
    }
    None
}

/// `by` as a list of fields; absent, all events are one group.
fn fields(shape: &Shape<'_>, diagnostics: &mut Diagnostics) -> Option<Vec<Part>> {
    let items = shape.items("by", diagnostics);
    // Every field is looked at, so that every problem is told.
    let parts: Vec<_> = items.map(|node| field_name(node, "by", diagnostics).map(Part::field)).collect();
    few(shape, parts.into_iter().collect::<Option<_>>()?, diagnostics)
}

/// `by` as a list of fields, or per name a field for each step.
fn groups(shape: &Shape<'_>, labels: &mut Vec<Name>, diagnostics: &mut Diagnostics) -> Option<Vec<Part>> {
    if !shape.get("by").is_some_and(|node| matches!(node.value, Value::Mapping(_))) {
        return fields(shape, diagnostics);
    }
    let mut parts = Vec::new();
    for (key, value) in shape.entries("by", diagnostics) {
        let part = name(key, "a name", diagnostics)?;
        let Value::Mapping(entries) = &value.value else {
            let hint = format!("write `{}: {{ step: field, ... }}`, or `by: [field]`", part.text);
            diagnostics.push(wrong_type(value, "a field for each step is expected here", Some(hint)));
            return None;
        };
        let fields = entries.iter().map(|(step, field)| {
            let step = name(step, "a step", diagnostics)?;
            labels.push(step.clone());
            Some((step.text, field_name(field, "a field", diagnostics)?))
        });
        parts.push(Part { name: part, fields: fields.collect::<Option<_>>()? });
    }
    few(shape, parts, diagnostics)
}

fn few(shape: &Shape<'_>, parts: Vec<Part>, diagnostics: &mut Diagnostics) -> Option<Vec<Part>> {
    if let Some(part) = parts.get(MAX_PARTS) {
        let message = format!("more than {MAX_PARTS} fields to group by");
        diagnostics.push(Diagnostic::error("too-large", part.name.place.clone(), message));
        return None;
    }
    if let Some(node) = shape.get("by")
        && parts.is_empty()
    {
        let error = Diagnostic::error("wrong-number", node.place.clone(), "`by` names no field");
        diagnostics.push(error.hint("leave it out to take all events together"));
        return None;
    }
    Some(parts)
}

fn at_least(shape: &Shape<'_>, diagnostics: &mut Diagnostics) -> Option<usize> {
    let node = shape.required("at_least", diagnostics)?;
    let number = match &node.value {
        Value::Scalar(scalar) => match scalar.plain() {
            Plain::Int(number) => usize::try_from(number).ok(),
            Plain::Big(_) | Plain::Bool(_) | Plain::Float(_) | Plain::Null | Plain::Text(_) => None,
        },
        Value::Mapping(_) | Value::Sequence(_) => None,
    };
    let number = number.filter(|number| (1..=MAX_EVENTS).contains(number));
    if number.is_none() {
        let hint = format!("a whole number from 1 to {MAX_EVENTS}");
        diagnostics.push(wrong_type(node, "`at_least` is a count", Some(hint)));
    }
    number
}

fn within(shape: &Shape<'_>, diagnostics: &mut Diagnostics) -> Option<i64> {
    let node = shape.required("within", diagnostics)?;
    let length = text(node, "within", diagnostics)?;
    match timespan::parse(&length, timespan::NATIVE) {
        Ok(ns) => Some(ns),
        Err(hint) => {
            diagnostics.push(wrong_type(node, "`within` is a length of time", Some(hint)));
            None
        }
    }
}
