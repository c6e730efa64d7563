//! The field map: where the fields of Falco's conditions are in our events.
//!
//! It is data (`falco/fieldmap.yml`, whose head says how it is written), so that a name can be added
//! without a new version.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use super::ast::{OPERATORS, Operator};
use crate::{
    event::process::MAX_ANCESTORS,
    rule::{
        ast::Text,
        check::Checker,
        definition::Definitions,
        diagnostic::{Diagnostic, Diagnostics, Source, did_you_mean},
        expr::{Expr, Predicate, Quantifier, Subject},
        mapping::{self, NOT_MAPPED},
        parse,
        shape::{Shape, text, wrong_type},
        template::Template,
        test::Test,
        typed::Typed,
        yaml::{self, Node, Plain, Value},
    },
};

/// The map that comes with the program.
const BUILTIN: &str = include_str!("../../../../falco/fieldmap.yml");

/// What stands for the rest of a name.
const REST: &str = ".*";

/// Where fields are.
#[derive(Clone, Debug, Default)]
pub struct Fieldmap {
    fields: BTreeMap<String, Mapped>,
}

/// A value of ours.
#[derive(Clone, Debug)]
pub(super) struct Term {
    pub(super) subject: Subject,
    pub(super) quantifier: Quantifier,
    pub(super) typed: Typed,
}

/// A place where the value of a field may be.
#[derive(Clone, Debug)]
pub(super) struct Alternative {
    /// In which events; in all that have it, if this does not say.
    pub(super) when: Option<Expr>,
    pub(super) term: Term,
}

/// A comparison that is a condition of ours.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) operator: Operator,
    pub(super) value: String,
    pub(super) condition: Expr,
}

/// A process and its ancestors.
#[derive(Clone, Debug)]
struct Lineage {
    itself: Term,
    /// A list, the parent first.
    ancestors: Term,
}

/// What the map says of a field.
#[derive(Clone, Debug, Default)]
pub(super) struct Mapped {
    /// Where its value is: any of them.
    pub(super) alternatives: Vec<Alternative>,
    /// Whether an event may have several values of it.
    pub(super) is_several: bool,
    /// Its values that are conditions of ours. Such a field is there in every event.
    pub(super) known: Vec<Known>,
    /// Whether its text is made of the known words, several at a time.
    pub(super) is_set: bool,
    /// The bytes of it that Falco has.
    pub(super) cut: Option<usize>,
    /// Whether Falco has a slash at its end that we do not have.
    pub(super) ends_in_slash: bool,
    /// Why it is not there.
    pub(super) missing: Option<String>,
    /// What of it is not there, if the rest is.
    pub(super) partly: Option<String>,
    /// What stands for it in a message; the first that fits the kinds of a rule.
    pub(super) shown: Vec<Template>,
    lineage: Option<Lineage>,
}

impl Fieldmap {
    /// The map that comes with the program.
    #[must_use]
    pub fn builtin() -> Arc<Self> {
        static MAP: LazyLock<Arc<Fieldmap>> =
            LazyLock::new(|| mapping::builtin("falco/fieldmap.yml", BUILTIN, Fieldmap::read));
        Arc::clone(&MAP)
    }

    /// The same with what documents beside the rules say of more fields, or otherwise of some.
    pub(in crate::rule) fn with<'d>(
        documents: impl Iterator<Item = &'d Node>,
        diagnostics: &mut Diagnostics,
    ) -> Arc<Self> {
        let mut map = Self::builtin();
        for document in documents {
            Arc::make_mut(&mut map).fields.extend(Self::of_document(document, diagnostics).fields);
        }
        map
    }

    fn read(source: &Arc<Source>, diagnostics: &mut Diagnostics) -> Self {
        let mut map = Self::default();
        for document in yaml::parse(source, diagnostics) {
            map.fields.extend(Self::of_document(&document, diagnostics).fields);
        }
        map
    }

    /// Whether a document is a map of Falco's names.
    pub(in crate::rule) fn is_one(document: &Node) -> bool {
        document.get("falco_fields").is_some()
    }

    fn of_document(document: &Node, diagnostics: &mut Diagnostics) -> Self {
        let mut map = Self::default();
        let Some(shape) = Shape::new(document, "a field map of Falco", &["falco_fields"], diagnostics) else {
            return map;
        };
        for (key, value) in shape.entries("falco_fields", diagnostics) {
            let Some(name) = text(key, "a field name", diagnostics) else { continue };
            if let Some(mapped) = mapped(value, diagnostics) {
                map.fields.insert(name, mapped);
            }
        }
        map
    }

    /// Where a field is. An argument is a part of the name: `evt.arg[flags]` is `evt.arg.flags`.
    pub(super) fn field(&self, name: &str, argument: Option<&str>) -> Mapped {
        if let Some(mapped) = self.fields.get(name)
            && let Some(lineage) = &mapped.lineage
        {
            return lineage.of(mapped, argument);
        }
        // What is not there at all is not there with an argument either.
        if let Some(mapped) = self.fields.get(name).filter(|mapped| mapped.missing.is_some()) {
            return mapped.clone();
        }
        let name = argument.map_or_else(|| name.to_owned(), |argument| format!("{name}.{argument}"));
        let starts = std::iter::successors(Some(name.as_str()), |name| name.rsplit_once('.').map(|(start, _)| start));
        let by_start = |start: &str| self.fields.get(&format!("{start}{REST}"));
        let found = self.fields.get(&name).or_else(|| starts.skip(1).find_map(by_start));
        found.cloned().unwrap_or_else(|| {
            let near = did_you_mean(&name, self.fields.keys().map(String::as_str));
            Mapped::missing(near.map_or_else(|| NOT_MAPPED.to_owned(), |near| format!("{NOT_MAPPED}; {near}")))
        })
    }
}

