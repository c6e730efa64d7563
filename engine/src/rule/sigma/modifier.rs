//! Modifiers: what stands behind the `|` of a Sigma field.

use data_encoding::BASE64;

use super::value::{Part, Value, Wild};
use crate::rule::{diagnostic::did_you_mean, test::Order};

/// Values one item may grow to (`windash` and `base64offset` multiply them).
const MAX_VALUES: usize = 10_000;

/// Modifiers of the specification that this version carries.
const SUPPORTED: &[&str] = &[
    "all",
    "base64",
    "base64offset",
    "cased",
    "cidr",
    "contains",
    "endswith",
    "exists",
    "fieldref",
    "gt",
    "gte",
    "i",
    "lt",
    "lte",
    "m",
    "neq",
    "re",
    "s",
    "startswith",
    "utf16",
    "utf16be",
    "utf16le",
    "wide",
    "windash",
];

/// Those it does not.
const LATER: &[&str] = &["expand", "minute", "hour", "day", "week", "month", "year"];

/// How values are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Compare {
    Cidr,
    Exists,
    /// The value names another field; how it relates is in the wildcards around.
    Fieldref {
        starts: bool,
        ends: bool,
    },
    Order(Order),
    /// A regular expression with its flags.
    Regex(String),
    #[default]
    Text,
}

/// An item after its modifiers.
#[derive(Clone, Debug, Default)]
pub(super) struct Modified {
    /// For each value that was written, what it may also be: `windash` and `base64offset` give several.
    pub(super) values: Vec<Vec<Value>>,
    pub(super) compare: Compare,
    /// Every value has to match, not just one.
    pub(super) all: bool,
    pub(super) cased: bool,
    /// The item is the opposite.
    pub(super) negated: bool,
}

/// Why modifiers cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The rule is wrong: what, and advice.
    Broken(String, Option<String>),
    /// The rule may be right, but this version cannot do it.
    Unsupported(String),
}

fn broken<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Broken(message.into(), None))
}

/// Whether the values are regular expressions, whose backslashes and stars mean something else.
pub(super) fn is_raw(modifiers: &[&str]) -> bool {
    modifiers.contains(&"re")
}

/// Applies modifiers in order.
pub(super) fn apply(modifiers: &[&str], values: Vec<Value>) -> Result<Modified, Refusal> {
    let mut item = Modified { values: values.into_iter().map(|value| vec![value]).collect(), ..Modified::default() };
    for (place, name) in modifiers.iter().enumerate() {
        let previous = place.checked_sub(1).and_then(|place| modifiers.get(place)).copied();
        step(&mut item, name, previous)?;
        if item.values.iter().map(Vec::len).sum::<usize>() > MAX_VALUES {
            return Err(Refusal::Unsupported(format!("`{name}` makes more than {MAX_VALUES} values of one item")));
        }
    }
    Ok(item)
}

