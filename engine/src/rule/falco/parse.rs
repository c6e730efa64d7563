//! From the text of a Falco condition to its tree.
//!
//! ```text
//! condition  = and-part { "or" and-part }
//! and-part   = unary { "and" unary }
//! unary      = "not" unary | "(" condition ")" | comparison | macro name
//! comparison = operand operator [ right ]
//! operand    = field [ "[" argument "]" ] | transformer "(" operand ")"
//! right      = value | "(" { value "," } ")" | list name | "val" "(" operand ")" | transformer "(" operand ")"
//! ```
//!
//! What a word is depends on where it stands (`evt.dir=<` compares with `<`), so there is no separate
//! pass that makes tokens. The first thing that is not in the grammar ends the reading.

use super::{
    ast::{Comparison, Node, OPERATORS, Operand, Operator, Right, Takes, Word},
    joined::Joined,
};
use crate::rule::{
    ast::Name,
    diagnostic::{Diagnostic, Place, did_you_mean},
};

/// Parentheses and `not`s inside each other.
const MAX_NESTING: usize = 64;
/// Bytes of one condition.
const MAX_LENGTH: usize = 64 << 10;

/// Functions of a field.
pub(super) const TRANSFORMERS: &[&str] = &["b64", "basename", "len", "tolower", "toupper"];
/// Marks a field at the right.
const VAL: &str = "val";

type Parsed<T> = Result<T, Box<Diagnostic>>;

/// Parses a condition.
pub(super) fn parse(text: &Joined) -> Parsed<Node> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    let length = text.value().len();
    if length > MAX_LENGTH {
        let message = format!("the condition has {length} bytes, more than {MAX_LENGTH}");
        return Err(parser.error_at(0..1, "too-large", message));
    }
    let node = parser.condition()?;
    match parser.peek() {
        None => Ok(node),
        Some(')') => Err(parser.unexpected("this parenthesis closes nothing")),
        Some('=' | '"' | '\'') => {
            let mut error = parser.unexpected("expected `and`, `or` or the end here");
            error.hint = Some("a value with this character has to stand in quotes".to_owned());
            Err(error)
        }
        Some(_) => Err(parser.unexpected("expected `and`, `or` or the end here")),
    }
}

/// Reads one constant as items of lists have it: in quotes or bare, the whole of the text.
pub(super) fn word(text: &Joined, may_be_list: bool) -> Parsed<Word> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    let bare = |place| Word { text: text.value().to_owned(), may_be_list, place };
    let place = parser.place(0..text.value().len());
    match parser.peek() {
        Some('"' | '\'') => match parser.quoted() {
            Ok(word) if parser.peek().is_none() => Ok(word),
            Ok(_) => Ok(bare(place)),
            Err(error) => Err(error),
        },
        Some(_) | None => Ok(bare(place)),
    }
}

/// Reads constants in parentheses, the whole of the text.
pub(super) fn list(text: &Joined) -> Parsed<Vec<Word>> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    let words = parser.words()?;
    match parser.peek() {
        None => Ok(words),
        Some(_) => Err(parser.unexpected("expected the end here")),
    }
}

struct Parser<'t> {
    text: &'t Joined,
    at: usize,
    depth: usize,
}

/// Characters that end a value without quotes.
fn ends_value(character: char) -> bool {
    character.is_whitespace() || "()\"'=,".contains(character)
}

fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_.-".contains(character)
}

