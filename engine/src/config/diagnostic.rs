//! Problems of a file with the line they are in and a caret below.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::setting::Problem;

/// The problems as text for a terminal, in the style of a compiler. `coloured` adds escape sequences of ours.
#[must_use]
pub fn render(path: &str, text: &str, problems: &[Problem], coloured: bool) -> String {
    let renderer = if coloured { Renderer::styled() } else { Renderer::plain() };
    // A configuration is ours, but a pasted control character must not reach the terminal.
    let shown: String = text
        .chars()
        .map(|character| if character.is_control() && character != '\n' { ' ' } else { character })
        .collect();
    let mut out = String::new();
    for problem in problems {
        let title = crate::sink::printable(problem.message.as_bytes(), 2000).into_owned();
        let hint = problem.hint.as_ref().map(|hint| crate::sink::printable(hint.as_bytes(), 2000).into_owned());
        let span = place(&shown, problem.line, problem.column);
        let snippet = Snippet::source(&shown).path(path).annotation(AnnotationKind::Primary.span(span));
        let mut group = Level::ERROR.primary_title(title.as_str()).element(snippet);
        if let Some(hint) = &hint {
            group = group.element(Level::HELP.message(hint.as_str()));
        }
        out.push_str(&renderer.render(&[group]));
        out.push('\n');
    }
    out
}

/// The word at a line and column, as bytes.
fn place(text: &str, line: usize, column: usize) -> std::ops::Range<usize> {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default();
    let content = rest.split('\n').next().unwrap_or_default();
    let skip: usize = content.chars().take(column.saturating_sub(1)).map(char::len_utf8).sum();
    let word = content.get(skip..).unwrap_or_default();
    let length = word.find([' ', ':', ',', ']', '}']).unwrap_or(word.len());
    let first = start + skip;
    first..(first + length).min(text.len()).max(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_shows_its_line_and_a_caret() {
        let text = "rules: []\nruls: \x1b[2J\n";
        let problem = Problem {
            line: 2,
            column: 1,
            message: "unknown setting `ruls`".to_owned(),
            hint: Some("did you mean `rules`?".to_owned()),
        };
        let shown = render("beewolf.yml", text, &[problem], false);
        for part in ["error: unknown setting `ruls`", "beewolf.yml:2:1", "2 | ruls:", "^^^^", "did you mean `rules`?"] {
            assert!(shown.contains(part), "{part} in\n{shown}");
        }
        assert!(!shown.contains('\x1b'));
    }

    #[test]
    fn places_beyond_the_text_are_its_end() {
        for (line, column) in [(0, 0), (1, 1), (1, 99), (99, 1), (2, 3)] {
            let span = place("ä: b\nc", line, column);
            assert!(span.start <= span.end && span.end <= 7, "{span:?}");
        }
    }
}
