//! Conditions in the words of our language.

use ipnet::IpNet;

use super::same::words_that_pass;
use crate::{
    event::field,
    rule::{
        expr::{Derived, Expr, Predicate, Quantifier, Subject},
        test::{Case, Position, Related, Relation, Strings, Test},
    },
};

/// Characters of a line beyond which the parts of a condition get lines of their own.
const MAX_LINE: usize = 100;

/// The text of a condition that has been simplified.
///
/// # Errors
/// What there are no words for.
pub(super) fn text(expr: &Expr) -> Result<String, String> {
    match expr {
        Expr::Const(_) => Err("its condition is always the same".to_owned()),
        Expr::Named { inner, .. } => text(inner),
        Expr::All(_) | Expr::Any(_) | Expr::Test { .. } => written(expr, 0),
    }
}

fn written(expr: &Expr, depth: usize) -> Result<String, String> {
    let (parts, word) = match expr {
        Expr::All(parts) => (parts, "and"),
        Expr::Any(parts) => (parts, "or"),
        Expr::Const(_) => return Err("a part of its condition is always the same".to_owned()),
        Expr::Named { inner, .. } => return written(inner, depth),
        Expr::Test { predicate, negated } => {
            let text = predicate_text(predicate)?;
            return Ok(if *negated { format!("not {text}") } else { text });
        }
    };
    let mut texts = Vec::new();
    for part in parts {
        texts.push(match part {
            Expr::All(_) | Expr::Any(_) => in_parentheses(&written(part, depth + 1)?, depth),
            Expr::Const(_) | Expr::Named { .. } | Expr::Test { .. } => written(part, depth)?,
        });
    }
    let line = texts.join(&format!(" {word} "));
    if line.chars().count() <= MAX_LINE && !line.contains('\n') {
        return Ok(line);
    }
    Ok(texts.join(&format!("\n{}{word} ", indent(depth))))
}

fn in_parentheses(text: &str, depth: usize) -> String {
    if text.contains('\n') {
        let inner = indent(depth + 1);
        return format!("(\n{inner}{text}\n{})", indent(depth));
    }
    format!("({text})")
}

fn indent(depth: usize) -> String {
    "  ".repeat(depth)
}

fn predicate_text(predicate: &Predicate) -> Result<String, String> {
    let subject = subject(predicate)?;
    let Some(operator) = operator(predicate)? else {
        return Ok(format!("{subject} exists"));
    };
    Ok(format!("{subject} {operator}"))
}

/// What is tested: `all(lower(process.args))`.
fn subject(predicate: &Predicate) -> Result<String, String> {
    let mut text = String::new();
    let at = |name: &str| match predicate.quantifier {
        Quantifier::At(at) => format!("{name}[{at}]"),
        Quantifier::All | Quantifier::Any => name.to_owned(),
    };
    match &predicate.subject {
        Subject::Anywhere => return Err("it looks for words in the whole event".to_owned()),
        Subject::Named(name) => return Err(format!("`{}` is a field of another product", name.text())),
        Subject::Field(field) => text.push_str(&at(field.name)),
        Subject::Derived(Derived { field, chain }) => {
            chain.write(&mut text, &at(field.name)).map_err(|error| error.to_string())?;
        }
    }
    Ok(if predicate.quantifier == Quantifier::All { format!("all({text})") } else { text })
}

/// Operator and operands; nothing for `exists`.
fn operator(predicate: &Predicate) -> Result<Option<String>, String> {
    if let Some(words) = words_that_pass(predicate) {
        return Ok(Some(one_of(words.iter().map(|word| constant(word)), predicate.differs)?));
    }
    let written = match &predicate.test {
        Test::Exists => return Ok(None),
        Test::Bool(flag) => one_of([flag.to_string()].into_iter(), predicate.differs)?,
        Test::Ints(numbers) => one_of(numbers.iter().map(ToString::to_string), predicate.differs)?,
        Test::Networks(networks) => one_of(networks.iter().map(network), predicate.differs)?,
        Test::Text(strings) if strings.position() == Position::Whole && strings.case() == Case::Exact => {
            one_of(strings.needles().iter().map(|needle| constant(needle)), predicate.differs)?
        }
        Test::Field(related) => field_text(related, predicate.differs)?,
        _ if predicate.differs => return Err("a test that no operator of ours is the opposite of".to_owned()),
        Test::Int(order, number) => format!("{} {number}", order.symbol()),
        Test::Pattern(pattern) => format!("regex {}", constant(pattern.text().as_bytes())),
        Test::Text(strings) => strings_text(strings),
        Test::Indicator(list) => format!("in ioc:{}", list.name()),
        Test::Fraction(_, number) => return Err(format!("it compares with the fraction {number}")),
        Test::Moment(_) => return Err("it looks at a part of a date".to_owned()),
        Test::Null => return Err("it asks for a value that says nothing".to_owned()),
    };
    Ok(Some(written))
}

