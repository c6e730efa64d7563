//! Falco rules: files of rules, macros, lists and exceptions compiled to the common form.
//!
//! ```text
//! items of all files, in load order ─ item ─> Items ─┐
//! condition ─ parse ─> Node ─ compile, comparison ───┴─> Expr, and what no event carries
//! ```
//!
//! Where Falco's fields are in our events is data: [`Fieldmap`]. What no event carries makes a rule dormant,
//! or degraded if it can match without, as with Sigma rules; `docs/falco.md` says what is meant where the two
//! engines differ.

mod ast;
mod comparison;
mod compile;
mod exceptions;
mod fieldmap;
mod item;
mod joined;
mod output;
mod parse;
mod pattern;
mod rule;
mod value;

pub use fieldmap::Fieldmap;

use super::{diagnostic::Diagnostics, loaded::Loaded, yaml::Node};

/// What alerts call the set that Falco rules belong to.
pub const RULESET: &str = "falco";

/// Whether a document is a Falco file.
pub(super) fn is_one(document: &Node) -> bool {
    item::is_one(document)
}

/// Reads the Falco files that are loaded together, in order: later items change earlier ones, of any file.
pub(super) fn read<'d>(
    files: impl Iterator<Item = &'d Node>,
    fields: &Fieldmap,
    diagnostics: &mut Diagnostics,
) -> Vec<Loaded> {
    let mut items = item::Items::default();
    files.for_each(|file| items.read(file, diagnostics));
    rule::read_all(&items, fields, diagnostics)
}

#[cfg(test)]
mod tests;
