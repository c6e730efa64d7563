//! Conditions as they are written, before names and types are known.

use std::{ops::Range, sync::Arc};

use super::{
    diagnostic::{Place, Source},
    expr::Quantifier,
    op::Operator,
    transform::Transform,
    yaml::Node,
};

/// The text of a condition, and where each byte of it stands in its file.
#[derive(Clone, Debug)]
pub(super) struct Text {
    source: Arc<Source>,
    value: String,
    /// One offset more than there are bytes.
    offsets: Vec<usize>,
}

impl Text {
    /// A scalar of a rule file.
    #[must_use]
    pub(super) fn of_node(node: &Node) -> Self {
        Self {
            source: Arc::clone(&node.place.source),
            value: node.text().unwrap_or_default().to_owned(),
            offsets: node.offsets(),
        }
    }

    /// A text of its own, such as a filter on the command line.
    #[must_use]
    pub(super) fn alone(source: &Arc<Source>) -> Self {
        Self { source: Arc::clone(source), value: source.text.clone(), offsets: (0..=source.text.len()).collect() }
    }

    /// The condition.
    #[must_use]
    pub(super) fn value(&self) -> &str {
        &self.value
    }

    /// The place of a stretch of the condition.
    #[must_use]
    pub(super) fn place(&self, range: Range<usize>) -> Place {
        let at = |index: usize| self.offsets.get(index).or(self.offsets.last()).copied().unwrap_or(0);
        let start = at(range.start);
        // The end is one past the last character, not where the next one starts: a line break may be between.
        let last = self.value.get(range.clone()).and_then(|part| part.chars().next_back()).map_or(0, char::len_utf8);
        let end = if range.is_empty() { start } else { at(range.end - last) + last };
        Place { source: Arc::clone(&self.source), range: start..end.max(start) }
    }
}

/// A constant.
#[derive(Clone, Debug)]
pub struct Literal {
    /// Its bytes, escapes resolved.
    pub bytes: Box<[u8]>,
    /// Where it stands.
    pub place: Place,
}

impl Literal {
    /// The bytes as text, if they are text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
    }

    /// The text for messages.
    #[must_use]
    pub fn shown(&self) -> String {
        crate::event::text::encode(&self.bytes)
    }
}

/// A name and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Name {
    /// The name.
    pub(super) text: String,
    /// Where it stands.
    pub(super) place: Place,
}

/// A field with the transforms around it.
#[derive(Clone)]
pub(super) struct Term {
    /// The field.
    pub(super) field: Name,
    /// The place in a list, counted from 0: `process.args[1]`.
    pub(super) at: Option<usize>,
    /// From the outermost to the innermost, with the place of each name.
    pub(super) transforms: Vec<(&'static dyn Transform, Place)>,
    /// The whole.
    pub(super) place: Place,
}

impl Term {
    /// As it is written.
    pub(super) fn text(&self) -> String {
        self.text_below(0)
    }

    /// Without the outermost transforms.
    pub(super) fn text_below(&self, outer: usize) -> String {
        let inner: Vec<_> = self.transforms.iter().skip(outer).map(|(transform, _)| transform.name()).collect();
        let open: String = inner.iter().map(|name| format!("{name}(")).collect();
        let at = self.at.map(|at| format!("[{at}]")).unwrap_or_default();
        format!("{open}{}{at}{}", self.field.text, ")".repeat(inner.len()))
    }
}

impl std::fmt::Debug for Term {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.text())
    }
}

/// One operand.
#[derive(Clone, Debug)]
pub(super) enum Item {
    /// Another field.
    Field(Term),
    /// `ioc:name`
    Indicators(Name),
    /// `$name`
    List(Name),
    /// A constant.
    Literal(Literal),
}

/// A field, an operator, its operands.
#[derive(Clone)]
pub(super) struct Comparison {
    /// Whether `all( )` stands around the field.
    pub(super) quantifier: Quantifier,
    /// What is compared.
    pub(super) term: Term,
    /// The operator.
    pub(super) operator: &'static dyn Operator,
    /// Where the operator stands.
    pub(super) operator_place: Place,
    /// The operands; empty for `exists`.
    pub(super) items: Vec<Item>,
    /// Whether the operands stand in parentheses.
    pub(super) is_list: bool,
    /// The whole.
    pub(super) place: Place,
}

impl Comparison {
    /// The fields on both sides.
    pub(super) fn fields(&self) -> impl Iterator<Item = &str> {
        let right = self.items.iter().filter_map(|item| match item {
            Item::Field(term) => Some(term.field.text.as_str()),
            Item::Indicators(_) | Item::List(_) | Item::Literal(_) => None,
        });
        std::iter::once(self.term.field.text.as_str()).chain(right)
    }
}

impl std::fmt::Debug for Comparison {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} {} {:?}", self.term.text(), self.operator.word(), self.items)
    }
}

/// A condition.
#[derive(Clone, Debug)]
pub(super) enum Ast {
    /// All of them.
    And(Vec<Ast>),
    /// What could not be read; the problem has been reported.
    Broken,
    /// A test.
    Comparison(Comparison),
    /// The condition of that name.
    Macro(Name),
    /// The opposite.
    Not(Box<Ast>),
    /// Any of them.
    Or(Vec<Ast>),
}