fn step(item: &mut Modified, name: &str, previous: Option<&str>) -> Result<(), Refusal> {
    match name {
        "all" => item.all = true,
        "cased" => item.cased = true,
        "neq" => item.negated = true,
        "contains" | "startswith" | "endswith" => match &mut item.compare {
            Compare::Text => {
                each(item, name, |wild| {
                    let wild = if name == "startswith" { wild } else { wild.open_start() };
                    Ok(vec![if name == "endswith" { wild } else { wild.open_end() }])
                })?;
            }
            Compare::Fieldref { starts, ends } => {
                *starts = name == "startswith";
                *ends = name == "endswith";
            }
            Compare::Regex(_) => {}
            Compare::Cidr | Compare::Exists | Compare::Order(_) => {
                return broken(format!("`{name}` does not go with the modifier before it"));
            }
        },
        "re" => item.compare = Compare::Regex(String::new()),
        "i" | "m" | "s" => match &mut item.compare {
            Compare::Regex(flags) if matches!(previous, Some("re" | "i" | "m" | "s")) => flags.push_str(name),
            Compare::Cidr
            | Compare::Exists
            | Compare::Fieldref { .. }
            | Compare::Order(_)
            | Compare::Regex(_)
            | Compare::Text => return broken(format!("`{name}` stands behind `re` only")),
        },
        "cidr" => item.compare = Compare::Cidr,
        "exists" => item.compare = Compare::Exists,
        "fieldref" => {
            // `startswith|fieldref` means the same as `fieldref|startswith`.
            let starts = previous == Some("startswith");
            let ends = previous == Some("endswith");
            item.compare = Compare::Fieldref { starts, ends };
            each(item, name, |wild| {
                let bytes = wild.parts.into_iter().filter(|part| *part != Part::Any).collect();
                Ok(vec![Wild { parts: bytes }])
            })?;
        }
        "lt" => item.compare = Compare::Order(Order::Less),
        "lte" => item.compare = Compare::Order(Order::LessOrEqual),
        "gt" => item.compare = Compare::Order(Order::Greater),
        "gte" => item.compare = Compare::Order(Order::GreaterOrEqual),
        "base64" => each(item, name, |wild| {
            let Some(bytes) = wild.as_plain() else { return broken("`base64` takes no wildcards") };
            Ok(vec![Wild::plain(BASE64.encode(bytes).into_bytes())])
        })?,
        "base64offset" => each(item, name, |wild| {
            let Some(bytes) = wild.as_plain() else { return broken("`base64offset` takes no wildcards") };
            Ok((0..3).map(|offset| Wild::plain(base64_at(bytes, offset))).collect())
        })?,
        "wide" | "utf16le" => each(item, name, |wild| Ok(vec![wild.map(|bytes| utf16(bytes, u16::to_le_bytes))]))?,
        "utf16be" => each(item, name, |wild| Ok(vec![wild.map(|bytes| utf16(bytes, u16::to_be_bytes))]))?,
        "utf16" => each(item, name, |wild| {
            Ok(vec![wild.map(|bytes| [&[0xff, 0xfe], utf16(bytes, u16::to_le_bytes).as_slice()].concat())])
        })?,
        "windash" => each(item, name, windash)?,
        later if LATER.contains(&later) => {
            return Err(Refusal::Unsupported(format!("the modifier `{later}` is not supported yet by this version")));
        }
        unknown => {
            let hint = did_you_mean(unknown, SUPPORTED.iter().chain(LATER).copied());
            return Err(Refusal::Broken(format!("unknown modifier `{unknown}`"), hint));
        }
    }
    Ok(())
}

/// Replaces each value, which must be a string or become one.
fn each(item: &mut Modified, name: &str, change: impl Fn(Wild) -> Result<Vec<Wild>, Refusal>) -> Result<(), Refusal> {
    for alternatives in &mut item.values {
        let mut changed = Vec::with_capacity(alternatives.len());
        for value in std::mem::take(alternatives) {
            match value.into_wild() {
                Some(wild) => changed.extend(change(wild)?.into_iter().map(Value::Text)),
                None => return broken(format!("`{name}` does not go with null")),
            }
        }
        *alternatives = changed;
    }
    Ok(())
}

/// What stays the same in the base64 of any text that has `bytes` at a place that is `offset` modulo 3.
fn base64_at(bytes: &[u8], offset: usize) -> Vec<u8> {
    let padded = [&b"   "[..offset], bytes].concat();
    let encoded = BASE64.encode(&padded).into_bytes();
    let skip = [0, 2, 3].get(offset).copied().unwrap_or(0);
    let cut = [0, 3, 2].get(padded.len() % 3).copied().unwrap_or(0);
    encoded.get(skip..encoded.len().saturating_sub(cut)).unwrap_or_default().to_vec()
}

fn utf16(bytes: &[u8], order: fn(u16) -> [u8; 2]) -> Vec<u8> {
    String::from_utf8_lossy(bytes).encode_utf16().flat_map(order).collect()
}

