//! Sigma's `condition`: names of searches joined by words.

use std::ops::Range;

use crate::rule::{ast::Text, diagnostic::Diagnostic, expr::Expr};

/// Parentheses and `not`s inside each other.
const MAX_NESTING: usize = 64;
/// Ways to choose N of M searches.
const MAX_CHOICES: usize = 1_000;
/// Parts of one condition: a pattern over many searches, repeated, multiplies.
const MAX_SIZE: usize = 100_000;

/// Compiles a condition over named searches.
pub(super) fn compile(text: &Text, searches: &[(String, Expr)]) -> Result<Expr, Box<Diagnostic>> {
    let tokens = tokens(text.value());
    if let Some((_, range)) = tokens.iter().find(|(token, _)| *token == "|") {
        if text.value().get(range.start..).is_some_and(|rest| rest.starts_with("||")) {
            let error = Diagnostic::error("syntax", text.place(range.clone()), "`||` is no word of conditions");
            return Err(Box::new(error.hint("write `or`")));
        }
        let error = Diagnostic::error("not-supported", text.place(range.clone()), "aggregations are not supported");
        return Err(Box::new(error.hint("since version 2 of the specification a correlation says this")));
    }
    let mut parser = Parser { text, tokens, at: 0, depth: 0, size: 0, searches };
    let expr = parser.joined("or")?;
    match parser.peek() {
        None => Ok(expr),
        Some(_) => Err(parser.error("expected `and`, `or` or the end here")),
    }
}

/// Words, parentheses and pipes with their places.
fn tokens(text: &str) -> Vec<(&str, Range<usize>)> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let ends = |character: char| character.is_whitespace() || "()|".contains(character);
        let length = match rest.find(ends) {
            Some(0) => rest.chars().next().map_or(1, char::len_utf8),
            Some(length) => length,
            None => rest.len(),
        };
        let word = rest.get(..length).unwrap_or_default();
        if !word.trim().is_empty() {
            tokens.push((word, at..at + length));
        }
        at += length;
    }
    tokens
}

