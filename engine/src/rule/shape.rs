//! Reading a YAML mapping whose keys are known: unknown keys, missing keys and wrong types are
//! reported, all of them, and reading goes on.

use super::{
    ast::Text,
    diagnostic::{Diagnostic, Diagnostics, did_you_mean},
    yaml::{Node, Plain, Value},
};
use crate::event::value::Words;

/// A mapping with known keys.
pub(super) struct Shape<'n> {
    node: &'n Node,
    /// What it is, for messages: `a rule`.
    what: &'static str,
}

impl<'n> Shape<'n> {
    /// Looks at a node. Reports it if it is no mapping, and every key that is not in `known`.
    pub(super) fn new(
        node: &'n Node,
        what: &'static str,
        known: &[&'static str],
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let Value::Mapping(entries) = &node.value else {
            diagnostics.push(wrong_type(node, &format!("{what} is a mapping"), None));
            return None;
        };
        for (key, _) in entries {
            match key.text() {
                Some(text) if known.contains(&text) => {}
                Some(text) => {
                    let hint = did_you_mean(text, known.iter().copied())
                        .unwrap_or_else(|| format!("the keys are {}", known.join(", ")));
                    let error =
                        Diagnostic::error("unknown-key", key.place.clone(), format!("unknown key `{text}` in {what}"));
                    diagnostics.push(error.hint(hint));
                }
                None => diagnostics.push(wrong_type(key, &format!("a key of {what} is a string"), None)),
            }
        }
        Some(Self { node, what })
    }

    /// A mapping that may have keys of its author's own; what is no mapping has no keys.
    pub(super) fn of_mapping(node: &'n Node, what: &'static str) -> Self {
        Self { node, what }
    }

    /// The value of a key, if it is there and not null.
    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.node.get(key).filter(|node| !is_null(node))
    }

    /// The value of a key that has to be there.
    pub(super) fn required(&self, key: &str, diagnostics: &mut Diagnostics) -> Option<&'n Node> {
        let found = self.get(key);
        if found.is_none() {
            // The caret goes to the first line of the mapping.
            let message = format!("{} needs `{key}`", self.what);
            diagnostics.push(Diagnostic::error("missing-key", self.node.place.clone(), message));
        }
        found
    }

    /// A text.
    pub(super) fn text(&self, key: &str, diagnostics: &mut Diagnostics) -> Option<String> {
        self.get(key).and_then(|node| text(node, key, diagnostics))
    }

    /// A text that has to be there and say something.
    pub(super) fn required_text(&self, key: &str, diagnostics: &mut Diagnostics) -> Option<String> {
        let node = self.required(key, diagnostics)?;
        let text = text(node, key, diagnostics)?;
        if text.trim().is_empty() {
            diagnostics.push(wrong_type(node, &format!("`{key}` is empty"), None));
            return None;
        }
        Some(text)
    }

    /// A condition that has to be there.
    pub(super) fn condition(&self, key: &str, diagnostics: &mut Diagnostics) -> Option<Text> {
        self.required_text(key, diagnostics)?;
        self.get(key).map(Text::of_node)
    }

    /// A list of texts; none if the key is not there.
    pub(super) fn texts(&self, key: &str, diagnostics: &mut Diagnostics) -> Vec<String> {
        self.items(key, diagnostics).filter_map(|node| text(node, key, diagnostics)).collect()
    }

    /// The nodes of a list; none if the key is not there.
    pub(super) fn items(&self, key: &str, diagnostics: &mut Diagnostics) -> std::slice::Iter<'n, Node> {
        match self.get(key).map(|node| (node, &node.value)) {
            Some((_, Value::Sequence(items))) => items.iter(),
            Some((node, Value::Mapping(_) | Value::Scalar(_))) => {
                let hint = node.text().map(|text| format!("write `{key}: [{text}]`"));
                diagnostics.push(wrong_type(node, &format!("`{key}` is a list"), hint));
                [].iter()
            }
            None => [].iter(),
        }
    }

    /// Names and values of a mapping; none if the key is not there.
    pub(super) fn entries(&self, key: &str, diagnostics: &mut Diagnostics) -> std::slice::Iter<'n, (Node, Node)> {
        match self.get(key).map(|node| (node, &node.value)) {
            Some((_, Value::Mapping(entries))) => entries.iter(),
            Some((node, Value::Sequence(_) | Value::Scalar(_))) => {
                diagnostics.push(wrong_type(node, &format!("`{key}` is a mapping"), None));
                [].iter()
            }
            None => [].iter(),
        }
    }

    /// One of a closed list of words.
    pub(super) fn word<W: Words>(&self, key: &str, diagnostics: &mut Diagnostics) -> Option<W> {
        let node = self.required(key, diagnostics)?;
        let text = text(node, key, diagnostics)?;
        let parsed = W::parse(text.as_bytes());
        if parsed.is_none() {
            let hint = did_you_mean(&text, W::ALL.iter().copied())
                .unwrap_or_else(|| format!("the words are {}", W::ALL.join(", ")));
            let message = format!("`{text}` is not a word of `{key}`");
            diagnostics.push(Diagnostic::error("wrong-word", node.place.clone(), message).hint(hint));
        }
        parsed
    }
}

pub(super) fn is_null(node: &Node) -> bool {
    match &node.value {
        Value::Scalar(scalar) => scalar.plain() == Plain::Null,
        Value::Mapping(_) | Value::Sequence(_) => false,
    }
}

/// A scalar that is a string; numbers and dates are what was written.
pub(super) fn text(node: &Node, key: &str, diagnostics: &mut Diagnostics) -> Option<String> {
    match &node.value {
        Value::Scalar(scalar) if !is_null(node) => Some(scalar.text.clone()),
        Value::Mapping(_) | Value::Scalar(_) | Value::Sequence(_) => {
            diagnostics.push(wrong_type(node, &format!("`{key}` is a string"), None));
            None
        }
    }
}

pub(super) fn wrong_type(node: &Node, expected: &str, hint: Option<String>) -> Diagnostic {
    let label = format!("this is {}", node.type_name());
    Diagnostic::error("wrong-type", node.place.clone(), expected).label(label).hint_if(hint)
}
