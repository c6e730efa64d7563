//! Values of Sigma items: strings with wildcards, numbers, booleans, null.

use std::fmt;

use super::modifier::{Reading, Refusal};
use crate::{
    event::{foreign, value::Bytes},
    rule::{
        test::{Case, Pattern, Position, Strings, Test},
        yaml::{Node, Plain, Value as Yaml},
    },
};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Bool(bool),
    Int(i64),
    Null,
    Text(Wild),
}

/// A string with wildcards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wild {
    pub(super) parts: Vec<Part>,
}

/// A piece of a string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// `*`
    Any,
    /// These bytes.
    Bytes(Vec<u8>),
    /// `?`
    One,
    /// `%name%`, until `expand` puts something for it.
    Placeholder {
        /// The name.
        name: String,
        /// Whether it stands in a regular expression.
        raw: bool,
    },
}

impl Value {
    /// The value of a scalar. `None` for mappings and lists.
    pub(super) fn of_node(node: &Node, reading: Reading) -> Option<Self> {
        let Yaml::Scalar(scalar) = &node.value else { return None };
        if reading.raw && scalar.plain() != Plain::Null {
            return Some(Self::of_text(&scalar.text, reading));
        }
        Some(match scalar.plain() {
            // Where 64 bits do not hold a number its digits do: events show it as they are.
            Plain::Big(digits) => Self::Text(Wild::plain(digits.into_bytes())),
            Plain::Bool(flag) => Self::Bool(flag),
            Plain::Int(number) => Self::Int(number),
            Plain::Null => Self::Null,
            Plain::Float(float) => match foreign::whole(float) {
                Some(number) => Self::Int(number),
                None => Self::Text(Wild::plain(float.to_string().into_bytes())),
            },
            Plain::Text(text) => Self::of_text(text, reading),
        })
    }

    /// The value of a string.
    pub(super) fn of_text(text: &str, reading: Reading) -> Self {
        Self::Text(match reading {
            Reading { raw: true, placeholders } => Wild::raw(text, placeholders),
            Reading { raw: false, placeholders: true } => Wild::with_placeholders(text),
            Reading { raw: false, placeholders: false } => Wild::parse(text),
        })
    }

    /// The value as a string: what modifiers of strings work on. `None` for null.
    pub(super) fn into_wild(self) -> Option<Wild> {
        match self {
            Self::Bool(flag) => Some(Wild::plain(flag.to_string().into_bytes())),
            Self::Int(number) => Some(Wild::plain(number.to_string().into_bytes())),
            Self::Null => None,
            Self::Text(wild) => Some(wild),
        }
    }
}

impl Wild {
    /// Reads a string: `*` and `?` are wildcards; a backslash before `*`, `?` or another backslash
    /// takes it as it is, before anything else it is a backslash.
    pub(super) fn parse(text: &str) -> Self {
        Self::scan(text, r"*?\", false)
    }

    /// The same with placeholders: `%name%` is one, and a backslash before `%` makes it a plain `%`.
    pub(super) fn with_placeholders(text: &str) -> Self {
        Self::scan(text, r"*?\%", true)
    }

    /// Reads what is between placeholders as it is.
    fn raw(text: &str, placeholders: bool) -> Self {
        let mut wild = Self::default();
        let mut rest = text;
        while let Some((before, name, after)) = placeholders.then(|| placeholder(rest)).flatten() {
            wild = wild.join(&Self::plain(before.as_bytes().to_vec()));
            wild.parts.push(Part::Placeholder { name: name.to_owned(), raw: true });
            rest = after;
        }
        wild.join(&Self::plain(rest.as_bytes().to_vec()))
    }

    /// Reads a string in which a backslash escapes some characters.
    fn scan(text: &str, escaped: &str, placeholders: bool) -> Self {
        let mut parts = Vec::new();
        let mut plain = Vec::new();
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            let here = rest;
            rest = here.get(character.len_utf8()..).unwrap_or_default();
            let special = match character {
                '*' => Some(Part::Any),
                '?' => Some(Part::One),
                '%' if placeholders => match placeholder(here) {
                    Some(("", name, after)) => {
                        rest = after;
                        Some(Part::Placeholder { name: name.to_owned(), raw: false })
                    }
                    Some(_) | None => None,
                },
                _ => None,
            };
            if let Some(special) = special {
                if !plain.is_empty() {
                    parts.push(Part::Bytes(std::mem::take(&mut plain)));
                }
                parts.push(special);
                continue;
            }
            let mut literal = character;
            if character == '\\'
                && let Some(next) = rest.chars().next().filter(|next| escaped.contains(*next))
            {
                literal = next;
                rest = rest.get(next.len_utf8()..).unwrap_or_default();
            }
            plain.extend_from_slice(literal.encode_utf8(&mut [0; 4]).as_bytes());
        }
        if !plain.is_empty() {
            parts.push(Part::Bytes(plain));
        }
        Self { parts }
    }

