//! What the field maps of other languages have in common: files that name fields of ours, as data.

use std::{path::Path, sync::Arc};

use super::{
    ast::Text,
    check::unknown_field,
    definition::Definitions,
    diagnostic::{Diagnostics, Source},
    expr::Expr,
    file,
    shape::wrong_type,
    yaml::{Node, Value},
};
use crate::event::field::{self, Field};

/// Why a field is missing that a map says nothing of.
pub(super) const NOT_MAPPED: &str = "the field map does not have it";

/// Reads a map from a file.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn load<M>(
    path: &Path,
    read: impl FnOnce(&Arc<Source>, &mut Diagnostics) -> M,
) -> Result<Arc<M>, Diagnostics> {
    let mut diagnostics = Diagnostics::default();
    let map = file::load(path, &mut diagnostics).map(|source| read(&source, &mut diagnostics));
    match map {
        Some(map) if !diagnostics.has_errors() => Ok(Arc::new(map)),
        Some(_) | None => Err(diagnostics),
    }
}

/// Reads a map that comes with the program; a test holds that it has no problem.
pub(super) fn builtin<M>(name: &str, text: &str, read: impl FnOnce(&Arc<Source>, &mut Diagnostics) -> M) -> Arc<M> {
    let mut diagnostics = Diagnostics::default();
    let map = read(&Source::new(name, text), &mut diagnostics);
    debug_assert!(!diagnostics.has_errors(), "{diagnostics}");
    Arc::new(map)
}

/// A condition of ours. That a field may be absent is what such conditions reckon with.
pub(super) fn condition(node: &Node, diagnostics: &mut Diagnostics) -> Option<Expr> {
    Definitions::default().check(&Text::of_node(node), diagnostics).map(|(expr, _)| expr)
}

/// A field of ours, or a list of them.
pub(super) fn fields_of(node: &Node, diagnostics: &mut Diagnostics) -> Option<Vec<&'static Field>> {
    match &node.value {
        Value::Sequence(items) => items.iter().map(|item| one_field(item, diagnostics)).collect(),
        Value::Mapping(_) | Value::Scalar(_) => one_field(node, diagnostics).map(|field| vec![field]),
    }
}

/// A field of ours.
pub(super) fn one_field(node: &Node, diagnostics: &mut Diagnostics) -> Option<&'static Field> {
    let Some(name) = node.text() else {
        diagnostics.push(wrong_type(node, "this is the name of a field of ours", None));
        return None;
    };
    let field = field::find(name);
    if field.is_none() {
        diagnostics.push(unknown_field(name, node.place.clone()));
    }
    field
}
