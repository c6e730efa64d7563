//! What is wrong with a rule, a filter or a whitelist, and where.
//!
//! Everything that reads such text collects its findings here and goes on, so that the author sees
//! all problems of all files at once. A finding prints with file, line, column, the source line, a
//! caret and a hint, or as JSON.

use std::{fmt, ops::Range, sync::Arc};

use annotate_snippets::{AnnotationKind, Group, Level as Title, Origin, Renderer, Snippet};

/// A text that rules are read from.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// The path as it was given, or a word for text that is in no file.
    pub name: String,
    /// Its text; empty if it could not be read.
    pub text: String,
}

impl Source {
    /// A text under a name.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into() })
    }

    /// Line and column of a byte offset, both from 1; columns count characters.
    #[must_use]
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(line_start..).map_or(0, |line| line.chars().count());
        (before.matches('\n').count() + 1, column + 1)
    }
}

/// A stretch of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The text.
    pub source: Arc<Source>,
    /// Byte offsets in it.
    pub range: Range<usize>,
}

impl Place {
    /// The whole of a source: what is said of a file that could not be read.
    #[must_use]
    pub fn whole(source: &Arc<Source>) -> Self {
        Self { source: Arc::clone(source), range: 0..0 }
    }

    /// Line and column of the start.
    #[must_use]
    pub fn start(&self) -> (usize, usize) {
        self.source.position(self.range.start)
    }
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The rule cannot be used; loading fails.
    Error,
    /// The rule works, but perhaps not as its author thinks.
    Warning,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad.
    pub level: Level,
    /// A stable word for programs: `unknown-field`.
    pub code: &'static str,
    /// What is wrong, with the offending value.
    pub message: String,
    /// Where.
    pub place: Place,
    /// A few words beside the caret.
    pub label: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Other places that belong to it, each with a few words.
    pub related: Vec<(Place, String)>,
}

impl Diagnostic {
    /// An error.
    #[must_use]
    pub fn error(code: &'static str, place: Place, message: impl Into<String>) -> Self {
        Self {
            level: Level::Error,
            code,
            message: message.into(),
            place,
            label: String::new(),
            hint: None,
            related: Vec::new(),
        }
    }

    /// A warning.
    #[must_use]
    pub fn warning(code: &'static str, place: Place, message: impl Into<String>) -> Self {
        Self { level: Level::Warning, ..Self::error(code, place, message) }
    }

    /// With words beside the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// With advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With advice, if there is any.
    #[must_use]
    pub fn hint_if(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }

    /// With another place.
    #[must_use]
    pub fn related(mut self, place: Place, words: impl Into<String>) -> Self {
        self.related.push((place, words.into()));
        self
    }

    /// The finding as text; `renderer` decides on colour.
    #[must_use]
    pub fn render(&self, renderer: &Renderer) -> String {
        let level = match self.level {
            Level::Error => Title::ERROR,
            Level::Warning => Title::WARNING,
        };
        let title = level.primary_title(&self.message).id(self.code);
        let main = if self.place.source.text.is_empty() {
            Group::with_title(title).element(Origin::path(&self.place.source.name))
        } else {
            let mut snippet = snippet(&self.place)
                .annotation(AnnotationKind::Primary.span(visible(&self.place)).label(self.label.as_str()));
            for (place, words) in self.related.iter().filter(|(place, _)| place.source == self.place.source) {
                snippet = snippet.annotation(AnnotationKind::Context.span(visible(place)).label(words.as_str()));
            }
            Group::with_title(title).element(snippet)
        };
        let main = self.related.iter().filter(|(place, _)| place.source != self.place.source).fold(
            main,
            |group, (place, words)| {
                group.element(
                    snippet(place).annotation(AnnotationKind::Context.span(visible(place)).label(words.as_str())),
                )
            },
        );
        let main = match &self.hint {
            Some(hint) => main.element(Title::HELP.message(hint.as_str())),
            None => main,
        };
        renderer.render(&[main])
    }

    /// The finding as a JSON object.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let (line, column) = self.place.start();
        serde_json::json!({
            "level": match self.level { Level::Error => "error", Level::Warning => "warning" },
            "code": self.code,
            "message": self.message,
            "file": self.place.source.name,
            "line": line,
            "column": column,
            "label": self.label,
            "hint": self.hint,
            "related": self.related.iter().map(|(place, words)| {
                let (line, column) = place.start();
                serde_json::json!({ "file": place.source.name, "line": line, "column": column, "label": words })
            }).collect::<Vec<_>>(),
        })
    }
}

