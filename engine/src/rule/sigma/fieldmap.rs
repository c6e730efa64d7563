//! The field map: which events of ours a Sigma log source stands for, and where its fields are.
//!
//! It is data (`sigma/fieldmap.yml`), so that a name can be added without a new version.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use super::Logsource;
use crate::{
    event::field::{self, Field},
    rule::{
        ast::Text,
        check::{Definitions, unknown_field},
        diagnostic::{Diagnostics, Source},
        expr::Expr,
        file,
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
    fields: BTreeMap<String, Mapped>,
}

/// Where a Sigma field is.
#[derive(Clone, Debug)]
pub(super) enum Mapped {
    /// It is this field.
    Field(&'static Field),
    /// No event carries it: why.
    Missing(String),
    /// Each of its values is a condition.
    Values(Vec<(String, Expr)>),
}

impl Fieldmap {
    /// The map that comes with the program.
    #[must_use]
    pub fn builtin() -> Arc<Self> {
        let mut diagnostics = Diagnostics::default();
        let map = Self::read(&Source::new("sigma/fieldmap.yml", BUILTIN), &mut diagnostics);
        debug_assert!(!diagnostics.has_errors(), "{diagnostics}");
        Arc::new(map)
    }

    /// Reads a map from a file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(path: &Path) -> Result<Arc<Self>, Diagnostics> {
        let mut diagnostics = Diagnostics::default();
        let map = file::load(path, &mut diagnostics).map(|source| Self::read(&source, &mut diagnostics));
        match map {
            Some(map) if !diagnostics.has_errors() => Ok(Arc::new(map)),
            Some(_) | None => Err(diagnostics),
        }
    }

    fn read(source: &Arc<Source>, diagnostics: &mut Diagnostics) -> Self {
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
            let known = ["category", "product", "service", "when", "fields"];
            let Some(entry) = Shape::new(node, "a log source", &known, diagnostics) else { continue };
            let name = name(&entry, diagnostics);
            let condition = condition(&entry, diagnostics);
            let fields = entry
                .entries("fields", diagnostics)
                .filter_map(|(key, value)| Some((text(key, "a field name", diagnostics)?, mapped(value, diagnostics)?)))
                .collect();
            if let Some(condition) = condition {
                map.logsources.push(MappedSource { name, condition, fields });
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
                Mapped::Field(field) => fields.push(field),
                Mapped::Missing(why) => reason = Some(why),
                Mapped::Values(_) => reason = Some("its values are conditions in our events".to_owned()),
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

fn condition(shape: &Shape<'_>, diagnostics: &mut Diagnostics) -> Option<Expr> {
    let text = shape.condition("when", diagnostics)?;
    Definitions::default().condition(&text, diagnostics)
}

/// `Image: process.executable`, `Hashes: { missing: why }` or `Initiated: { values: { "true": condition } }`.
fn mapped(node: &Node, diagnostics: &mut Diagnostics) -> Option<Mapped> {
    match &node.value {
        Value::Scalar(scalar) => {
            let field = field::find(&scalar.text);
            if field.is_none() {
                diagnostics.push(unknown_field(&scalar.text, node.place.clone()));
            }
            field.map(Mapped::Field)
        }
        Value::Mapping(_) => {
            let shape = Shape::new(node, "a field's place", &["missing", "values"], diagnostics)?;
            if let Some(reason) = shape.text("missing", diagnostics) {
                return Some(Mapped::Missing(reason));
            }
            let mut values = Vec::new();
            for (key, value) in shape.entries("values", diagnostics) {
                let name = text(key, "a value", diagnostics)?;
                let expr = Definitions::default().condition(&Text::of_node(value), diagnostics)?;
                values.push((name.to_lowercase(), expr));
            }
            Some(Mapped::Values(values))
        }
        Value::Sequence(_) => {
            diagnostics.push(wrong_type(node, "a field's place is a field of ours or a mapping", None));
            None
        }
    }
}

impl MappedSource {
    /// Where a Sigma field is: by the map, or by a name of ours.
    pub(super) fn field(&self, name: &str) -> Mapped {
        match self.fields.get(name) {
            Some(mapped) => mapped.clone(),
            None => match field::find(name) {
                Some(field) => Mapped::Field(field),
                None => Mapped::Missing("the field map does not have it".to_owned()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builtin_map_has_no_problem() {
        let mut diagnostics = Diagnostics::default();
        let map = Fieldmap::read(&Source::new("sigma/fieldmap.yml", BUILTIN), &mut diagnostics);
        assert!(diagnostics.sorted().is_empty(), "{diagnostics}");
        assert!(!map.logsources.is_empty());
    }
}