struct Parser<'t> {
    text: &'t Text,
    tokens: Vec<(&'t str, Range<usize>)>,
    at: usize,
    depth: usize,
    size: usize,
    searches: &'t [(String, Expr)],
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<&'t str> {
        self.tokens.get(self.at).map(|(token, _)| *token)
    }

    fn is(&self, word: &str) -> bool {
        self.peek().is_some_and(|token| token.eq_ignore_ascii_case(word))
    }

    fn error(&self, message: impl Into<String>) -> Box<Diagnostic> {
        let end = self.text.value().trim_end().len();
        let range = self.tokens.get(self.at).map_or(end..end, |(_, range)| range.clone());
        Box::new(Diagnostic::error("syntax", self.text.place(range), message))
    }

    /// `or` of `and`s of units.
    fn joined(&mut self, word: &str) -> Result<Expr, Box<Diagnostic>> {
        let mut parts = Vec::new();
        loop {
            parts.push(if word == "or" { self.joined("and")? } else { self.unit()? });
            if !self.is(word) {
                break;
            }
            self.at += 1;
        }
        Ok(if word == "or" { Expr::Any(parts) } else { Expr::All(parts) })
    }

    fn unit(&mut self) -> Result<Expr, Box<Diagnostic>> {
        self.depth += 1;
        if self.depth > MAX_NESTING {
            return Err(self.error(format!("more than {MAX_NESTING} parentheses and `not`s inside each other")));
        }
        let expr = if self.is("not") {
            self.at += 1;
            self.unit()?.negate()
        } else if self.is("(") {
            self.at += 1;
            let inner = self.joined("or")?;
            if !self.is(")") {
                return Err(self.error("expected `and`, `or` or `)` here"));
            }
            self.at += 1;
            inner
        } else if self.tokens.get(self.at + 1).is_some_and(|(next, _)| next.eq_ignore_ascii_case("of")) {
            self.quantified()?
        } else {
            self.search()?
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn search(&mut self) -> Result<Expr, Box<Diagnostic>> {
        match self.peek() {
            None => Err(self.error("the condition ends too early")),
            Some(word) if word == ")" || self.is("and") || self.is("or") => {
                Err(self.error(format!("expected a search before `{word}`")))
            }
            Some(name) => {
                let Some((_, expr)) = self.searches.iter().find(|(search, _)| search == name) else {
                    let names = self.searches.iter().map(|(name, _)| name.as_str());
                    let hint = crate::rule::diagnostic::did_you_mean(name, names);
                    let mut error = self.error(format!("unknown search `{name}`"));
                    error.hint =
                        hint.or_else(|| name.contains('*').then(|| format!("write `1 of {name}` or `all of {name}`")));
                    return Err(error);
                };
                let expr = expr.clone().named(name);
                self.spend(&expr)?;
                self.at += 1;
                Ok(expr)
            }
        }
    }

    fn spend(&mut self, expr: &Expr) -> Result<(), Box<Diagnostic>> {
        self.size = self.size.saturating_add(expr.size());
        if self.size > MAX_SIZE {
            Err(self.error(format!("the condition has more than {MAX_SIZE} parts")))
        } else {
            Ok(())
        }
    }

    /// `1 of them`, `all of selection*`, `2 of x_*`.
    fn quantified(&mut self) -> Result<Expr, Box<Diagnostic>> {
        let count = self.peek().unwrap_or_default().to_lowercase();
        let at_least = match count.as_str() {
            "all" => None,
            "any" => Some(1),
            number => match number.parse::<usize>() {
                Ok(number) if number > 0 => Some(number),
                Ok(_) | Err(_) => return Err(self.error(format!("`{number}` is no number of searches"))),
            },
        };
        self.at += 2;
        let Some(pattern) = self.peek() else { return Err(self.error("the condition ends too early")) };
        let chosen: Vec<Expr> = self
            .searches
            .iter()
            .filter(|(name, _)| {
                // A name with an underscore before it is there to be referred to by name, or by a pattern with one.
                let is_open = pattern.starts_with('_') || !name.starts_with('_');
                is_open && (pattern.eq_ignore_ascii_case("them") || fits(pattern, name))
            })
            .map(|(name, expr)| expr.clone().named(name))
            .collect();
        if chosen.is_empty() {
            return Err(self.error(format!("no search has a name like `{pattern}`")));
        }
        for expr in &chosen {
            self.spend(expr)?;
        }
        let expr = match at_least {
            None => Expr::All(chosen),
            Some(1) => Expr::Any(chosen),
            Some(count) if count > chosen.len() => {
                return Err(self.error(format!("there are only {} searches like `{pattern}`", chosen.len())));
            }
            Some(count) => {
                let mut choices = Vec::new();
                choose(&chosen, count, &mut Vec::new(), &mut choices);
                if choices.len() > MAX_CHOICES {
                    return Err(self.error(format!("more than {MAX_CHOICES} ways to choose {count} of `{pattern}`")));
                }
                let expr = Expr::Any(choices);
                self.spend(&expr)?;
                expr
            }
        };
        self.at += 1;
        Ok(expr)
    }
}

/// Every choice of `count` of the rest, up to one more than [`MAX_CHOICES`].
fn choose(rest: &[Expr], count: usize, taken: &mut Vec<Expr>, choices: &mut Vec<Expr>) {
    if count == 0 {
        choices.push(Expr::All(taken.clone()));
        return;
    }
    for (index, expr) in rest.iter().enumerate() {
        if choices.len() > MAX_CHOICES || rest.len() - index < count {
            return;
        }
        taken.push(expr.clone());
        choose(rest.get(index + 1..).unwrap_or_default(), count - 1, taken, choices);
        taken.pop();
    }
}

/// Whether a name fits a pattern in which `*` stands for any text.
fn fits(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
    for piece in middle {
        let Some((_, after)) = rest.split_once(piece) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::diagnostic::Source;

    /// Outcome for searches `a1` true, `a2` false, `b` true, `_c` false.
    fn check(condition: &str, expected: Result<bool, &str>) {
        let searches = [("a1", true), ("a2", false), ("b", true), ("_c", false)]
            .map(|(name, value)| (name.to_owned(), Expr::Const(value)));
        let text = Text::alone(&Source::new("test", condition));
        let outcome = compile(&text, &searches).map(|expr| value(&expr)).map_err(|error| error.message);
        assert_eq!(outcome.as_ref().map_err(String::as_str), expected.as_ref().map_err(|text| *text), "{condition}");
    }

    fn value(expr: &Expr) -> bool {
        match expr {
            Expr::All(parts) => parts.iter().all(value),
            Expr::Any(parts) => parts.iter().any(value),
            Expr::Const(value) => *value,
            Expr::Named { inner, .. } => value(inner),
            Expr::Test { .. } => panic!("constants only"),
        }
    }

    #[test]
    fn conditions_mean_what_the_specification_says() {
        check("a1", Ok(true));
        check("a1 and a2", Ok(false));
        check("a2 or a1 and b", Ok(true));
        check("(a2 or a1) and not b", Ok(false));
        check("not a2 and b", Ok(true));
        check("1 of a*", Ok(true));
        check("all of a*", Ok(false));
        check("any of them", Ok(true));
        check("all of them", Ok(false));
        check("2 of them", Ok(true));
        check("3 of them", Ok(false));
        check("1 of _*", Ok(false));
        check("all of *1", Ok(true));
        check("1 of *c", Err("no search has a name like `*c`"));
        check("A1", Err("unknown search `A1`"));
        check("a1 AND NOT a2", Ok(true));
        check("1 of c*", Err("no search has a name like `c*`"));
        check("4 of them", Err("there are only 3 searches like `them`"));
        check("0 of them", Err("`0` is no number of searches"));
        check("a1 and", Err("the condition ends too early"));
        check("a1 a2", Err("expected `and`, `or` or the end here"));
        check("(a1", Err("expected `and`, `or` or `)` here"));
        check("or a1", Err("expected a search before `or`"));
        check("a1 | count() > 5", Err("aggregations are not supported"));
        check("a1 ||a2", Err("`||` is no word of conditions"));
        check("a*", Err("unknown search `a*`"));
        check(&"(".repeat(1_000), Err("more than 64 parentheses and `not`s inside each other"));
    }

    #[test]
    fn patterns_fit_names() {
        for (pattern, name, expected) in [
            ("a*", "a", true),
            ("*a", "ba", true),
            ("a*c*", "abcd", true),
            ("a*b", "ab", true),
            ("ab*b", "ab", false),
            ("a", "ab", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }
}
