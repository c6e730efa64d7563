//! Log sources: what events a rule is for.

use std::{fmt, str::FromStr};

use crate::rule::{
    diagnostic::{Diagnostic, Diagnostics},
    shape::{Shape, wrong_type},
    yaml::{Node, Value},
};

/// A log source: what a rule asks for, or what events are said to be. In small letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logsource {
    /// `process_creation`
    pub category: Option<String>,
    /// `linux`
    pub product: Option<String>,
    /// `auditd`
    pub service: Option<String>,
}

impl Logsource {
    /// Reads a rule's `logsource`.
    pub(super) fn of_node(node: &Node, diagnostics: &mut Diagnostics) -> Option<Self> {
        let Value::Mapping(_) = &node.value else {
            diagnostics.push(wrong_type(node, "`logsource` is a mapping", None));
            return None;
        };
        let shape = Shape::of_mapping(node, "a log source");
        let mut lower = |key| shape.text(key, diagnostics).map(|text| text.to_lowercase());
        let logsource = Self { category: lower("category"), product: lower("product"), service: lower("service") };
        if logsource == Self::default() {
            let error = Diagnostic::error("missing-key", node.place.clone(), "the log source names nothing");
            diagnostics.push(error.hint("it needs `category`, `product` or `service`"));
            return None;
        }
        Some(logsource)
    }

    /// Whether everything it names is the same in `inner`: a rule is for the events of such log sources.
    #[must_use]
    pub fn contains(&self, inner: &Self) -> bool {
        let same = |outer: &Option<String>, inner: &Option<String>| outer.is_none() || outer == inner;
        same(&self.category, &inner.category)
            && same(&self.product, &inner.product)
            && same(&self.service, &inner.service)
    }
}

impl fmt::Display for Logsource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = [("category", &self.category), ("product", &self.product), ("service", &self.service)]
            .into_iter()
            .filter_map(|(key, value)| value.as_ref().map(|value| format!("{key} `{value}`")))
            .collect();
        out.write_str(&parts.join(", "))
    }
}

/// `category=process_creation,product=linux`
impl FromStr for Logsource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut logsource = Self::default();
        for part in text.split(',') {
            let (key, value) = part.split_once('=').ok_or_else(|| format!("`{part}` is not KEY=VALUE"))?;
            let place = match key {
                "category" => &mut logsource.category,
                "product" => &mut logsource.product,
                "service" => &mut logsource.service,
                other => return Err(format!("`{other}` is not `category`, `product` or `service`")),
            };
            if value.trim().is_empty() {
                return Err(format!("`{key}` has no value: leave it out if any will do"));
            }
            if place.replace(value.trim().to_lowercase()).is_some() {
                return Err(format!("`{key}` stands twice"));
            }
        }
        Ok(logsource)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_for_events_that_have_all_it_names() {
        let events: Logsource = "category=process_creation,product=Windows".parse().expect("a log source");
        for (rule, expected) in [
            ("product=windows", true),
            ("category=process_creation", true),
            ("category=process_creation,product=windows", true),
            ("product=linux", false),
            ("product=windows,service=sysmon", false),
        ] {
            assert_eq!(rule.parse::<Logsource>().expect("a log source").contains(&events), expected, "{rule}");
        }
        assert!("kind=x".parse::<Logsource>().is_err());
        assert!("windows".parse::<Logsource>().is_err());
    }
}