impl Lineage {
    /// The process itself is 0, its parent 1; without a number any ancestor is meant.
    fn of(&self, mapped: &Mapped, argument: Option<&str>) -> Mapped {
        let ancestors = |quantifier| Term { quantifier, ..self.ancestors.clone() };
        let term = match argument.map(str::parse::<usize>) {
            None => ancestors(Quantifier::Any),
            Some(Ok(0)) => self.itself.clone(),
            Some(Ok(number)) if number <= MAX_ANCESTORS => ancestors(Quantifier::At(number - 1)),
            Some(Ok(_)) => return Mapped::missing(format!("events carry the nearest {MAX_ANCESTORS} ancestors")),
            Some(Err(_)) => return Mapped::missing("an ancestor is named by its number".to_owned()),
        };
        Mapped { alternatives: vec![Alternative { when: None, term }], lineage: None, ..mapped.clone() }
    }
}

impl Mapped {
    fn missing(reason: String) -> Self {
        Self { missing: Some(reason), ..Self::default() }
    }
}

impl Term {
    /// Puts it to a test.
    pub(super) fn test(&self, test: Test) -> Expr {
        Expr::test(self.predicate(test, false))
    }

    /// Whether it is there and fails a test.
    pub(super) fn differs(&self, test: Test) -> Expr {
        Expr::test(self.predicate(test, true))
    }

    fn predicate(&self, test: Test, differs: bool) -> Predicate {
        Predicate { subject: self.subject.clone(), quantifier: self.quantifier, differs, test }
    }

    fn read(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        if node.text().is_none() {
            diagnostics.push(wrong_type(node, "this is a field of ours", None));
            return None;
        }
        let term = match parse::term(&Text::of_node(node)) {
            Ok(term) => term,
            Err(error) => {
                diagnostics.push(*error);
                return None;
            }
        };
        let resolved = Checker { definitions: &mut Definitions::default(), diagnostics }.term(&term)?;
        let typed = resolved.typed;
        let quantifier = term.at.map_or(Quantifier::Any, Quantifier::At);
        Some(Self { subject: resolved.subject(), quantifier, typed })
    }
}

/// Keys of a field.
const KEYS: &[&str] =
    &["any_of", "first_of", "by_action", "lineage", "values", "words", "cut", "slash", "missing", "partly", "shown"];

/// Reads where a field is.
fn mapped(node: &Node, diagnostics: &mut Diagnostics) -> Option<Mapped> {
    let Value::Mapping(_) = &node.value else {
        let term = Term::read(node, diagnostics)?;
        return Some(Mapped { alternatives: vec![Alternative { when: None, term }], ..Mapped::default() });
    };
    let shape = Shape::new(node, "a field's place", KEYS, diagnostics)?;
    let mut mapped = Mapped {
        missing: shape.text("missing", diagnostics),
        partly: shape.text("partly", diagnostics),
        cut: shape.get("cut").and_then(|node| node.text()?.parse().ok()),
        ends_in_slash: shape.get("slash").is_some(),
        is_set: shape.get("words").is_some(),
        lineage: lineage(&shape, diagnostics),
        ..Mapped::default()
    };
    for (count, node) in shape.items("any_of", diagnostics).enumerate() {
        mapped.is_several |= count > 0;
        mapped.alternatives.push(Alternative { when: None, term: Term::read(node, diagnostics)? });
    }
    let mut none_before: Vec<Expr> = Vec::new();
    for node in shape.items("first_of", diagnostics) {
        let term = Term::read(node, diagnostics)?;
        let when = (!none_before.is_empty()).then(|| Expr::All(none_before.clone()));
        none_before.push(term.test(Test::Exists).negate());
        mapped.alternatives.push(Alternative { when, term });
    }
    for (key, value) in shape.entries("by_action", diagnostics) {
        let action = one_action(key, diagnostics)?;
        let terms = if let Value::Sequence(terms) = &value.value { terms } else { std::slice::from_ref(value) };
        mapped.is_several |= terms.len() > 1;
        for term in terms {
            let term = Term::read(term, diagnostics)?;
            mapped.alternatives.push(Alternative { when: Some(action.clone()), term });
        }
    }
    for (key, value) in shape.entries("values", diagnostics).chain(shape.entries("words", diagnostics)) {
        mapped.known.push(known(key, value, diagnostics)?);
    }
    for node in shape.items("shown", diagnostics) {
        mapped.shown.push(Template::parse(&Text::of_node(node), diagnostics));
    }
    Some(mapped)
}

