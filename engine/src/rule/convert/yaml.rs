//! Writing of YAML: keys with texts and lists of texts.

/// A document in the making.
#[derive(Debug, Default)]
pub(super) struct Writer {
    text: String,
}

impl Writer {
    /// A line for people.
    pub(super) fn comment(&mut self, text: &str) {
        let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        self.text.push_str("# ");
        self.text.extend(printable);
        self.text.push('\n');
    }

    /// A key with a text; one of several lines is written in lines.
    pub(super) fn text(&mut self, key: &str, value: &str) {
        if value.contains('\n') {
            self.lines(key, value);
        } else {
            self.text.push_str(&format!("{key}: {}\n", scalar(value)));
        }
    }

    /// A key with a text that is written in lines if it stays the same so.
    pub(super) fn lines(&mut self, key: &str, value: &str) {
        if is_block(value) {
            self.text.push_str(&format!("{key}: |-\n"));
            for line in value.split('\n') {
                let indent = if line.is_empty() { "" } else { "  " };
                self.text.push_str(&format!("{indent}{line}\n"));
            }
            return;
        }
        self.text.push_str(&format!("{key}: {}\n", scalar(value)));
    }

    /// A key with a list; nothing if that is empty.
    pub(super) fn list(&mut self, key: &str, values: &[String]) {
        if values.is_empty() {
            return;
        }
        self.text.push_str(&format!("{key}:\n"));
        for value in values {
            self.text.push_str(&format!("  - {}\n", scalar(value)));
        }
    }

    /// The document.
    pub(super) fn finish(self) -> String {
        self.text
    }
}

/// Whether a text stays what it is as a block of lines.
fn is_block(text: &str) -> bool {
    let is_kept =
        |c: char| c == '\n' || !(c.is_control() || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}'));
    // Blanks at the start would be taken for the indentation, line ends at the end dropped.
    text.chars().all(is_kept) && !text.starts_with([' ', '\n']) && !text.ends_with('\n')
}

/// A text on one line, in quotes unless it can only be a text.
fn scalar(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " _./-(),".contains(c);
    let is_word = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&text.to_lowercase().as_str());
    let starts_well = text.starts_with(|first: char| first.is_ascii_alphabetic());
    if starts_well && text.chars().all(is_plain) && !text.ends_with(' ') && !is_word {
        return text.to_owned();
    }
    // A string of JSON is one of YAML, but for what YAML takes for a line end.
    let quoted = serde_json::Value::from(text).to_string();
    quoted
        .replace('\u{85}', "\\u0085")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
        .replace('\u{feff}', "\\ufeff")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::{Diagnostics, Source, yaml::parse};

    #[test]
    fn texts_are_read_as_they_were() {
        for text in [
            "plain words",
            "",
            "true",
            "12",
            "a: b",
            "# no comment",
            "it's \"so\"",
            "two\nlines",
            " indented\nlines",
            "end\n",
            "tab\there",
            "\u{85}\u{2028}\u{feff}",
            "- dash",
            "a\n\n  b",
            "[x]",
            "ä",
            "\u{1}",
            "0x12",
            "a #b",
            "trailing ",
        ] {
            let mut out = Writer::default();
            out.text("key", text);
            out.list("list", &[text.to_owned()]);
            let mut problems = Diagnostics::default();
            let documents = parse(&Source::new("test", out.finish()), &mut problems);
            assert!(!problems.has_errors(), "{text:?}: {problems}");
            let read = documents.first().and_then(|document| document.get("key")).and_then(|node| node.text());
            assert_eq!(read, Some(text));
        }
    }
}