    /// With another behind it; bytes that meet become one part.
    pub(super) fn join(mut self, other: &Self) -> Self {
        for part in &other.parts {
            match (self.parts.last_mut(), part) {
                (Some(Part::Bytes(before)), Part::Bytes(bytes)) => before.extend_from_slice(bytes),
                (_, part) => self.parts.push(part.clone()),
            }
        }
        self
    }

    /// With bytes before it.
    pub(super) fn after(&self, bytes: &[u8]) -> Self {
        Self::plain(bytes.to_vec()).join(self)
    }

    /// A string without wildcards.
    pub(super) fn plain(bytes: Vec<u8>) -> Self {
        Self { parts: if bytes.is_empty() { Vec::new() } else { vec![Part::Bytes(bytes)] } }
    }

    /// The bytes, if there is no wildcard.
    pub(super) fn as_plain(&self) -> Option<&[u8]> {
        match self.parts.as_slice() {
            [] => Some(b""),
            [Part::Bytes(bytes)] => Some(bytes),
            _ => None,
        }
    }

    /// With `*` before it.
    pub(super) fn open_start(mut self) -> Self {
        if self.parts.first() != Some(&Part::Any) {
            self.parts.insert(0, Part::Any);
        }
        self
    }

    /// With `*` after it.
    pub(super) fn open_end(mut self) -> Self {
        if self.parts.last() != Some(&Part::Any) {
            self.parts.push(Part::Any);
        }
        self
    }

    /// Each run of plain bytes replaced.
    pub(super) fn map(self, change: impl Fn(&[u8]) -> Vec<u8>) -> Self {
        let parts = self
            .parts
            .into_iter()
            .map(|part| match part {
                Part::Bytes(bytes) => Part::Bytes(change(&bytes)),
                Part::Any | Part::One | Part::Placeholder { .. } => part,
            })
            .collect();
        Self { parts }
    }

    /// What it asks of a text, as a place and a plain string, if it is that simple.
    pub(super) fn simple(&self) -> Option<(Position, Bytes)> {
        let bytes = |bytes: &Vec<u8>| bytes.clone().into_boxed_slice();
        Some(match self.parts.as_slice() {
            [] => (Position::Whole, Bytes::default()),
            [Part::Bytes(text)] => (Position::Whole, bytes(text)),
            [Part::Any, Part::Bytes(text)] => (Position::End, bytes(text)),
            [Part::Bytes(text), Part::Any] => (Position::Start, bytes(text)),
            [Part::Any, Part::Bytes(text), Part::Any] => (Position::Anywhere, bytes(text)),
            _ => return None,
        })
    }

    /// Whether it is made of `*` only: any text at all.
    pub(super) fn is_anything(&self) -> bool {
        !self.parts.is_empty() && self.parts.iter().all(|part| *part == Part::Any)
    }

    /// The pattern over a whole text.
    pub(super) fn pattern(&self, case: Case) -> Result<Pattern, Refusal> {
        self.regex(case, "", "(?s-u:.)*", ".")
    }

    /// The tests of the last part of a path, any of which may pass.
    pub(super) fn on_base_name(&self, case: Case) -> Result<Vec<Test>, Refusal> {
        let Some(name) = self.as_plain() else {
            return self
                .regex(case, "(?:(?s-u:.)*/)?", "(?s-u:[^/])*", "[^/]")
                .map(|pattern| vec![Test::Pattern(pattern)]);
        };
        let below = [b"/", name].concat().into_boxed_slice();
        let text = |position, needle: Bytes| Test::Text(Strings::new(position, case, [needle]));
        Ok(vec![text(Position::Whole, name.into()), text(Position::End, below)])
    }

