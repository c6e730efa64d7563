//! A rule over several events as it was read: rules and fields are names still.

use std::collections::BTreeMap;

use super::Measure;
use crate::rule::{ast::Name, expr::Expr, test::Case};

/// What a front end has read.
#[derive(Clone, Debug)]
pub(in crate::rule) struct Draft {
    /// By slot.
    pub(in crate::rule) sources: Vec<Source>,
    /// The parts of the group.
    pub(in crate::rule) by: Vec<Part>,
    /// The parts of the value that is counted or measured.
    pub(in crate::rule) of: Vec<Part>,
    /// When the rule matches.
    pub(in crate::rule) measure: Measure,
    /// Length of the window.
    pub(in crate::rule) within_ns: i64,
    /// How texts are grouped. Sigma's are folded, and its field names are mapped.
    pub(in crate::rule) case: Case,
    /// Whether the rules it refers to do not alert by themselves.
    pub(in crate::rule) silences: bool,
    /// What the author calls sources where parts have other fields in them: each has to be one.
    pub(in crate::rule) labels: Vec<Name>,
}

/// Whose matches count.
#[derive(Clone, Debug)]
pub(in crate::rule) enum Source {
    /// A condition of the rule's own, under the name that `by` may use.
    Condition(String, Expr),
    /// The rule's own `when`.
    Own,
    /// Another rule, by id or name.
    Rule(Name),
}

/// One part of a group or value.
#[derive(Clone, Debug)]
pub(in crate::rule) struct Part {
    /// The field, or the name of the part if it is another field in each source.
    pub(in crate::rule) name: Name,
    /// Its field by the names of sources.
    pub(in crate::rule) fields: BTreeMap<String, Name>,
}

impl Part {
    /// The same field in every source.
    pub(in crate::rule) fn field(name: Name) -> Self {
        Self { name, fields: BTreeMap::new() }
    }
}
