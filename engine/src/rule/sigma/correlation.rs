//! Sigma's correlations: the `correlation` section of a document, as far as it can be read alone.

use std::collections::BTreeMap;

use crate::rule::{
    ast::{Name, Text},
    correlate::{
        Bound, Clause, Compare, MAX_EVENTS, MAX_SLOTS, Measure, Together, clause,
        draft::{Draft, Part, Source},
        measure,
    },
    diagnostic::{Diagnostic, Diagnostics, did_you_mean},
    shape::{Shape, text, wrong_type},
    test::Case,
    timespan,
    yaml::{Node, Plain, Value},
};

const KEYS: &[&str] = &["type", "rules", "group-by", "timespan", "condition", "aliases", "generate"];

/// What is correlated how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    EventCount,
    Temporal,
    TemporalOrdered,
    ValueAvg,
    ValueCount,
    ValueMedian,
    ValuePercentile,
    ValueSum,
}

impl Kind {
    const WORDS: &[(&'static str, Self)] = &[
        ("event_count", Self::EventCount),
        ("temporal", Self::Temporal),
        ("temporal_ordered", Self::TemporalOrdered),
        ("value_avg", Self::ValueAvg),
        ("value_count", Self::ValueCount),
        ("value_median", Self::ValueMedian),
        ("value_percentile", Self::ValuePercentile),
        ("value_sum", Self::ValueSum),
    ];

    fn is_temporal(self) -> bool {
        matches!(self, Self::Temporal | Self::TemporalOrdered)
    }

    fn has_field(self) -> bool {
        !self.is_temporal() && self != Self::EventCount
    }
}

/// Reads the section. `None` if anything is wrong, which is then reported.
pub(super) fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Draft> {
    let before = diagnostics.errors();
    let shape = Shape::new(node, "`correlation`", KEYS, diagnostics)?;
    let kind = kind(&shape, diagnostics);
    let within_ns = timespan(&shape, diagnostics);
    let condition = shape.get("condition");
    let rules = rules(&shape, condition, kind, diagnostics);
    let Aliases { fields, labels } = aliases(&shape, diagnostics);
    let group: Vec<Name> = names(&shape, "group-by", diagnostics)?;
    let silences = !generate(&shape, diagnostics);
    let (kind, rules) = (kind?, rules?);
    let (measure, of) = condition_of(kind, &shape, &rules, diagnostics)?;
    if let Some(node) = condition
        && !measure.can_hold(rules.len(), |_| true)
    {
        let message = "no events can be what the condition asks for";
        diagnostics.push(Diagnostic::warning("contradiction", node.place.clone(), message));
    }
    let part = |name: Name| Part { fields: fields.get(&name.text).cloned().unwrap_or_default(), name };
    (diagnostics.errors() == before).then_some(Draft {
        sources: rules.into_iter().map(Source::Rule).collect(),
        by: group.into_iter().map(part).collect(),
        of: of.into_iter().map(part).collect(),
        measure,
        within_ns: within_ns?,
        case: Case::Folded,
        silences,
        labels,
    })
}

fn kind(shape: &Shape<'_>, diagnostics: &mut Diagnostics) -> Option<Kind> {
    let node = shape.required("type", diagnostics)?;
    let word = text(node, "type", diagnostics)?;
    let found = Kind::WORDS.iter().find(|(known, _)| word.eq_ignore_ascii_case(known));
    if found.is_none() {
        let words = || Kind::WORDS.iter().map(|(word, _)| *word);
        let hint = did_you_mean(&word, words())
            .unwrap_or_else(|| format!("the types are {}", words().collect::<Vec<_>>().join(", ")));
        let message = format!("`{word}` is no type of correlation");
        diagnostics.push(Diagnostic::error("wrong-word", node.place.clone(), message).hint(hint));
    }
    found.map(|(_, kind)| *kind)
}

fn timespan(shape: &Shape<'_>, diagnostics: &mut Diagnostics) -> Option<i64> {
    let node = shape.required("timespan", diagnostics)?;
    let length = text(node, "timespan", diagnostics)?;
    match timespan::parse(&length, timespan::SIGMA) {
        Ok(ns) => Some(ns),
        Err(hint) => {
            diagnostics.push(wrong_type(node, "`timespan` is a length of time", Some(hint)));
            None
        }
    }
}

/// A text or a list of texts, with their places; none if the key is not there.
fn names(shape: &Shape<'_>, key: &str, diagnostics: &mut Diagnostics) -> Option<Vec<Name>> {
    let Some(node) = shape.get(key) else { return Some(Vec::new()) };
    let items = match &node.value {
        Value::Sequence(items) => items.as_slice(),
        Value::Mapping(_) | Value::Scalar(_) => std::slice::from_ref(node),
    };
    let mut names = Vec::new();
    for item in items {
        names.push(Name { text: text(item, key, diagnostics)?, place: item.place.clone() });
    }
    Some(names)
}

/// The rules that are correlated. A condition in words may name them alone.
fn rules(
    shape: &Shape<'_>,
    condition: Option<&Node>,
    kind: Option<Kind>,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<Name>> {
    let mut rules = names(shape, "rules", diagnostics)?;
    if let Some(node) = condition
        && let Some(text) = node.text()
        && shape.get("rules").is_none()
        && kind.is_some_and(Kind::is_temporal)
    {
        rules = clause::names(text)
            .into_iter()
            .map(|name| Name { text: name.to_owned(), place: node.place.clone() })
            .collect();
    }
    if rules.is_empty() {
        shape.required("rules", diagnostics)?;
    }
    if rules.is_empty() || rules.len() > MAX_SLOTS {
        let place = shape.get("rules").or(condition).map(|node| node.place.clone())?;
        let error = Diagnostic::error("wrong-number", place, format!("{} rules", rules.len()));
        diagnostics.push(error.hint(format!("a correlation refers to 1 to {MAX_SLOTS} rules")));
        return None;
    }
    if let Some(twice) = rules
        .iter()
        .enumerate()
        .find_map(|(index, rule)| rules.iter().skip(index + 1).find(|other| other.text == rule.text))
    {
        let message = format!("`{}` is named twice", twice.text);
        diagnostics.push(Diagnostic::error("duplicate-name", twice.place.clone(), message));
        return None;
    }
    Some(rules)
}

/// What `aliases` says.
#[derive(Default)]
struct Aliases {
    /// Alias, rule, field.
    fields: BTreeMap<String, BTreeMap<String, Name>>,
    /// The rules, as they are called there.
    labels: Vec<Name>,
}

fn aliases(shape: &Shape<'_>, diagnostics: &mut Diagnostics) -> Aliases {
    let mut aliases = Aliases::default();
    for (alias, value) in shape.entries("aliases", diagnostics) {
        let Some(alias) = text(alias, "an alias", diagnostics) else { continue };
        let Value::Mapping(entries) = &value.value else {
            diagnostics.push(wrong_type(value, "an alias names a field for each rule", None));
            continue;
        };
        let fields = aliases.fields.entry(alias).or_default();
        for (rule, field) in entries {
            let Some(name) = text(field, "a field", diagnostics) else { continue };
            let Some(label) = text(rule, "a rule", diagnostics) else { continue };
            fields.insert(label.clone(), Name { text: name, place: field.place.clone() });
            aliases.labels.push(Name { text: label, place: rule.place.clone() });
        }
    }
    aliases
}

fn generate(shape: &Shape<'_>, diagnostics: &mut Diagnostics) -> bool {
    let Some(node) = shape.get("generate") else { return false };
    let flag = if let Value::Scalar(scalar) = &node.value { scalar.plain() } else { Plain::Null };
    if let Plain::Bool(flag) = flag {
        return flag;
    }
    diagnostics.push(wrong_type(node, "`generate` is true or false", None));
    false
}

/// What is measured, and of which field.
fn condition_of(
    kind: Kind,
    shape: &Shape<'_>,
    rules: &[Name],
    diagnostics: &mut Diagnostics,
) -> Option<(Measure, Vec<Name>)> {
    let ordered = kind == Kind::TemporalOrdered;
    let node = match shape.get("condition") {
        Some(node) => node,
        None if kind.is_temporal() => {
            let what = together(&[Bound::at_least(rules.len())], rules, ordered, diagnostics)?;
            return Some((Measure::Together { what, ordered }, Vec::new()));
        }
        None => shape.required("condition", diagnostics)?,
    };
    if let Some(words) = node.text() {
        if !kind.is_temporal() {
            let hint = "write a comparison, as in `gte: 10`; words are for temporal correlations".to_owned();
            diagnostics.push(wrong_type(node, "the condition is a mapping", Some(hint)));
            return None;
        }
        let what = Together::Any(in_words(node, words, rules, diagnostics)?);
        return Some((Measure::Together { what, ordered }, Vec::new()));
    }
    let compares = Compare::WORDS.iter().map(|(word, _)| *word);
    let known: Vec<&'static str> = compares.chain(["field", "percentile"]).collect();
    let condition = Shape::new(node, "the condition", &known, diagnostics)?;
    let bounds = bounds(node, &condition, kind, diagnostics)?;
    let of = names(&condition, "field", diagnostics)?;
    check_fields(kind, &of, &condition, diagnostics)?;
    let measure = match kind {
        Kind::EventCount => Measure::Events(bounds),
        Kind::Temporal | Kind::TemporalOrdered => {
            Measure::Together { what: together(&bounds, rules, ordered, diagnostics)?, ordered }
        }
        Kind::ValueAvg => Measure::Average(bounds),
        Kind::ValueCount => Measure::Distinct(bounds),
        Kind::ValueMedian => Measure::Percentile(50, bounds),
        Kind::ValuePercentile => Measure::Percentile(percentile(&condition, diagnostics)?, bounds),
        Kind::ValueSum => Measure::Sum(bounds),
    };
    Some((measure, of))
}

fn check_fields(kind: Kind, of: &[Name], condition: &Shape<'_>, diagnostics: &mut Diagnostics) -> Option<()> {
    if kind.has_field() && of.is_empty() {
        condition.required("field", diagnostics)?;
    }
    let most = match kind {
        Kind::EventCount | Kind::Temporal | Kind::TemporalOrdered => 0,
        Kind::ValueAvg | Kind::ValueMedian | Kind::ValuePercentile | Kind::ValueSum => 1,
        Kind::ValueCount => MAX_SLOTS,
    };
    if let Some(name) = of.get(most) {
        let message = if most == 0 { "this type counts no field" } else { "one field can be measured at a time" };
        diagnostics.push(Diagnostic::error("wrong-number", name.place.clone(), message));
        return None;
    }
    if kind != Kind::ValuePercentile
        && let Some(node) = condition.get("percentile")
    {
        diagnostics.push(Diagnostic::error("unknown-key", node.place.clone(), "`percentile` is for value_percentile"));
        return None;
    }
    Some(())
}

/// A condition over names; every rule has to be in it.
fn in_words(node: &Node, words: &str, rules: &[Name], diagnostics: &mut Diagnostics) -> Option<Vec<Clause>> {
    let slots: Vec<String> = rules.iter().map(|name| name.text.clone()).collect();
    let clauses = match clause::parse(words, &slots) {
        Ok(clauses) => clauses,
        Err((message, range)) => {
            let place = Text::of_node(node).place(range);
            diagnostics.push(Diagnostic::error("syntax", place, message));
            return None;
        }
    };
    let named = clause::names(words);
    let before = diagnostics.errors();
    for rule in rules.iter().filter(|rule| !named.contains(&rule.text.as_str())) {
        let message = format!("the condition does not name `{}`", rule.text);
        diagnostics.push(Diagnostic::error("unused-rule", rule.place.clone(), message).hint("use it, or remove it"));
    }
    (diagnostics.errors() == before).then_some(clauses)
}

/// So many of the rules. In order, every choice of that many is a clause.
fn together(bounds: &[Bound], rules: &[Name], ordered: bool, diagnostics: &mut Diagnostics) -> Option<Together> {
    let at_least = match bounds {
        [Bound { compare: Compare::GreaterOrEqual, value }] => Some(*value),
        [Bound { compare: Compare::Greater, value }] => Some(value + 1),
        _ => None,
    };
    let wanted = at_least.and_then(|value| usize::try_from((value + measure::SCALE - 1) / measure::SCALE).ok());
    let Some(wanted) = wanted.filter(|wanted| ordered && *wanted > 0) else {
        return Some(Together::Count(bounds.to_vec()));
    };
    let clauses = clause::combinations(rules.len(), wanted);
    if clauses.is_none()
        && let Some(rule) = rules.first()
    {
        let message = format!("there are too many ways to choose {wanted} of {} rules in order", rules.len());
        let error = Diagnostic::error("too-large", rule.place.clone(), message);
        diagnostics.push(error.hint("ask for all of them, or build it from smaller correlations"));
    }
    clauses.map(Together::Any)
}

fn bounds(node: &Node, condition: &Shape<'_>, kind: Kind, diagnostics: &mut Diagnostics) -> Option<Vec<Bound>> {
    let mut bounds = Vec::new();
    for (word, compare) in Compare::WORDS {
        let Some(value) = condition.get(word) else { continue };
        let number = value.text().and_then(measure::number);
        let Some(number) = number else {
            diagnostics.push(wrong_type(value, &format!("`{word}` takes a number"), None));
            return None;
        };
        bounds.push(Bound { compare: *compare, value: number });
        let counts = matches!(kind, Kind::EventCount | Kind::ValueCount);
        if counts && number > measure::whole(MAX_EVENTS) {
            let error = Diagnostic::error("too-large", value.place.clone(), format!("`{word}` is too large"));
            diagnostics.push(error.hint(format!("at most {MAX_EVENTS} events are counted in one group")));
            return None;
        }
    }
    if bounds.is_empty() {
        let words: Vec<&str> = Compare::WORDS.iter().map(|(word, _)| *word).collect();
        let error = Diagnostic::error("missing-key", node.place.clone(), "the condition compares with nothing");
        diagnostics.push(error.hint(format!("add one of {}", words.join(", "))));
        return None;
    }
    Some(bounds)
}

fn percentile(condition: &Shape<'_>, diagnostics: &mut Diagnostics) -> Option<u8> {
    let node = condition.required("percentile", diagnostics)?;
    let number = node.text().and_then(|text| text.parse::<u8>().ok()).filter(|number| *number <= 100);
    if number.is_none() {
        diagnostics.push(wrong_type(node, "`percentile` is a whole number from 0 to 100", None));
    }
    number
}
