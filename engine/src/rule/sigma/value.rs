//! Values of Sigma items: strings with wildcards, numbers, booleans, null.

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
}

impl Value {
    /// The value of a scalar. `None` for mappings and lists.
    pub(super) fn of_node(node: &Node) -> Option<Self> {
        let Yaml::Scalar(scalar) = &node.value else { return None };
        Some(match scalar.plain() {
            Plain::Bool(flag) => Self::Bool(flag),
            Plain::Int(number) => Self::Int(number),
            Plain::Null => Self::Null,
            Plain::Float(float) => match foreign::whole(float) {
                Some(number) => Self::Int(number),
                None => Self::Text(Wild::plain(float.to_string().into_bytes())),
            },
            Plain::Text(text) => Self::Text(Wild::parse(text)),
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
        let mut parts = Vec::new();
        let mut plain = Vec::new();
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            let literal = match character {
                '*' | '?' => {
                    if !plain.is_empty() {
                        parts.push(Part::Bytes(std::mem::take(&mut plain)));
                    }
                    parts.push(if character == '*' { Part::Any } else { Part::One });
                    continue;
                }
                '\\' => characters.next_if(|next| "*?\\".contains(*next)).unwrap_or('\\'),
                other => other,
            };
            plain.extend_from_slice(literal.encode_utf8(&mut [0; 4]).as_bytes());
        }
        if !plain.is_empty() {
            parts.push(Part::Bytes(plain));
        }
        Self { parts }
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
                Part::Any | Part::One => part,
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
    pub(super) fn pattern(&self, case: Case) -> Result<Pattern, String> {
        let mut regex = match case {
            Case::Exact => "(?s)\\A",
            Case::Folded => "(?si)\\A",
        }
        .to_owned();
        for part in &self.parts {
            match part {
                Part::Any => regex.push_str("(?s-u:.)*"),
                Part::One => regex.push('.'),
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
    }
}

/// The tests of several strings, any of which may match: simple ones go together.
pub(super) fn tests(values: &[Wild], case: Case) -> Result<Vec<Test>, String> {
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
