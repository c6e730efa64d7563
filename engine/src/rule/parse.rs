//! From the text of a condition to its tree.
//!
//! ```text
//! condition  = and-part { "or" and-part }
//! and-part   = unary { "and" unary }
//! unary      = "not" unary | "(" condition ")" | comparison | macro name
//! comparison = ( field | "all" "(" field ")" ) operator [ operand ]
//! operand    = constant | $list | "(" { constant | $list , "," } ")"
//! ```

use std::ops::Range;

use super::{
    ast::{Ast, Comparison, Item, Literal, Name, Text},
    diagnostic::{Diagnostic, Diagnostics, did_you_mean},
    lex::{Spanned, Token, tokens},
    op::{self, Takes},
};
use crate::event::field;

/// Parentheses and `not`s inside each other.
pub(super) const MAX_NESTING: usize = 64;
/// Bytes of one condition.
pub(super) const MAX_LENGTH: usize = 64 << 10;

type Parsed<T> = Result<T, Box<Diagnostic>>;

/// Parses a condition. Parts that are not in the grammar are reported and come out as [`Ast::Broken`].
pub(super) fn parse(text: &Text, diagnostics: &mut Diagnostics) -> Ast {
    let length = text.value().len();
    if length > MAX_LENGTH {
        let message = format!("the condition has {length} bytes, more than {MAX_LENGTH}");
        diagnostics.push(Diagnostic::error("too-large", text.place(0..1), message));
        return Ast::Broken;
    }
    let tokens = match tokens(text) {
        Ok(tokens) => tokens,
        Err(error) => {
            diagnostics.push(*error);
            return Ast::Broken;
        }
    };
    let mut parser = Parser { text, tokens: &tokens, at: 0, depth: 0, gave_up: false, diagnostics };
    let ast = parser.condition();
    let error = match parser.peek() {
        None => return ast,
        Some(Token::Close) => parser.unexpected("this parenthesis closes nothing"),
        Some(Token::Comma | Token::List(_) | Token::Open | Token::Quoted(_) | Token::Symbol(_) | Token::Word(_)) => {
            parser.unexpected("expected `and`, `or` or the end here")
        }
    };
    parser.diagnostics.push(error);
    Ast::Broken
}