/// Every way to write the dashes that start an option.
fn windash(wild: Wild) -> Result<Vec<Wild>, Refusal> {
    let mut all = vec![Vec::new()];
    for part in wild.parts {
        let Part::Bytes(bytes) = part else {
            all.iter_mut().for_each(|parts: &mut Vec<Part>| parts.push(part.clone()));
            continue;
        };
        let mut texts = vec![String::new()];
        let text = String::from_utf8_lossy(&bytes);
        let is_word = |character: Option<char>| character.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let mut before = None;
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            let starts_option = "-/".contains(character) && !is_word(before) && is_word(characters.peek().copied());
            before = Some(character);
            if starts_option {
                let dashes = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];
                texts = texts.iter().flat_map(|text| dashes.map(|dash| format!("{text}{dash}"))).collect();
            } else {
                texts.iter_mut().for_each(|text| text.push(character));
            }
            if texts.len() * all.len() > MAX_VALUES {
                return Err(Refusal::Unsupported(format!("`windash` makes more than {MAX_VALUES} values of one")));
            }
        }
        all = all
            .iter()
            .flat_map(|parts| {
                texts.iter().map(move |text| [parts.as_slice(), &[Part::Bytes(text.clone().into_bytes())]].concat())
            })
            .collect();
    }
    Ok(all.into_iter().map(|parts| Wild { parts }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(modifiers: &[&str], value: &str) -> Vec<String> {
        let item = apply(modifiers, vec![Value::Text(Wild::parse(value))]).expect("modifiers that fit");
        item.values
            .concat()
            .into_iter()
            .map(|value| {
                let parts = value.into_wild().expect("a string").parts;
                parts
                    .iter()
                    .map(|part| match part {
                        Part::Any => "*".to_owned(),
                        Part::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                        Part::One => "?".to_owned(),
                    })
                    .collect()
            })
            .collect()
    }

    #[test]
    fn encodings_give_the_published_values() {
        // The example of the specification's appendix on base64offset.
        assert_eq!(texts(&["base64offset"], "/bin/bash"), ["L2Jpbi9iYXNo", "9iaW4vYmFza", "vYmluL2Jhc2"]);
        assert_eq!(texts(&["base64"], "http://"), ["aHR0cDovLw=="]);
        assert_eq!(texts(&["base64offset", "contains"], "foobar"), ["*Zm9vYmFy*", "*Zvb2Jhc*", "*mb29iYX*"]);
        assert_eq!(texts(&["wide", "base64"], "ping"), ["cABpAG4AZwA="]);
        assert_eq!(texts(&["utf16be"], "a"), ["\0a"]);
    }

    #[test]
    fn every_encoded_offset_is_inside_the_encoding_of_a_longer_text() {
        let needle = b"secret token";
        for before in 0..6 {
            let text = [&b"abcdefgh"[..before], needle, b"xyz"].concat();
            let encoded = BASE64.encode(&text);
            let found = (0..3).any(|offset| {
                encoded.contains(&String::from_utf8(base64_at(needle, offset)).expect("base64 is ASCII"))
            });
            assert!(found, "with {before} bytes before");
        }
    }

    #[test]
    fn windash_permutes_dashes_that_start_an_option() {
        assert_eq!(texts(&["windash"], "-f a-b").len(), 5);
        assert_eq!(texts(&["windash"], " -a /b").len(), 25);
        assert_eq!(texts(&["windash", "contains"], " -a ")[1], "* /a *");
        assert!(matches!(
            apply(&["windash"], vec![Value::Text(Wild::parse(&"-a ".repeat(20)))]),
            Err(Refusal::Unsupported(_))
        ));
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_reason() {
        let refusal = |modifiers: &[&str], value| apply(modifiers, vec![value]).expect_err("a refusal");
        let text = |text| Value::Text(Wild::parse(text));
        assert_eq!(
            refusal(&["contians"], text("a")),
            Refusal::Broken("unknown modifier `contians`".to_owned(), Some("did you mean `contains`?".to_owned()))
        );
        assert!(matches!(refusal(&["expand"], text("%a%")), Refusal::Unsupported(_)));
        assert!(matches!(refusal(&["base64"], text("a*")), Refusal::Broken(..)));
        assert!(matches!(refusal(&["contains"], Value::Null), Refusal::Broken(..)));
        assert!(matches!(refusal(&["i"], text("a")), Refusal::Broken(..)));
    }
}
