//! The field map: which events of ours a Sigma log source stands for, and where its fields are.
//!
//! It is data (`sigma/fieldmap.yml`), so that a name can be added without a new version.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use super::Logsource;
use crate::{
    event::field::{self, Field},
    rule::{
        diagnostic::{Diagnostics, Source},
        expr::Expr,
        falco, file,
        mapping::{self, NOT_MAPPED, fields_of, one_field},
        shape::{Shape, text, wrong_type},
        yaml::{self, Node, Value},
    },
};

/// The map that comes with the program.
const BUILTIN: &str = include_str!("../../../../sigma/fieldmap.yml");

/// Log sources of ours and those we know not to have.
#[derive(Clone, Debug, Default)]
pub struct Fieldmap {
    logsources: Vec<MappedSource>,
    absent: Vec<(Logsource, String)>,
}

/// A log source of ours.
#[derive(Clone, Debug)]
pub(super) struct MappedSource {
    name: Logsource,
    /// Which events belong to it.
    pub(super) condition: Expr,
    /// Where keywords are looked for; anywhere if it does not say.
    pub(super) keywords: Option<Vec<&'static Field>>,
    fields: BTreeMap<String, Place>,
}

/// What the map says of a name.
#[derive(Clone, Debug)]
enum Place {
    /// What is there.
    Itself(Mapped),
    /// The name ends in `#`: with a number for it, the element of a list at that place.
    Elements(&'static Field),
}

/// Where a Sigma field is.
#[derive(Clone, Debug)]
pub(super) enum Mapped {
    /// It is the last part of the path in this field.
    BaseName(&'static Field),
    /// It is the element of a list.
    Element(&'static Field, usize),
    /// It has the values of these fields.
    Fields(Vec<&'static Field>),
    /// It is one of these words in every event.
    Is(Vec<String>),
    /// No event carries it: why.
    Missing(String),
    /// Each of its values is a condition.
    Values(Vec<(String, Expr)>),
}

impl Fieldmap {
    /// The map that comes with the program.
    #[must_use]
    pub fn builtin() -> Arc<Self> {
        mapping::builtin("sigma/fieldmap.yml", BUILTIN, Self::read)
    }

    /// Reads a map from a file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(path: &Path) -> Result<Arc<Self>, Diagnostics> {
        mapping::load(path, Self::read)
    }

    /// Whether a file is taken for a map of Sigma's names: one of that name may have Falco's instead.
    #[must_use]
    pub fn may_be_in(path: &Path) -> bool {
        let mut problems = Diagnostics::default();
        let documents = file::load(path, &mut problems).map(|source| yaml::parse(&source, &mut problems));
        documents.is_none_or(|documents| !documents.iter().any(falco::Fieldmap::is_one))
    }

    /// Reads a map; what is wrong with it is reported.
    pub(crate) fn read(source: &Arc<Source>, diagnostics: &mut Diagnostics) -> Self {
        let mut map = Self::default();
        for document in yaml::parse(source, diagnostics) {
            let more = Self::of_document(&document, diagnostics);
            map.logsources.extend(more.logsources);
            map.absent.extend(more.absent);
        }
        map
    }

    /// Reads one document of a map.
    pub(crate) fn of_document(document: &Node, diagnostics: &mut Diagnostics) -> Self {
        let mut map = Self::default();
        let Some(shape) = Shape::new(document, "a field map", &["logsources", "absent"], diagnostics) else {
            return map;
        };
        for node in shape.items("logsources", diagnostics) {
            let known = ["category", "product", "service", "when", "keywords", "fields"];
            let Some(entry) = Shape::new(node, "a log source", &known, diagnostics) else { continue };
            let name = name(&entry, diagnostics);
            let condition = entry.required("when", diagnostics).and_then(|node| mapping::condition(node, diagnostics));
            let fields = entry
                .entries("fields", diagnostics)
                .filter_map(|(key, value)| Some((text(key, "a field name", diagnostics)?, place(value, diagnostics)?)))
                .collect();
            let keywords = entry.get("keywords").and_then(|node| fields_of(node, diagnostics));
            if let Some(condition) = condition {
                map.logsources.push(MappedSource { name, condition, keywords, fields });
            }
        }
        for node in shape.items("absent", diagnostics) {
            let known = ["category", "product", "service", "reason"];
            let Some(entry) = Shape::new(node, "an absent log source", &known, diagnostics) else { continue };
            let name = name(&entry, diagnostics);
            if let Some(reason) = entry.required_text("reason", diagnostics) {
                map.absent.push((name, reason));
            }
        }
        map
    }

    /// The log sources a rule is for. Category and service have to be the same: a rule that names
    /// a product only is for its text logs. The product may be left open.
    pub(super) fn matching<'f>(&'f self, asked: &Logsource) -> impl Iterator<Item = &'f MappedSource> {
        self.logsources.iter().filter(move |logsource| {
            logsource.name.category == asked.category
                && logsource.name.service == asked.service
                && asked.contains(&logsource.name)
        })
    }