    /// The pattern over a whole text, with what stands before it and for the wildcards.
    fn regex(&self, case: Case, before: &str, any: &str, one: &str) -> Result<Pattern, Refusal> {
        let mut regex = match case {
            Case::Exact => "(?s)\\A",
            Case::Folded => "(?si)\\A",
        }
        .to_owned();
        regex.push_str(before);
        for part in &self.parts {
            match part {
                Part::Any => regex.push_str(any),
                Part::One => regex.push_str(one),
                // `expand` has put values for them, or refused the rule.
                Part::Placeholder { name, .. } => {
                    return Err(Refusal::Unsupported(format!("the placeholder `%{name}%` has no value")));
                }
                Part::Bytes(bytes) => {
                    for chunk in bytes.utf8_chunks() {
                        regex.push_str(&regex_syntax::escape(chunk.valid()));
                        for byte in chunk.invalid() {
                            regex.push_str(&format!("(?-u:\\x{byte:02x})"));
                        }
                    }
                }
            }
        }
        regex.push_str("\\z");
        Pattern::new(&regex)
            .map_err(|why| Refusal::of_unbuilt(why, |why| format!("`{}`: {why}", Value::Text(self.clone()))))
    }
}

/// As an author would write it, escapes left out.
impl fmt::Display for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(flag) => write!(out, "{flag}"),
            Self::Int(number) => write!(out, "{number}"),
            Self::Null => write!(out, "null"),
            Self::Text(wild) => wild.parts.iter().try_for_each(|part| match part {
                Part::Any => write!(out, "*"),
                Part::Bytes(bytes) => write!(out, "{}", String::from_utf8_lossy(bytes)),
                Part::One => write!(out, "?"),
                Part::Placeholder { name, .. } => write!(out, "%{name}%"),
            }),
        }
    }
}

/// The text before a text's first placeholder, its name, and the text behind it. A name has no
/// backslash, is not empty, and no space is inside: `50% of 3%` has none.
fn placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(start) = text.get(from..)?.find('%').map(|at| from + at) {
        let inner = text.get(start + 1..)?;
        let end = inner.find('%')?;
        let name = inner.get(..end)?;
        if !name.is_empty() && !name.contains(|c: char| c == '\\' || c.is_whitespace()) {
            return Some((text.get(..start)?, name, inner.get(end + 1..)?));
        }
        from = start + 1;
    }
    None
}

/// The tests of several strings, any of which may match: simple ones go together.
pub(super) fn tests(values: &[Wild], case: Case) -> Result<Vec<Test>, Refusal> {
    let mut simple: Vec<(Position, Vec<Bytes>)> = Vec::new();
    let mut tests = Vec::new();
    for value in values {
        if value.is_anything() {
            tests.push(Test::Exists);
        } else if let Some((position, needle)) = value.simple() {
            match simple.iter_mut().find(|(other, _)| *other == position) {
                Some((_, needles)) => needles.push(needle),
                None => simple.push((position, vec![needle])),
            }
        } else {
            tests.push(Test::Pattern(value.pattern(case)?));
        }
    }
    tests.extend(simple.into_iter().map(|(position, needles)| Test::Text(Strings::new(position, case, needles))));
    Ok(tests)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, parts: &[Part]) {
        assert_eq!(Wild::parse(text).parts, parts, "{text}");
    }

    #[test]
    fn wildcards_and_escapes_are_read_as_specified() {
        let bytes = |text: &str| Part::Bytes(text.as_bytes().to_vec());
        check("a*b?", &[bytes("a"), Part::Any, bytes("b"), Part::One]);
        check(r"a\*b", &[bytes("a*b")]);
        check(r"a\\*b", &[bytes(r"a\"), Part::Any, bytes("b")]);
        check(r"a\\\*b", &[bytes(r"a\*b")]);
        check(r"C:\Windows\x", &[bytes(r"C:\Windows\x")]);
        check(r"\\server\c", &[bytes(r"\server\c")]);
        check(r"end\", &[bytes(r"end\")]);
        check("", &[]);
    }

    #[test]
    fn patterns_match_whole_texts_of_any_bytes() {
        let holds = |wild: &str, text: &[u8]| Wild::parse(wild).pattern(Case::Folded).expect("a pattern").holds(text);
        assert!(holds("/tmp/*/x?", b"/TMP/a\n\xff/X1"));
        assert!(!holds("/tmp/*/x?", b"/tmp/a/x"));
        assert!(!holds("a*b", b"xab"));
        assert!(holds("a.b*c", b"a.bc"));
        assert!(!holds("a.b*c", b"axbc"));
    }
}