fn lineage(shape: &Shape<'_>, diagnostics: &mut Diagnostics) -> Option<Lineage> {
    let node = shape.get("lineage")?;
    let inner = Shape::new(node, "a lineage", &["itself", "ancestors"], diagnostics)?;
    let itself = inner.required("itself", diagnostics).and_then(|node| Term::read(node, diagnostics))?;
    let ancestors = inner.required("ancestors", diagnostics)?;
    let term = Term::read(ancestors, diagnostics)?;
    if !term.typed.array {
        diagnostics.push(wrong_type(ancestors, "the ancestors are a list", None));
        return None;
    }
    Some(Lineage { itself, ancestors: term })
}

/// The condition that the action of an event is this one.
fn one_action(key: &Node, diagnostics: &mut Diagnostics) -> Option<Expr> {
    use crate::event::{Kind, value::Words};
    let name = text(key, "an action", diagnostics)?;
    if <Kind as Words>::parse(name.as_bytes()).is_none() {
        let error = Diagnostic::error("wrong-word", key.place.clone(), format!("`{name}` is no action"));
        diagnostics.push(error.hint(format!("the actions are {}", Kind::ALL_NAMES.join(", "))));
        return None;
    }
    let source = Source::new("falco/fieldmap.yml", format!("event.action = {name}"));
    Definitions::default().condition(&Text::alone(&source), diagnostics)
}

/// Reads a comparison and the condition it is: `execve: ...`, `">= 0": ...`, `"0": false`.
fn known(key: &Node, value: &Node, diagnostics: &mut Diagnostics) -> Option<Known> {
    let text = text(key, "a value", diagnostics)?;
    let signs = OPERATORS.iter().filter(|(word, _)| !word.starts_with(char::is_alphabetic));
    let found = signs.filter_map(|(sign, operator)| Some((*operator, text.strip_prefix(sign)?.trim_start()))).next();
    // `<` alone is a value, and no sign before one.
    let (operator, value_text) =
        found.filter(|(_, value)| !value.is_empty()).unwrap_or((Operator::Equal, text.as_str()));
    let condition = match &value.value {
        Value::Scalar(scalar) if matches!(scalar.plain(), Plain::Bool(_)) => {
            Some(Expr::Const(scalar.plain() == Plain::Bool(true)))
        }
        Value::Scalar(_) | Value::Mapping(_) | Value::Sequence(_) => mapping::condition(value, diagnostics),
    };
    Some(Known { operator, value: value_text.to_owned(), condition: condition? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_map_has_no_problem() {
        let mut diagnostics = Diagnostics::default();
        let map = Fieldmap::read(&Source::new("falco/fieldmap.yml", BUILTIN), &mut diagnostics);
        assert!(diagnostics.sorted().is_empty(), "{diagnostics}");
        assert!(map.fields.len() > 50);
        for (name, mapped) in &map.fields {
            let places = usize::from(!mapped.alternatives.is_empty() || !mapped.known.is_empty())
                + usize::from(mapped.missing.is_some())
                + usize::from(mapped.lineage.is_some());
            assert_eq!(places, 1, "{name} is somewhere, or nowhere for a reason");
        }
    }

    #[test]
    fn a_name_is_found_as_it_is_or_by_its_start() {
        let map = Fieldmap::builtin();
        let reason = |name, argument| map.field(name, argument).missing;
        assert!(reason("proc.name", None).is_none());
        assert!(reason("proc.aname", Some("3")).is_none());
        assert!(reason("proc.aname", Some("x")).is_some());
        assert!(reason("proc.aexe", None).is_some());
        assert_eq!(reason("proc.aexe", Some("2")), reason("proc.aexe", None));
        assert_eq!(reason("evt.rawarg", Some("fd")), reason("evt.rawarg.res", None));
        assert!(reason("proc.nmae", None).is_some_and(|reason| reason.contains("did you mean `proc.name`?")));
    }
}