    /// The fields that a name stands for in the log sources of a rule, or why there is none.
    pub(in crate::rule) fn place(&self, asked: &Logsource, name: &str) -> Result<Vec<&'static Field>, String> {
        let (mut fields, mut reason) = (Vec::new(), None);
        for logsource in self.matching(asked) {
            match logsource.field(name) {
                Mapped::Fields(more) => fields.extend(more),
                Mapped::Missing(why) => reason = Some(why),
                Mapped::BaseName(_) | Mapped::Element(..) | Mapped::Is(_) | Mapped::Values(_) => {
                    reason = Some("it is only a part of a field in our events".to_owned());
                }
            }
        }
        if fields.is_empty() { Err(reason.unwrap_or_else(|| self.why_not(asked))) } else { Ok(fields) }
    }

    /// Why a rule has no log source here.
    pub(super) fn why_not(&self, asked: &Logsource) -> String {
        let known = self.absent.iter().find(|(absent, _)| absent.contains(asked));
        known.map_or_else(|| format!("no event of ours belongs to {asked}"), |(_, reason)| reason.clone())
    }
}

fn name(shape: &Shape<'_>, diagnostics: &mut Diagnostics) -> Logsource {
    Logsource {
        category: shape.text("category", diagnostics),
        product: shape.text("product", diagnostics),
        service: shape.text("service", diagnostics),
    }
}

/// Reads where a field is; the head of the map says how it is written.
fn place(node: &Node, diagnostics: &mut Diagnostics) -> Option<Place> {
    let Value::Mapping(_) = &node.value else {
        return fields_of(node, diagnostics).map(|fields| Place::Itself(Mapped::Fields(fields)));
    };
    let shape =
        Shape::new(node, "a field's place", &["base_name_of", "element_of", "is", "missing", "values"], diagnostics)?;
    if let Some(node) = shape.get("element_of") {
        let field = one_field(node, diagnostics)?;
        if !field.any().array {
            diagnostics.push(wrong_type(node, &format!("`{}` is no list", field.name), None));
            return None;
        }
        return Some(Place::Elements(field));
    }
    let mapped = if let Some(node) = shape.get("base_name_of") {
        Mapped::BaseName(one_field(node, diagnostics)?)
    } else if shape.get("is").is_some() {
        Mapped::Is(shape.texts("is", diagnostics))
    } else if let Some(reason) = shape.text("missing", diagnostics) {
        Mapped::Missing(reason)
    } else {
        let mut values = Vec::new();
        for (key, value) in shape.entries("values", diagnostics) {
            let name = text(key, "a value", diagnostics)?;
            let expr = mapping::condition(value, diagnostics)?;
            values.push((name.to_lowercase(), expr));
        }
        Mapped::Values(values)
    };
    Some(Place::Itself(mapped))
}

impl MappedSource {
    /// Where a Sigma field is: by the map, or by a name of ours.
    pub(super) fn field(&self, name: &str) -> Mapped {
        if let Some(Place::Itself(mapped)) = self.fields.get(name) {
            return mapped.clone();
        }
        if let Some(element) = self.element(name) {
            return element;
        }
        match field::find(name) {
            Some(field) => Mapped::Fields(vec![field]),
            None => Mapped::Missing(NOT_MAPPED.to_owned()),
        }
    }

    /// `a2`, if the map has `a#`.
    fn element(&self, name: &str) -> Option<Mapped> {
        let stem = name.trim_end_matches(|character: char| character.is_ascii_digit());
        let place = name.get(stem.len()..)?.parse().ok()?;
        Some(match self.fields.get(&format!("{stem}#"))? {
            Place::Elements(field) => Mapped::Element(field, place),
            Place::Itself(mapped) => mapped.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_of_falco_is_not_taken_for_one_of_sigma() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("fieldmap.yml");
        for (text, expected) in
            [("falco_fields: {a.b: user.name}\n", false), ("logsources: []\n", true), ("a: [\n", true)]
        {
            std::fs::write(&path, text).expect("written");
            assert_eq!(Fieldmap::may_be_in(&path), expected, "{text}");
        }
        assert!(Fieldmap::may_be_in(&folder.path().join("none.yml")));
    }

    #[test]
    fn the_builtin_map_has_no_problem() {
        let mut diagnostics = Diagnostics::default();
        let map = Fieldmap::read(&Source::new("sigma/fieldmap.yml", BUILTIN), &mut diagnostics);
        assert!(diagnostics.sorted().is_empty(), "{diagnostics}");
        assert!(!map.logsources.is_empty());
    }
}
