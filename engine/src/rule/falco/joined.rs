//! Text that several items have a part in: a condition, and what others append to it.

use std::ops::Range;

use crate::rule::{ast::Text, diagnostic::Place};

/// Texts joined by spaces, each of which knows where it stands.
#[derive(Clone, Debug)]
pub(super) struct Joined {
    value: String,
    /// With the offset that each begins at; there is at least one.
    parts: Vec<(usize, Text)>,
}

impl Joined {
    /// One text.
    pub(super) fn new(text: Text) -> Self {
        Self { value: text.value().to_owned(), parts: vec![(0, text)] }
    }

    /// Adds a text.
    pub(super) fn append(&mut self, text: Text) {
        self.value.push(' ');
        let start = self.value.len();
        self.value.push_str(text.value());
        self.parts.push((start, text));
    }

    /// The whole.
    pub(super) fn value(&self) -> &str {
        &self.value
    }

    /// The place of a stretch; of one that spans texts, what the first has of it.
    pub(super) fn place(&self, range: Range<usize>) -> Option<Place> {
        let (start, text) = self.parts.iter().rev().find(|(start, _)| *start <= range.start)?;
        let length = text.value().len();
        let inner = |at: usize| at.saturating_sub(*start).min(length);
        Some(text.place(inner(range.start)..inner(range.end)))
    }
}
