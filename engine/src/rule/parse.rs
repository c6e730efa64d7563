//! From the text of a condition to its tree.
//!
//! ```text
//! condition  = and-part { "or" and-part }
//! and-part   = unary { "and" unary }
//! unary      = "not" unary | "(" condition ")" | comparison | macro name
//! comparison = ( term | ( "all" | "any" ) "(" term ")" ) operator [ operand ]
//! term       = field [ "[" number "]" ] | transform "(" term ")"
//! operand    = item | "(" { item , "," } ")"
//! item       = constant | $list | ioc:list | term
//! ```

use std::ops::Range;

use super::{
    ast::{Ast, Comparison, Item, Literal, Name, Term, Text},
    diagnostic::{Diagnostic, Diagnostics, did_you_mean},
    expr::Quantifier,
    lex::{Spanned, Token, tokens},
    op::{self, Takes},
    transform::{self, MAX_CHAIN},
};
use crate::event::field;

/// Parentheses and `not`s inside each other.
pub(super) const MAX_NESTING: usize = 64;
/// Bytes of one condition.
pub(super) const MAX_LENGTH: usize = 64 << 10;

/// What stands before the name of an indicator list.
const INDICATORS: &str = "ioc:";

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
    let mut parser = Parser::new(text, &tokens, diagnostics);
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