fn snippet(place: &Place) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
    Snippet::source(place.source.text.as_str()).path(place.source.name.as_str())
}

/// The part of a place that is worth a caret: its first line, and inside the text.
fn visible(place: &Place) -> Range<usize> {
    let text = &place.source.text;
    let start = text.floor_char_boundary(place.range.start.min(text.len()));
    let end = text.ceil_char_boundary(place.range.end.clamp(start, text.len()));
    let first_line = text.get(start..end).and_then(|part| part.find('\n'));
    start..first_line.map_or(end, |length| start + length)
}

/// All findings about some files.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// Adds those of another collection that are not there yet.
    pub fn extend_new(&mut self, other: Self) {
        for diagnostic in other.list {
            if !self.list.contains(&diagnostic) {
                self.list.push(diagnostic);
            }
        }
    }

    /// Adds those of another collection.
    pub fn extend(&mut self, other: Self) {
        self.list.extend(other.list);
    }

    /// Whether any is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.errors() > 0
    }

    /// The number of errors.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.list.iter().filter(|diagnostic| diagnostic.level == Level::Error).count()
    }

    /// The number of warnings.
    #[must_use]
    pub fn warnings(&self) -> usize {
        self.list.len() - self.errors()
    }

    /// The findings by file and position.
    #[must_use]
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut all: Vec<&Diagnostic> = self.list.iter().collect();
        all.sort_by(|a, b| {
            (&a.place.source.name, a.place.range.start, a.level).cmp(&(
                &b.place.source.name,
                b.place.range.start,
                b.level,
            ))
        });
        all
    }

    /// All as text, one after the other.
    #[must_use]
    pub fn render(&self, colour: Colour) -> String {
        let renderer = match colour {
            Colour::Plain => Renderer::plain(),
            Colour::Styled => Renderer::styled(),
        };
        self.sorted().iter().map(|diagnostic| diagnostic.render(&renderer) + "\n").collect::<Vec<_>>().join("\n")
    }

    /// All as a JSON array.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        self.sorted().iter().map(|diagnostic| diagnostic.json()).collect()
    }
}

/// Whether text for a person has terminal colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// No escape sequences.
    Plain,
    /// ANSI colours.
    Styled,
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.render(Colour::Plain))
    }
}

impl std::error::Error for Diagnostics {}

/// The word of `known` that `wrong` was probably meant to be.
pub(crate) fn did_you_mean<'k>(wrong: &str, known: impl IntoIterator<Item = &'k str>) -> Option<String> {
    let limit = (wrong.chars().count() / 3).clamp(1, 4);
    known
        .into_iter()
        .map(|word| (distance(wrong, word, limit), word))
        .filter(|(far, _)| *far <= limit)
        .min_by_key(|(far, _)| *far)
        .map(|(_, word)| format!("did you mean `{word}`?"))
}

/// Edits (insert, delete, replace, swap of neighbours) between two words; anything above `limit` if there are more.
fn distance(a: &str, b: &str, limit: usize) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(80).collect(), b.chars().take(80).collect());
    if a.len().abs_diff(b.len()) > limit {
        return limit + 1;
    }
    let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
    let mut above_above: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (at(&above, j) + usize::from(x != y)).min(at(&above, j + 1) + 1).min(at(&row, j) + 1);
            if i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x) {
                best = best.min(at(&above_above, j - 1) + 1);
            }
            row.push(best);
        }
        above_above = std::mem::replace(&mut above, row);
    }
    at(&above, b.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_proposed_and_far_ones_are_not() {
        let known = ["process.executable", "process.name", "file.path"];
        assert_eq!(did_you_mean("process.exectuable", known).as_deref(), Some("did you mean `process.executable`?"));
        assert_eq!(did_you_mean("file.pth", known).as_deref(), Some("did you mean `file.path`?"));
        assert_eq!(did_you_mean("network.bytes", known), None);
        assert_eq!(distance("abcd", "abdc", 4), 1);
    }

    #[test]
    fn positions_count_characters_from_one() {
        let source = Source::new("x", "é\nab é c\n");
        assert_eq!(source.position(0), (1, 1));
        assert_eq!(source.position(source.text.find('c').expect("there")), (2, 6));
        assert_eq!(source.position(1_000), (3, 1));
    }

    #[test]
    fn terminal_controls_in_a_source_are_not_printed() {
        let source = Source::new("x.yml", "a: \u{1b}[31m\n");
        let mut all = Diagnostics::default();
        all.push(Diagnostic::error("test", Place { source, range: 3..4 }, "bad \u{1b}[2J text"));
        assert!(!all.render(Colour::Plain).contains('\u{1b}'));
    }
}