impl<'t> Parser<'t> {
    /// What has not been read, blanks left out.
    fn rest(&mut self) -> &'t str {
        let rest = self.text.value().get(self.at..).unwrap_or_default();
        let trimmed = rest.trim_start();
        self.at += rest.len() - trimmed.len();
        trimmed
    }

    fn peek(&mut self) -> Option<char> {
        self.rest().chars().next()
    }

    fn place(&self, range: std::ops::Range<usize>) -> Place {
        self.text.place(range)
    }

    fn error_at(
        &self,
        range: std::ops::Range<usize>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Box<Diagnostic> {
        Box::new(Diagnostic::error(code, self.place(range), message))
    }

    /// A finding about the next word or sign.
    fn unexpected(&mut self, message: impl Into<String>) -> Box<Diagnostic> {
        let rest = self.rest();
        if rest.is_empty() {
            let end = self.text.value().trim_end().len();
            let mut error = self.error_at(end..end, "syntax", message);
            "the condition ends here".clone_into(&mut error.label);
            return error;
        }
        let length = rest.find(ends_value).filter(|length| *length > 0);
        let length = length.unwrap_or_else(|| match rest.find(ends_value) {
            Some(_) => rest.chars().next().map_or(0, char::len_utf8),
            None => rest.len(),
        });
        let mut error = self.error_at(self.at..self.at + length, "syntax", message);
        error.hint = match rest.get(..length) {
            Some("&&") => Some("write `and`".to_owned()),
            Some("||") => Some("write `or`".to_owned()),
            Some("!") => Some("write `not`".to_owned()),
            Some(_) | None => None,
        };
        error
    }

    /// Takes a sign.
    fn take(&mut self, sign: char) -> bool {
        let taken = self.peek() == Some(sign);
        if taken {
            self.at += sign.len_utf8();
        }
        taken
    }

    /// The next name, not taken.
    fn name(&mut self) -> &'t str {
        let rest = self.rest();
        let length = rest.find(|character| !is_name(character)).unwrap_or(rest.len());
        rest.get(..length).unwrap_or_default()
    }

    /// Takes a word of the grammar. Case counts, and it ends where a name does.
    fn keyword(&mut self, word: &str) -> bool {
        let taken = self.name() == word;
        if taken {
            self.at += word.len();
        }
        taken
    }

    fn condition(&mut self) -> Parsed<Node> {
        let mut parts = vec![self.and_part()?];
        while self.keyword("or") {
            parts.push(self.and_part()?);
        }
        Ok(if parts.len() > 1 { Node::Or(parts) } else { parts.remove(0) })
    }

    fn and_part(&mut self) -> Parsed<Node> {
        let mut parts = vec![self.unary()?];
        while self.keyword("and") {
            parts.push(self.unary()?);
        }
        Ok(if parts.len() > 1 { Node::And(parts) } else { parts.remove(0) })
    }

    fn unary(&mut self) -> Parsed<Node> {
        self.depth += 1;
        if self.depth > MAX_NESTING {
            let message = format!("more than {MAX_NESTING} parentheses and `not`s inside each other");
            return Err(self.error_at(self.at..self.at + 1, "too-deep", message));
        }
        let node = if self.keyword("not") {
            Node::Not(Box::new(self.unary()?))
        } else if self.peek() == Some('(') {
            let open = self.place(self.at..self.at + 1);
            self.at += 1;
            let inner = self.condition()?;
            if !self.take(')') {
                let error = self.unexpected("expected `and`, `or` or `)` here");
                return Err(Box::new(error.related(open, "opened here")));
            }
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(node)
    }

    /// Whether a name with a parenthesis comes next.
    fn calls(&mut self) -> bool {
        let name = self.name();
        !name.is_empty() && self.rest().get(name.len()..).is_some_and(|after| after.trim_start().starts_with('('))
    }

    fn comparison(&mut self) -> Parsed<Node> {
        let name = self.name();
        if name.is_empty() {
            return Err(self.unexpected("expected a field, a macro or `(` here"));
        }
        if ["and", "or"].contains(&name) {
            return Err(self.unexpected(format!("expected a condition before `{name}`")));
        }
        if !name.contains('.') && !self.calls() {
            return self.macro_use(name);
        }
        let left = self.operand()?;
        let (operator, operator_place) = self.operator(&left)?;
        let right = match operator.takes() {
            Takes::Nothing => Right::Values(Vec::new()),
            Takes::One => match self.field_at_the_right()? {
                Some(field) => Right::Field(field),
                None => Right::Values(vec![self.value(operator.word())?]),
            },
            Takes::List => self.list(operator)?,
        };
        Ok(Node::Comparison(Comparison { left, operator, operator_place, right }))
    }

    fn macro_use(&mut self, name: &str) -> Parsed<Node> {
        let place = self.place(self.at..self.at + name.len());
        self.at += name.len();
        let after = self.rest();
        if let Some((word, _)) =
            OPERATORS.iter().find(|(word, _)| !word.starts_with(char::is_alphabetic) && after.starts_with(word))
        {
            let message = format!("`{name}` before `{word}` is no field");
            return Err(Box::new(
                Diagnostic::error("syntax", place, message).hint("a field has a dot, as in `proc.name`"),
            ));
        }
        Ok(Node::Macro(Name { text: name.to_owned(), place }))
    }

    /// A field, perhaps with an argument and transformers.
    fn operand(&mut self) -> Parsed<Operand> {
        let mut transformers = Vec::new();
        while self.calls() {
            let name = self.name();
            if !TRANSFORMERS.contains(&name) {
                let near = did_you_mean(name, TRANSFORMERS.iter().copied());
                let hint = near.unwrap_or_else(|| format!("the transformers are {}", TRANSFORMERS.join(" ")));
                return Err(Box::new(self.unexpected(format!("unknown transformer `{name}`")).hint(hint)));
            }
            if transformers.len() == crate::rule::transform::MAX_CHAIN {
                return Err(self.unexpected("too many transformers inside each other"));
            }
            transformers.push(Name { text: name.to_owned(), place: self.place(self.at..self.at + name.len()) });
            self.at += name.len();
            self.take('(');
        }
        let name = self.name();
        if !name.contains('.') {
            return Err(Box::new(
                self.unexpected("expected a field here").hint("a field has a dot, as in `proc.name`"),
            ));
        }
        let start = self.at;
        self.at += name.len();
        let argument = self.argument()?;
        let field = Name { text: name.to_owned(), place: self.place(start..self.at) };
        for _ in &transformers {
            if !self.take(')') {
                return Err(self.unexpected("expected `)` here"));
            }
        }
        Ok(Operand { field, argument, transformers })
    }

    /// `[2]`, right behind a field.
    fn argument(&mut self) -> Parsed<Option<String>> {
        if !self.text.value().get(self.at..).is_some_and(|rest| rest.starts_with('[')) {
            return Ok(None);
        }
        self.at += 1;
        let argument = if let Some('"' | '\'') = self.peek() {
            self.quoted()?.text
        } else {
            let rest = self.rest();
            let length = rest.find(|c: char| c.is_whitespace() || "[]\"'".contains(c)).unwrap_or(rest.len());
            self.at += length;
            rest.get(..length).unwrap_or_default().to_owned()
        };
        if argument.is_empty() || !self.take(']') {
            return Err(Box::new(
                self.unexpected("expected an argument and `]` after `[`").hint("write `proc.aname[2]`"),
            ));
        }
        Ok(Some(argument))
    }

    fn operator(&mut self, left: &Operand) -> Parsed<(Operator, Place)> {
        let rest = self.rest();
        let word = if rest.starts_with(|first: char| first.is_ascii_alphabetic()) {
            self.name()
        } else {
            OPERATORS.iter().map(|(word, _)| *word).find(|word| rest.starts_with(word)).unwrap_or_default()
        };
        let Some((_, operator)) = OPERATORS.iter().find(|(known, _)| *known == word) else {
            let near = did_you_mean(word, OPERATORS.iter().map(|(word, _)| *word)).filter(|_| !word.is_empty());
            let all = || OPERATORS.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(" ");
            let error = if word.is_empty() || ["and", "or", "not"].contains(&word) {
                self.unexpected(format!("expected an operator after `{}`", left.text()))
            } else {
                self.unexpected(format!("unknown operator `{word}`"))
            };
            return Err(Box::new(error.hint(near.unwrap_or_else(|| format!("the operators are {}", all())))));
        };
        let place = self.place(self.at..self.at + word.len());
        self.at += word.len();
        Ok((*operator, place))
    }

    /// `val(proc.pname)`, or a field with a transformer.
    fn field_at_the_right(&mut self) -> Parsed<Option<Operand>> {
        if !self.calls() {
            return Ok(None);
        }
        if self.name() != VAL {
            // A value may be called as a transformer is: then nothing but the list's end may follow it.
            return if TRANSFORMERS.contains(&self.name()) { self.operand().map(Some) } else { Ok(None) };
        }
        self.at += VAL.len();
        self.take('(');
        let operand = self.operand()?;
        if !self.take(')') {
            return Err(self.unexpected("expected `)` here"));
        }
        Ok(Some(operand))
    }

    fn list(&mut self, operator: Operator) -> Parsed<Right> {
        if self.peek() != Some('(') {
            if let Some(field) = self.field_at_the_right()? {
                return Ok(Right::Field(field));
            }
            let word = self.value(operator.word())?;
            return Ok(Right::Values(vec![Word { may_be_list: true, ..word }]));
        }
        self.words().map(Right::Values)
    }

    /// Constants in parentheses.
    fn words(&mut self) -> Parsed<Vec<Word>> {
        self.rest();
        let open = self.place(self.at..self.at + 1);
        self.take('(');
        let mut words = Vec::new();
        if self.take(')') {
            return Ok(words);
        }
        loop {
            let is_quoted = matches!(self.peek(), Some('"' | '\''));
            let word = self.value("(")?;
            words.push(Word { may_be_list: !is_quoted, ..word });
            if self.take(')') {
                return Ok(words);
            }
            if !self.take(',') {
                return Err(Box::new(self.unexpected("expected `,` or `)` here").related(open, "opened here")));
            }
        }
    }

    /// A constant.
    fn value(&mut self, after: &str) -> Parsed<Word> {
        if let Some('"' | '\'') = self.peek() {
            return self.quoted();
        }
        let rest = self.rest();
        let length = rest.find(ends_value).unwrap_or(rest.len());
        let text = rest.get(..length).unwrap_or_default();
        if text.is_empty() || ["and", "or", "not"].contains(&text) {
            let error = self.unexpected(format!("expected a value after `{after}`"));
            return Err(Box::new(
                error.hint("a word of the language, or a value with one of ( ) = , has to stand in quotes"),
            ));
        }
        let place = self.place(self.at..self.at + length);
        self.at += length;
        Ok(Word { text: text.to_owned(), may_be_list: false, place })
    }

    /// A constant in quotes.
    fn quoted(&mut self) -> Parsed<Word> {
        let rest = self.rest();
        let start = self.at;
        let mut characters = rest.char_indices();
        let Some((_, quote)) = characters.next() else { return Err(self.unexpected("expected a value here")) };
        let mut text = String::new();
        while let Some((index, character)) = characters.next() {
            if character == quote {
                self.at += index + 1;
                return Ok(Word { text, may_be_list: false, place: self.place(start..self.at) });
            }
            if character != '\\' {
                text.push(character);
                continue;
            }
            let Some((after, escaped)) = characters.next() else { break };
            text.push(match escaped {
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                // A backslash before a space is one of the two that Falco keeps.
                ' ' | '\\' => '\\',
                '/' => '/',
                same if same == quote => same,
                other => {
                    let range = start + index..start + after + other.len_utf8();
                    let error = self.error_at(range, "syntax", format!("unknown escape `\\{other}`"));
                    return Err(Box::new(error.hint("write `\\\\` for a backslash; the escapes are \\\\ \\/ \\b \\f \\n \\r \\t and the quote itself")));
                }
            });
        }
        let error = self.error_at(start..start + 1, "syntax", "this string has no end");
        Err(Box::new(error.hint(format!("close it with {quote}"))))
    }
}
