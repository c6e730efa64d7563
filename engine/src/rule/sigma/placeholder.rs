//! Placeholders: what the modifier `expand` puts for `%name%` is what the operator says.

use std::{collections::BTreeMap, sync::Arc};

use crate::rule::{
    diagnostic::{Diagnostic, Diagnostics, Source},
    shape::wrong_type,
    yaml::{self, Node, Plain, Value},
};

/// Values by the names of placeholders.
///
/// ```yaml
/// Administrators: [root, "adm_*"]
/// Servers: srv*
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placeholders {
    values: BTreeMap<String, Vec<String>>,
}

impl Placeholders {
    /// Reads some texts: mappings of names to a value or a list of values, which may have wildcards. What is wrong
    /// with them is reported.
    pub(crate) fn read(sources: &[Arc<Source>], diagnostics: &mut Diagnostics) -> Self {
        let mut placeholders = Self::default();
        for document in sources.iter().flat_map(|source| yaml::parse(source, diagnostics)).collect::<Vec<_>>() {
            placeholders.add(&document, diagnostics);
        }
        placeholders
    }

    fn add(&mut self, document: &Node, diagnostics: &mut Diagnostics) {
        let Value::Mapping(entries) = &document.value else {
            diagnostics.push(wrong_type(document, "placeholders are a mapping of names to values", None));
            return;
        };
        for (name, value) in entries {
            let nodes = match &value.value {
                Value::Sequence(items) => items.as_slice(),
                Value::Mapping(_) | Value::Scalar(_) => std::slice::from_ref(value),
            };
            let is_null = |node: &Node| matches!(&node.value, Value::Scalar(scalar) if scalar.plain() == Plain::Null);
            let text = |node: &Node| node.text().filter(|_| !is_null(node)).map(str::to_owned);
            let values: Option<Vec<String>> = nodes.iter().map(text).collect();
            match (name.text(), values) {
                (Some(name), Some(values)) if !values.is_empty() => {
                    self.values.insert(name.to_owned(), values);
                }
                (Some(name), Some(_)) => {
                    let message = format!("the placeholder `{name}` has no value");
                    diagnostics.push(Diagnostic::error("empty-list", value.place.clone(), message));
                }
                (None, _) | (_, None) => {
                    diagnostics.push(wrong_type(value, "a placeholder stands for a string or a list of strings", None));
                }
            }
        }
    }

    /// One placeholder.
    #[cfg(test)]
    pub(super) fn of(name: &str, values: &[&str]) -> Self {
        Self { values: [(name.to_owned(), values.iter().copied().map(str::to_owned).collect())].into() }
    }

    /// The values of a placeholder.
    pub(super) fn get(&self, name: &str) -> Option<&[String]> {
        self.values.get(name).map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_one_value_or_several() {
        let read = |text: &str| {
            let mut diagnostics = Diagnostics::default();
            let placeholders = Placeholders::read(&[Source::new("placeholders.yml", text)], &mut diagnostics);
            (placeholders, diagnostics.errors())
        };
        let (placeholders, errors) = read("a: x*\nb: [1, two]\n");
        assert_eq!(errors, 0);
        assert_eq!(placeholders.get("a"), Some(&["x*".to_owned()][..]));
        assert_eq!(placeholders.get("b"), Some(&["1".to_owned(), "two".to_owned()][..]));
        assert_eq!(placeholders.get("c"), None);
        for wrong in ["- a\n", "a: []\n", "a: {b: c}\n", "a: [[b]]\n", "a: null\n", "a:\n", "a: [b, ~]\n"] {
            assert_eq!(read(wrong).1, 1, "{wrong}");
        }
    }
}
