//! `related`: how rules belong together. What follows from it is only that a rule answers to the ids
//! it had before.

use crate::rule::{
    diagnostic::{Diagnostic, Diagnostics, did_you_mean},
    shape::Shape,
    yaml::Value,
};

/// Kinds of relation; `obsoletes` is a common spelling.
const TYPES: &[&str] = &["correlation", "derived", "merged", "obsolete", "obsoletes", "renamed", "similar"];

/// The ids a rule had before. What is wrong with `related` is no reason to do without the rule.
pub(super) fn former_ids(shape: &Shape<'_>, diagnostics: &mut Diagnostics) -> Vec<String> {
    let mut ids = Vec::new();
    for node in shape.items("related", diagnostics) {
        let Value::Mapping(_) = &node.value else {
            let message = "an entry of `related` is a mapping";
            diagnostics.push(Diagnostic::warning("wrong-type", node.place.clone(), message));
            continue;
        };
        let entry = Shape::of_mapping(node, "an entry of `related`");
        let (Some(id), Some(ty)) = (entry.get("id"), entry.get("type")) else {
            let message = "an entry of `related` needs `id` and `type`";
            diagnostics.push(Diagnostic::warning("missing-key", node.place.clone(), message));
            continue;
        };
        match (id.text(), ty.text()) {
            (Some(id), Some("renamed")) => ids.push(id.to_owned()),
            (Some(_), Some(known)) if TYPES.contains(&known) => {}
            (_, word) => {
                let message = format!("`{}` is no kind of relation", word.unwrap_or_default());
                let hint = word.and_then(|word| did_you_mean(word, TYPES.iter().copied()));
                diagnostics.push(Diagnostic::warning("wrong-word", ty.place.clone(), message).hint_if(hint));
            }
        }
    }
    ids
}
