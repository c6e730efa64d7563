//! Words of the condition language.

use std::ops::Range;

use super::{ast::Text, diagnostic::Diagnostic};

/// A word or sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Close,
    Comma,
    /// `$name`
    List(String),
    Open,
    /// A constant in quotes.
    Quoted(Box<[u8]>),
    /// `=` and its like.
    Symbol(&'static str),
    /// A keyword, a name or a constant.
    Word(String),
}

/// A token and its bytes in the condition.
pub(super) type Spanned = (Token, Range<usize>);

/// Longest first, so that `<=` is not read as `<`.
const SYMBOLS: &[&str] = &["==", "!=", "<=", ">=", "=", "<", ">", "!"];

/// Characters that end a word.
fn ends_word(character: char) -> bool {
    character.is_whitespace() || "(),'\"=<>!".contains(character)
}

/// Splits a condition into tokens.
pub(super) fn tokens(text: &Text) -> Result<Vec<Spanned>, Box<Diagnostic>> {
    let value = text.value();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = value.get(at..) {
        let Some(first) = rest.chars().next() else { break };
        let start = at;
        let token = if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        } else if let Some(sign) = SYMBOLS.iter().copied().find(|sign| rest.starts_with(sign)) {
            at += sign.len();
            Token::Symbol(sign)
        } else {
            match first {
                '(' | ')' | ',' => {
                    at += 1;
                    match first {
                        '(' => Token::Open,
                        ')' => Token::Close,
                        _ => Token::Comma,
                    }
                }
                '"' | '\'' => {
                    let (bytes, length) = quoted(text, start, first)?;
                    at += length;
                    Token::Quoted(bytes)
                }
                _ => {
                    let length = rest.find(ends_word).unwrap_or(rest.len());
                    at += length;
                    let word = rest.get(..length).unwrap_or_default();
                    match word.strip_prefix('$') {
                        Some(name) => Token::List(name.to_owned()),
                        None => Token::Word(word.to_owned()),
                    }
                }
            }
        };
        tokens.push((token, start..at));
    }
    Ok(tokens)
}

/// Reads a constant in quotes: bytes, and its length with the quotes.
fn quoted(text: &Text, start: usize, quote: char) -> Result<(Box<[u8]>, usize), Box<Diagnostic>> {
    let rest = text.value().get(start..).unwrap_or_default();
    let mut bytes = Vec::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((index, character)) = characters.next() {
        if character == quote {
            return Ok((bytes.into(), index + 1));
        }
        if character != '\\' || quote == '\'' {
            bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let escaped = characters.next().map(|(_, escaped)| escaped);
        match escaped {
            Some('n') => bytes.push(b'\n'),
            Some('r') => bytes.push(b'\r'),
            Some('t') => bytes.push(b'\t'),
            Some('0') => bytes.push(0),
            Some('"') => bytes.push(b'"'),
            Some('\\') => bytes.push(b'\\'),
            Some('x') => {
                let digits = rest.get(index + 2..index + 4).and_then(|digits| u8::from_str_radix(digits, 16).ok());
                let Some(byte) = digits else {
                    return Err(bad_escape(
                        text,
                        start + index..start + index + 2,
                        "`\\x` needs two hexadecimal digits",
                    ));
                };
                bytes.push(byte);
                characters.next();
                characters.next();
            }
            Some(other) => {
                let range = start + index..start + index + 1 + other.len_utf8();
                return Err(bad_escape(text, range, &format!("unknown escape `\\{other}`")));
            }
            None => break,
        }
    }
    let place = text.place(start..start + 1);
    let error = Diagnostic::error("syntax", place, "this string has no end").hint(format!("close it with {quote}"));
    Err(Box::new(error))
}

fn bad_escape(text: &Text, range: Range<usize>, message: &str) -> Box<Diagnostic> {
    let hint = "the escapes are \\\\ \\\" \\n \\r \\t \\0 \\xHH; between single quotes a backslash stands for itself";
    Box::new(Diagnostic::error("syntax", text.place(range), message).hint(hint))
}