struct Parser<'t> {
    text: &'t Text,
    tokens: &'t [Spanned],
    at: usize,
    depth: usize,
    /// Set once the rest is not read any more.
    gave_up: bool,
    diagnostics: &'t mut Diagnostics,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    /// The bytes of the next token, or the end of the text.
    fn range(&self) -> Range<usize> {
        let end = self.text.value().trim_end().len();
        self.tokens.get(self.at).map_or(end..end, |(_, range)| range.clone())
    }

    fn previous_end(&self) -> usize {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(0, |(_, range)| range.end)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(next)) if next == word)
    }

    fn unexpected(&self, message: impl Into<String>) -> Diagnostic {
        let error = Diagnostic::error("syntax", self.text.place(self.range()), message);
        match self.peek() {
            Some(Token::Word(word)) if word == "&&" => error.hint("write `and`"),
            Some(Token::Word(word)) if word == "||" => error.hint("write `or`"),
            Some(Token::Symbol("!")) => error.hint("write `not`"),
            Some(
                Token::Close
                | Token::Comma
                | Token::List(_)
                | Token::Open
                | Token::Quoted(_)
                | Token::Symbol(_)
                | Token::Word(_),
            )
            | None => error,
        }
    }

    fn condition(&mut self) -> Ast {
        self.joined("or", Self::and_part, Ast::Or)
    }

    fn and_part(&mut self) -> Ast {
        self.joined("and", Self::unary, Ast::And)
    }

    fn joined(&mut self, word: &str, part: fn(&mut Self) -> Ast, join: fn(Vec<Ast>) -> Ast) -> Ast {
        let first = part(self);
        if !self.is_word(word) {
            return first;
        }
        let mut parts = vec![first];
        while self.is_word(word) {
            self.at += 1;
            parts.push(part(self));
        }
        join(parts)
    }

    /// Reads one part; after an error goes on behind it, so that the rest is looked at too.
    fn unary(&mut self) -> Ast {
        self.depth += 1;
        let ast = if self.depth > MAX_NESTING {
            let message = format!("more than {MAX_NESTING} parentheses and `not`s inside each other");
            self.diagnostics.push(Diagnostic::error("too-deep", self.text.place(self.range()), message));
            self.at = self.tokens.len();
            self.gave_up = true;
            Ast::Broken
        } else {
            self.try_unary().unwrap_or_else(|error| {
                self.diagnostics.push(*error);
                self.skip(&["and", "or"]);
                Ast::Broken
            })
        };
        self.depth -= 1;
        ast
    }

    /// Goes to the next of some words, or to the parenthesis that closes the one around.
    fn skip(&mut self, words: &[&str]) {
        let mut open = 0_usize;
        while let Some(token) = self.peek() {
            match token {
                Token::Open => open += 1,
                Token::Close if open == 0 => return,
                Token::Close => open -= 1,
                Token::Word(word) if open == 0 && words.contains(&word.as_str()) => return,
                Token::Comma | Token::List(_) | Token::Quoted(_) | Token::Symbol(_) | Token::Word(_) => {}
            }
            self.at += 1;
        }
    }

    fn try_unary(&mut self) -> Parsed<Ast> {
        let parsed = match self.peek() {
            Some(Token::Word(word)) if word == "not" => {
                self.at += 1;
                Ast::Not(Box::new(self.unary()))
            }
            Some(Token::Open) => {
                let open = self.text.place(self.range());
                self.at += 1;
                let inner = self.condition();
                if self.peek() == Some(&Token::Close) {
                    self.at += 1;
                    inner
                } else if self.gave_up {
                    Ast::Broken
                } else {
                    let error = self.unexpected("expected `and`, `or` or `)` here").related(open, "opened here");
                    self.diagnostics.push(error);
                    self.skip(&[]);
                    self.at += 1;
                    Ast::Broken
                }
            }
            Some(Token::Word(word)) if word == "and" || word == "or" => {
                return Err(self.unexpected(format!("expected a condition before `{word}`")).into());
            }
            Some(Token::Word(_)) => self.comparison()?,
            Some(Token::List(_)) => {
                let error = self.unexpected("a list stands to the right of an operator only");
                return Err(error.hint("macros are written without `$`").into());
            }
            Some(Token::Close | Token::Comma | Token::Quoted(_) | Token::Symbol(_)) => {
                return Err(self.unexpected("expected a field or macro name here").into());
            }
            None => {
                return Err(self.unexpected("the condition ends too early").label("something is missing here").into());
            }
        };
        Ok(parsed)
    }

    fn name(&mut self) -> Option<Name> {
        let Some(Token::Word(word)) = self.peek() else { return None };
        let name = Name { text: word.clone(), place: self.text.place(self.range()) };
        self.at += 1;
        Some(name)
    }

    fn comparison(&mut self) -> Parsed<Ast> {
        let start = self.range().start;
        let all = self.is_word("all") && matches!(self.tokens.get(self.at + 1), Some((Token::Open, _)));
        if all {
            self.at += 2;
        }
        let Some(field) = self.name() else {
            return Err(self.unexpected("expected a field here").hint("write `all(process.args) ...`").into());
        };
        if all {
            if self.peek() != Some(&Token::Close) {
                return Err(self.unexpected("expected `)` after the field").into());
            }
            self.at += 1;
        }
        let operator_place = self.text.place(self.range());
        let word = match self.peek() {
            Some(Token::Word(word)) if word != "and" && word != "or" => word.as_str(),
            Some(Token::Symbol(sign)) => sign,
            Some(Token::Open | Token::Quoted(_) | Token::List(_)) => {
                return Err(self.unexpected(format!("expected an operator after `{}`", field.text)).into());
            }
            Some(Token::Word(_) | Token::Close | Token::Comma) | None => {
                if all {
                    return Err(self.unexpected("expected an operator after `all( )`").into());
                }
                return Ok(Ast::Macro(field));
            }
        };
        let Some(operator) = op::find(word) else {
            let error = self.unexpected(format!("unknown operator `{word}`"));
            let error = match word {
                "==" => error.hint("write `=`"),
                "!" => error.hint("write `not` before the field, or `!=` after it"),
                "not" => error.hint("`not` stands before the field: `not process.name in (...)`"),
                _ => {
                    let near = did_you_mean(word, op::ALL.iter().map(|operator| operator.word()));
                    let all: Vec<_> = op::ALL.iter().map(|operator| operator.word()).collect();
                    let hint = error.hint.clone();
                    error.hint_if(near.or(hint).or_else(|| Some(format!("the operators are {}", all.join(" ")))))
                }
            };
            return Err(error.into());
        };
        self.at += 1;
        let (items, is_list) = match operator.takes() {
            Takes::Nothing => (Vec::new(), false),
            Takes::List | Takes::One | Takes::OneOrList => self.operand(&field, word)?,
        };
        let place = self.text.place(start..self.previous_end());
        Ok(Ast::Comparison(Comparison { all, field, operator, operator_place, items, is_list, place }))
    }

    fn operand(&mut self, field: &Name, operator: &str) -> Parsed<(Vec<Item>, bool)> {
        if self.peek() != Some(&Token::Open) {
            return Ok((vec![self.item(field, operator)?], false));
        }
        let items = self.list(field, operator);
        if items.is_err() {
            // What is left of the list is no part of the condition.
            self.skip(&[]);
        }
        self.at += 1;
        Ok((items?, true))
    }

    /// Reads a list up to its closing parenthesis.
    fn list(&mut self, field: &Name, operator: &str) -> Parsed<Vec<Item>> {
        let open = self.text.place(self.range());
        self.at += 1;
        let mut items = Vec::new();
        loop {
            if self.peek() == Some(&Token::Close) {
                return Ok(items);
            }
            items.push(self.item(field, operator)?);
            match self.peek() {
                Some(Token::Comma) => self.at += 1,
                Some(Token::Close) => {}
                Some(Token::List(_) | Token::Open | Token::Quoted(_) | Token::Symbol(_) | Token::Word(_)) | None => {
                    return Err(self.unexpected("expected `,` or `)` here").related(open, "opened here").into());
                }
            }
        }
    }

    fn item(&mut self, field: &Name, operator: &str) -> Parsed<Item> {
        let place = self.text.place(self.range());
        let item = match self.peek() {
            Some(Token::List(name)) => Item::List(Name { text: name.clone(), place }),
            Some(Token::Quoted(bytes)) => Item::Literal(Literal { bytes: bytes.clone(), place }),
            Some(Token::Word(word)) if ["and", "or", "not"].contains(&word.as_str()) => {
                let error = self.unexpected(format!("expected a value after `{} {operator}`", field.text));
                return Err(error.hint(format!("a value `{word}` has to stand in quotes")).into());
            }
            Some(Token::Word(word)) => {
                // Field names are values like any other, but hardly ever meant as such.
                if field::find(word).is_some() {
                    let error = self.unexpected(format!("`{word}` is a field, and fields are compared with constants"));
                    return Err(error.hint("if the text itself is meant, put it in quotes").into());
                }
                Item::Literal(Literal { bytes: word.as_bytes().into(), place })
            }
            Some(Token::Close | Token::Comma | Token::Open | Token::Symbol(_)) | None => {
                let message = format!("expected a value after `{} {operator}`", field.text);
                let error = Diagnostic::error("syntax", place, message);
                let error = match self.peek() {
                    Some(Token::Symbol(_)) => error.hint("a value with this character has to stand in quotes"),
                    Some(
                        Token::Close | Token::Comma | Token::List(_) | Token::Open | Token::Quoted(_) | Token::Word(_),
                    )
                    | None => error,
                };
                return Err(error.into());
            }
        };
        self.at += 1;
        Ok(item)
    }
}
