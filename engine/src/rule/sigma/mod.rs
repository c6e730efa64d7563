//! Sigma rules: documents of the Sigma specification compiled to the common form.
//!
//! Every document ends in one of five ways, none of them silence: it is broken (reported like any
//! broken rule), *rejected* (it uses what this version cannot do), *dormant* (no event of ours
//! carries what it needs), *degraded* (some of what it asks for is never there) or *active*.

mod condition;
mod correlation;
mod detection;
mod encode;
mod fieldmap;
mod filter;
mod item;
mod logsource;
mod modifier;
mod placeholder;
mod regex;
mod related;
mod rule;
mod value;

pub use fieldmap::Fieldmap;
pub use logsource::Logsource;
pub use placeholder::Placeholders;

use std::{cell::RefCell, sync::Arc};

use super::{diagnostic::Diagnostics, loaded::Loaded, yaml::Node};
use crate::event::facts::Names;
use filter::Filters;

/// What alerts call the set that Sigma rules belong to.
pub const RULESET: &str = "sigma";

/// Whose events rules are read for.
#[derive(Clone, Debug)]
pub enum Target {
    /// Those of another product, with its names for fields; every log source is taken to be there.
    Foreign(RefCell<Names>),
    /// Ours.
    Ours(Arc<Fieldmap>),
}

/// What Sigma rules are read with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Whose events the rules are for.
    pub target: Target,
    /// What `expand` puts for placeholders.
    pub placeholders: Placeholders,
}

/// Reads the Sigma documents that are loaded together: filters of one file apply to rules of any.
#[derive(Debug)]
pub(super) struct Reader<'s> {
    setup: &'s Setup,
    filters: Filters,
}

impl<'s> Reader<'s> {
    /// A reader that knows the filters among some documents.
    pub(super) fn new<'d>(
        setup: &'s Setup,
        documents: impl Iterator<Item = &'d Node>,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        Self { setup, filters: Filters::read(documents, &setup.placeholders, diagnostics) }
    }

    /// Reads a document, the one with this number in its file. `None` if it is a filter, or if anything
    /// is wrong, which is then reported.
    pub(super) fn read(&self, document: &Node, number: usize, diagnostics: &mut Diagnostics) -> Option<Loaded> {
        if filter::is_one(document) {
            None
        } else {
            rule::read(document, number, self.setup, &self.filters, diagnostics)
        }
    }

    /// Reports filters that no rule was for.
    pub(super) fn finish(self, diagnostics: &mut Diagnostics) {
        self.filters.report(diagnostics);
    }
}

#[cfg(test)]
mod tests;