/// `= a`, `!= a` or `in (a, b)`.
fn one_of(constants: impl Iterator<Item = String>, differs: bool) -> Result<String, String> {
    let constants: Vec<String> = constants.collect();
    match (constants.as_slice(), differs) {
        ([one], false) => Ok(format!("= {one}")),
        ([one], true) => Ok(format!("!= {one}")),
        ([], _) => Err("it compares with nothing".to_owned()),
        (_, true) => Err("it differs from one of several values".to_owned()),
        (many, false) => Ok(format!("in ({})", many.join(", "))),
    }
}

fn strings_text(strings: &Strings) -> String {
    let word = match strings.position() {
        Position::Anywhere => "contains",
        Position::End => "endswith",
        Position::Start => "startswith",
        Position::Whole if strings.needles().len() > 1 => "in",
        Position::Whole => "eq",
    };
    let fold = if strings.case() == Case::Folded { "i" } else { "" };
    let needles: Vec<String> = strings.needles().iter().map(|needle| constant(needle)).collect();
    match needles.as_slice() {
        [one] => format!("{fold}{word} {one}"),
        many => format!("{fold}{word} ({})", many.join(", ")),
    }
}

fn field_text(related: &Related, differs: bool) -> Result<String, String> {
    let word = match related.relation {
        Relation::Text(Position::Whole, Case::Exact) if differs => "!=",
        _ if differs => return Err("a relation that no operator of ours is the opposite of".to_owned()),
        Relation::Order(order) => order.symbol(),
        Relation::Text(position, case) => match (position, case) {
            (Position::Anywhere, Case::Exact) => "contains",
            (Position::Anywhere, Case::Folded) => "icontains",
            (Position::End, Case::Exact) => "endswith",
            (Position::End, Case::Folded) => "iendswith",
            (Position::Start, Case::Exact) => "startswith",
            (Position::Start, Case::Folded) => "istartswith",
            (Position::Whole, Case::Exact) => "=",
            (Position::Whole, Case::Folded) => "ieq",
        },
    };
    let mut text = format!("{word} ");
    related.chain.write(&mut text, &related.other.to_string()).map_err(|error| error.to_string())?;
    Ok(text)
}

fn network(network: &IpNet) -> String {
    if network.prefix_len() == network.max_prefix_len() { network.addr().to_string() } else { network.to_string() }
}

/// A constant, in quotes unless it can only be one.
fn constant(bytes: &[u8]) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_/-.".contains(byte);
    let text = std::str::from_utf8(bytes).ok();
    match text {
        Some(text) if !text.is_empty() && bytes.iter().all(is_plain) && !is_a_word_of_ours(text) => text.to_owned(),
        // Between single quotes nothing is escaped.
        Some(text) if text.chars().all(is_printable) && !text.contains('\'') => format!("'{text}'"),
        Some(_) | None => escaped(bytes),
    }
}

/// Whether a text without quotes would be taken for something else, or warned about.
fn is_a_word_of_ours(text: &str) -> bool {
    let is_like_a_field =
        text.split_once('.').is_some_and(|(root, _)| field::all().any(|field| field.name.starts_with(root)));
    ["and", "or", "not"].contains(&text) || is_like_a_field
}

/// Whether a character may stand in a file as it is, and is seen there.
fn is_printable(character: char) -> bool {
    !character.is_control() && !matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

fn escaped(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' | '\\' => out.extend(['\\', character]),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                plain if is_printable(plain) => out.push(plain),
                other => {
                    other.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| out.push_str(&format!("\\x{byte:02x}")))
                }
            }
        }
        chunk.invalid().iter().for_each(|byte| out.push_str(&format!("\\x{byte:02x}")));
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Filter;

    #[test]
    fn constants_are_read_as_they_were() {
        for bytes in [
            b"/usr/bin/curl".as_slice(),
            b"",
            b"a b",
            b"and",
            b"process.name",
            b"process.nmae",
            b"it's",
            b"a\"b\\c",
            b"\n\t\r\0\x1b",
            b"\xff\xfe",
            "ä\u{2028}\u{85}".as_bytes(),
            b"$list",
            b"ioc:x",
        ] {
            let written = constant(bytes);
            let condition = format!("process.name = {written}");
            let filter = Filter::parse(&condition).unwrap_or_else(|problems| panic!("{problems}"));
            let mut event = crate::event::Event::new(crate::event::Kind::Exec);
            std::sync::Arc::make_mut(&mut event.process).name = Some(bytes.into());
            assert!(filter.matches(&event), "{condition}");
        }
    }
}
