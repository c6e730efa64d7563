//! A STIX 2.1 bundle: its indicators whose pattern is a choice of values.
//!
//! ```text
//! [ipv4-addr:value = '198.51.100.1' OR ipv4-addr:value = '198.51.100.2'] OR [domain-name:value IN ('a.example', 'b.example')]
//! ```
//!
//! A pattern that asks for more (`AND`, `NOT`, order, time) means less than its values do: it is
//! reported, not guessed at. So is one in another language.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Collector, Detail, Place, Problem, json, part};
use crate::indicator::Sort;

/// Values of one pattern.
const MAX_VALUES: usize = 10_000;

#[derive(Deserialize)]
struct Bundle<'d> {
    #[serde(borrow)]
    objects: Vec<&'d RawValue>,
}

#[derive(Deserialize)]
struct Object {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    pattern: Option<String>,
    #[serde(default)]
    pattern_type: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    revoked: Option<bool>,
    #[serde(default)]
    valid_until: Option<String>,
    #[serde(default)]
    external_references: Vec<External>,
}

#[derive(Deserialize)]
struct External {
    #[serde(default)]
    url: Option<String>,
}

pub(super) fn read(file: &[u8], collector: &mut Collector<'_>) -> Result<(), Problem> {
    let bundle: Bundle<'_> = json(file, "STIX bundle")?;
    for raw in bundle.objects {
        // Relations, reports and observed data have members of other shapes.
        if raw.get().contains("\"indicator\"")
            && let Some(object) = part::<Object>(file, raw, collector)
            && object.kind == "indicator"
        {
            add(&object, Place::of(file, raw), collector);
        }
    }
    Ok(())
}

fn add(object: &Object, place: Place<'_>, collector: &mut Collector<'_>) {
    if object.revoked == Some(true) || object.valid_until.as_deref().is_some_and(|end| collector.is_over(end)) {
        collector.report.withdrawn += 1;
        return;
    }
    let language = object.pattern_type.as_deref().unwrap_or("stix");
    if language != "stix" {
        return collector.problem(place, format!("a pattern in the language `{language}`"));
    }
    let values = match object.pattern.as_deref().map(pattern) {
        Some(Ok(values)) => values,
        Some(Err(why)) => return collector.problem(place, format!("a pattern that {why}")),
        None => return collector.problem(place, "an indicator without a pattern".to_owned()),
    };
    let detail = Detail {
        description: object.name.as_deref().or(object.description.as_deref()).unwrap_or_default(),
        reference: object.external_references.iter().find_map(|external| external.url.as_deref()).unwrap_or_default(),
    };
    for (sort, value) in values {
        match sort {
            Some(sort) => collector.add_of(sort, &value, detail, place),
            None => collector.report.other_types += 1,
        }
    }
}

/// A word, a sign or a text of a pattern.
#[derive(Debug, PartialEq)]
enum Token<'p> {
    Sign(char),
    Text(String),
    Word(&'p str),
}

/// The values of a pattern with what they are of; what we have no list of is `None`.
fn pattern(text: &str) -> Result<Vec<(Option<Sort>, String)>, String> {
    let tokens = tokens(text)?;
    let mut tokens = tokens.iter().peekable();
    let mut values = Vec::new();
    loop {
        if tokens.next() != Some(&Token::Sign('[')) {
            return Err("does not begin with `[`".to_owned());
        }
        loop {
            comparison(&mut tokens, &mut values)?;
            match tokens.next() {
                Some(Token::Sign(']')) => break,
                Some(Token::Word("OR")) => {}
                other => return Err(unreadable(other)),
            }
        }
        match tokens.next() {
            None => return Ok(values),
            Some(Token::Word("OR")) => {}
            other => return Err(unreadable(other)),
        }
    }
}

fn unreadable(token: Option<&Token<'_>>) -> String {
    match token {
        None => "ends too early".to_owned(),
        Some(Token::Sign(sign)) => format!("has an unexpected `{sign}`"),
        Some(Token::Text(_)) => "has an unexpected text".to_owned(),
        Some(Token::Word(word)) => {
            let shown: String = word.chars().take(40).collect();
            format!("asks for more than a choice of values: `{shown}`")
        }
    }
}

fn comparison<'p, 't: 'p>(
    tokens: &mut std::iter::Peekable<impl Iterator<Item = &'p Token<'t>>>,
    values: &mut Vec<(Option<Sort>, String)>,
) -> Result<(), String> {
    let Some(Token::Word(path)) = tokens.next() else { return Err("has no object path where one belongs".to_owned()) };
    let mut path = (*path).to_owned();
    // A part of a path may stand in quotes: file:hashes.'SHA-256'.
    if let Some(Token::Text(part)) = tokens.peek() {
        path.push_str(part);
        tokens.next();
    }
    let sort = sort_of(&path);
    let mut take = |token: Option<&Token<'_>>| match token {
        Some(Token::Text(value)) if values.len() < MAX_VALUES => {
            values.push((sort, value.clone()));
            Ok(())
        }
        Some(Token::Text(_)) => Err(format!("has more than {MAX_VALUES} values")),
        // Numbers and booleans are of no list of ours.
        Some(Token::Word(_)) if sort.is_none() => {
            values.push((None, String::new()));
            Ok(())
        }
        other => Err(unreadable(other)),
    };
    match tokens.next() {
        Some(Token::Sign('=')) => take(tokens.next()),
        Some(Token::Word("IN")) => {
            if tokens.next() != Some(&Token::Sign('(')) {
                return Err("has no `(` after `IN`".to_owned());
            }
            loop {
                take(tokens.next())?;
                match tokens.next() {
                    Some(Token::Sign(')')) => return Ok(()),
                    Some(Token::Sign(',')) => {}
                    other => return Err(unreadable(other)),
                }
            }
        }
        other => Err(unreadable(other)),
    }
}

fn tokens(text: &str) -> Result<Vec<Token<'_>>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let used = match first {
            '[' | ']' | '(' | ')' | ',' | '=' => {
                tokens.push(Token::Sign(first));
                1
            }
            '\'' => {
                let (value, used) = quoted(rest).ok_or("has a text without an end")?;
                tokens.push(Token::Text(value));
                used
            }
            _ => {
                let ends = |c: char| c.is_whitespace() || "[](),='".contains(c);
                let end = rest.find(ends).unwrap_or(rest.len());
                tokens.push(Token::Word(rest.get(..end).unwrap_or_default()));
                end
            }
        };
        rest = rest.get(used..).unwrap_or_default().trim_start();
    }
    Ok(tokens)
}

/// A text in quotes, where a backslash takes the next character as it is, and its length with the quotes.
fn quoted(rest: &str) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((index, character)) = characters.next() {
        match character {
            '\'' => return Some((value, index + 1)),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

/// Object paths that are of a type of ours.
fn sort_of(path: &str) -> Option<Sort> {
    Some(match path {
        "ipv4-addr:value" | "ipv6-addr:value" => Sort::Ip,
        "domain-name:value" => Sort::Domain,
        "url:value" => Sort::Url,
        "file:name" => Sort::FileName,
        _ if path.starts_with("file:hashes.") => Sort::Hash,
        _ => return None,
    })
}
