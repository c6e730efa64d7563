//! Text that several items have a part in: a condition, and what others append to it.

use std::ops::Range;

use crate::rule::{ast::Text, diagnostic::Place};

/// Texts joined by spaces, each of which knows where it stands.
#[derive(Clone, Debug)]
pub(super) struct Joined {
    value: String,
    first: Text,
    /// The others, with the offset that each begins at.
    more: Vec<(usize, Text)>,
}

impl Joined {
    /// One text.
    pub(super) fn new(text: Text) -> Self {
        Self { value: text.value().to_owned(), first: text, more: Vec::new() }
    }

    /// Adds a text.
    pub(super) fn append(&mut self, text: Text) {
        self.value.push(' ');
        let start = self.value.len();
        self.value.push_str(text.value());
        self.more.push((start, text));
    }

    /// The whole.
    pub(super) fn value(&self) -> &str {
        &self.value
    }

    /// The place of a stretch; of one that spans texts, what the first has of it.
    pub(super) fn place(&self, range: Range<usize>) -> Place {
        let later = self.more.iter().rev().find(|(start, _)| *start <= range.start);
        let (start, text) = later.map_or((0, &self.first), |(start, text)| (*start, text));
        let length = text.value().len();
        let inner = |at: usize| at.saturating_sub(start).min(length);
        text.place(inner(range.start)..inner(range.end))
    }
}