/// Parses a field, perhaps with a place and transforms; says what is wrong with it.
pub(super) fn term(text: &Text) -> Parsed<Term> {
    let tokens = tokens(text)?;
    let mut diagnostics = Diagnostics::default();
    let mut parser = Parser::new(text, &tokens, &mut diagnostics);
    let term = parser.term()?;
    if parser.peek().is_some() {
        return Err(parser.unexpected("expected the end here").into());
    }
    Ok(term)
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
    fn new(text: &'t Text, tokens: &'t [Spanned], diagnostics: &'t mut Diagnostics) -> Self {
        Self { text, tokens, at: 0, depth: 0, gave_up: false, diagnostics }
    }

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
        let quantifier = self.quantifier();
        if quantifier.is_some() {
            self.at += 2;
        }
        let term = self.term()?;
        if quantifier.is_some() {
            self.close()?;
        }
        let operator_place = self.text.place(self.range());
        let word = match self.peek() {
            Some(Token::Word(word)) if word != "and" && word != "or" => word.as_str(),
            Some(Token::Symbol(sign)) => sign,
            Some(Token::Open | Token::Quoted(_) | Token::List(_)) => {
                return Err(self.unexpected(format!("expected an operator after `{}`", term.text())).into());
            }
            Some(Token::Word(_) | Token::Close | Token::Comma) | None => {
                if quantifier.is_some() || term.at.is_some() || !term.transforms.is_empty() {
                    let written = self.text.value().get(start..self.previous_end()).unwrap_or_default();
                    return Err(self.unexpected(format!("expected an operator after `{written}`")).into());
                }
                return Ok(Ast::Macro(term.field));
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
            Takes::List | Takes::One | Takes::OneOrList => self.operand(&term, word)?,
        };
        let place = self.text.place(start..self.previous_end());
        let quantifier = match (quantifier, term.at) {
            (Some(_), Some(_)) => {
                let error = Diagnostic::error("syntax", term.place.clone(), "one element is not `all` and not `any`");
                return Err(error.hint("leave out either").into());
            }
            (None, Some(at)) => Quantifier::At(at),
            (quantifier, None) => quantifier.unwrap_or(Quantifier::Any),
        };
        Ok(Ast::Comparison(Comparison { quantifier, term, operator, operator_place, items, is_list, place }))
    }

    /// Whether a word with a parenthesis comes next.
    fn calls(&self) -> Option<&'t str> {
        match (self.peek(), self.tokens.get(self.at + 1)) {
            (Some(Token::Word(word)), Some((Token::Open, _))) => Some(word),
            (Some(_) | None, Some(_) | None) => None,
        }
    }

    fn quantifier(&self) -> Option<Quantifier> {
        match self.calls()? {
            "all" => Some(Quantifier::All),
            "any" => Some(Quantifier::Any),
            _ => None,
        }
    }

    fn close(&mut self) -> Parsed<()> {
        if self.peek() != Some(&Token::Close) {
            return Err(self.unexpected("expected `)` here").into());
        }
        self.at += 1;
        Ok(())
    }

    /// A field, perhaps with transforms around it.
    fn term(&mut self) -> Parsed<Term> {
        let start = self.range().start;
        let mut transforms = Vec::new();
        while let Some(word) = self.calls() {
            if field::find(word).is_some() {
                break;
            }
            let Some(transform) = transform::find(word) else { return Err(self.not_a_transform(word).into()) };
            transforms.push((transform, self.text.place(self.range())));
            if transforms.len() > MAX_CHAIN {
                return Err(self.unexpected(format!("more than {MAX_CHAIN} transforms inside each other")).into());
            }
            self.at += 2;
        }
        let Some(mut field) = self.name() else {
            return Err(self.unexpected("expected a field here").hint("write `all(process.args) ...`").into());
        };
        let at = place_in_list(&mut field)?;
        for _ in &transforms {
            self.close()?;
        }
        Ok(Term { field, at, transforms, place: self.text.place(start..self.previous_end()) })
    }

    fn not_a_transform(&self, word: &str) -> Diagnostic {
        if ["all", "any"].contains(&word) {
            let error = self.unexpected(format!("`{word}( )` goes around the transforms, not into them"));
            return error.hint(format!("write `{word}(lower(process.args)) ...`"));
        }
        let names = || transform::ALL.iter().map(|transform| transform.name());
        let near = did_you_mean(word, names());
        let hint = near.unwrap_or_else(|| format!("the transforms are {}", names().collect::<Vec<_>>().join(" ")));
        self.unexpected(format!("unknown transform `{word}`")).hint(hint)
    }

    fn operand(&mut self, term: &Term, operator: &str) -> Parsed<(Vec<Item>, bool)> {
        if self.peek() != Some(&Token::Open) {
            return Ok((vec![self.item(term, operator)?], false));
        }
        let items = self.list(term, operator);
        if items.is_err() {
            // What is left of the list is no part of the condition.
            self.skip(&[]);
        }
        self.at += 1;
        Ok((items?, true))
    }

    /// Reads a list up to its closing parenthesis.
    fn list(&mut self, term: &Term, operator: &str) -> Parsed<Vec<Item>> {
        let open = self.text.place(self.range());
        self.at += 1;
        let mut items = Vec::new();
        loop {
            if self.peek() == Some(&Token::Close) {
                return Ok(items);
            }
            items.push(self.item(term, operator)?);
            match self.peek() {
                Some(Token::Comma) => self.at += 1,
                Some(Token::Close) => {}
                Some(Token::List(_) | Token::Open | Token::Quoted(_) | Token::Symbol(_) | Token::Word(_)) | None => {
                    return Err(self.unexpected("expected `,` or `)` here").related(open, "opened here").into());
                }
            }
        }
    }

    fn item(&mut self, term: &Term, operator: &str) -> Parsed<Item> {
        let place = self.text.place(self.range());
        if self.calls().is_some() {
            return self.term().map(Item::Field);
        }
        let item = match self.peek() {
            Some(Token::List(name)) => Item::List(Name { text: name.clone(), place }),
            Some(Token::Quoted(bytes)) => Item::Literal(Literal { bytes: bytes.clone(), place }),
            Some(Token::Word(word)) if ["and", "or", "not"].contains(&word.as_str()) => {
                let error = self.unexpected(format!("expected a value after `{} {operator}`", term.text()));
                return Err(error.hint(format!("a value `{word}` has to stand in quotes")).into());
            }
            Some(Token::Word(word)) => {
                if field::find(word).is_some() {
                    return self.term().map(Item::Field);
                }
                if let Some(name) = word.strip_prefix(INDICATORS) {
                    self.at += 1;
                    return Ok(Item::Indicators(Name { text: name.to_owned(), place }));
                }
                self.warn_of_likeness(word);
                Item::Literal(Literal { bytes: word.as_bytes().into(), place })
            }
            Some(Token::Close | Token::Comma | Token::Open | Token::Symbol(_)) | None => {
                let message = format!("expected a value after `{} {operator}`", term.text());
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

    /// A misspelt field would be compared as a text, silently.
    fn warn_of_likeness(&mut self, word: &str) {
        let Some((root, _)) = word.split_once('.') else { return };
        let fields = field::all().map(|field| field.name).filter(|name| name.split('.').next() == Some(root));
        if let Some(near) = did_you_mean(word, fields) {
            let message = format!("`{word}` is no field and is compared as a text");
            let warning = Diagnostic::warning("like-a-field", self.text.place(self.range()), message);
            self.diagnostics.push(warning.hint(format!("{near} Put it in quotes if the text is meant")));
        }
    }
}

/// Takes `[1]` off the end of a name.
fn place_in_list(name: &mut Name) -> Parsed<Option<usize>> {
    let Some((field, rest)) = name.text.split_once('[') else { return Ok(None) };
    let Some(at) = rest.strip_suffix(']').and_then(|number| number.parse().ok()) else {
        let error = Diagnostic::error("syntax", name.place.clone(), "expected a whole number and `]` after `[`");
        return Err(error.hint("the first element of a list is `[0]`").into());
    };
    name.text = field.to_owned();
    Ok(Some(at))
}
