//! Modifiers: what stands behind the `|` of a Sigma field.

use super::{
    encode::{base64, base64_offsets, utf16, windash},
    placeholder::Placeholders,
    value::{Part, Value, Wild},
};
use crate::rule::{diagnostic::did_you_mean, moment, pattern::Unbuilt, test::Order};

/// Values one item may grow to (`windash`, `base64offset` and `expand` multiply them).
pub(super) const MAX_VALUES: usize = 10_000;

/// The modifiers of the specification, and three names that pySigma has for flags of `re`.
const ALL: &[&str] = &[
    "all",
    "base64",
    "base64offset",
    "cased",
    "cidr",
    "contains",
    "day",
    "dotall",
    "endswith",
    "exists",
    "expand",
    "fieldref",
    "gt",
    "gte",
    "hour",
    "i",
    "ignorecase",
    "lt",
    "lte",
    "m",
    "minute",
    "month",
    "multiline",
    "neq",
    "re",
    "s",
    "startswith",
    "utf16",
    "utf16be",
    "utf16le",
    "week",
    "wide",
    "windash",
    "year",
];

/// Those that say what is done with values and leave the values as they are.
const LEAVING: &[&str] = &["all", "cased", "expand", "neq"];

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

impl Compare {
    /// Whether the values are, or may be, numbers.
    fn is_number(&self) -> bool {
        match self {
            Self::Order(_) | Self::Text => true,
            Self::Cidr | Self::Exists | Self::Fieldref { .. } | Self::Regex(_) => false,
        }
    }
}

/// An item after its modifiers.
#[derive(Clone, Debug, Default)]
pub(super) struct Modified {
    /// For each value that was written, what it may also be: `windash` and `base64offset` give several.
    pub(super) values: Vec<Vec<Value>>,
    pub(super) compare: Compare,
    /// The values are numbers that a part of a date is compared with.
    pub(super) part: Option<moment::Part>,
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

impl Refusal {
    /// Of a pattern that was not built; `shown` puts it before the reason.
    pub(super) fn of_unbuilt(why: Unbuilt, shown: impl FnOnce(String) -> String) -> Self {
        match why {
            Unbuilt::Full => Self::Broken(shown(why.to_string()), Some(Unbuilt::ADVICE.to_owned())),
            Unbuilt::Invalid(why) => Self::Unsupported(shown(why)),
        }
    }
}

fn broken<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Broken(message.into(), None))
}

/// How the values of an item are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// They are regular expressions, whose backslashes and stars mean something else.
    pub(super) raw: bool,
    /// `%name%` is a placeholder.
    pub(super) placeholders: bool,
}

impl Reading {
    /// As modifiers ask for.
    pub(super) fn of(modifiers: &[&str]) -> Self {
        Self { raw: modifiers.contains(&"re"), placeholders: modifiers.contains(&"expand") }
    }
}

/// Applies modifiers in order.
pub(super) fn apply(modifiers: &[&str], values: Vec<Value>, placeholders: &Placeholders) -> Result<Modified, Refusal> {
    let mut item = Modified { values: values.into_iter().map(|value| vec![value]).collect(), ..Modified::default() };
    for (place, name) in modifiers.iter().enumerate() {
        let before = modifiers.get(..place).unwrap_or_default();
        if *name == "expand" {
            each(&mut item, name, |wild| expand(&wild, placeholders))?;
        } else {
            step(&mut item, name, before)?;
        }
        if item.values.iter().map(Vec::len).sum::<usize>() > MAX_VALUES {
            return Err(Refusal::Unsupported(format!("`{name}` makes more than {MAX_VALUES} values of one item")));
        }
    }
    Ok(item)
}

fn step(item: &mut Modified, name: &str, before: &[&str]) -> Result<(), Refusal> {
    match name {
        "all" => item.all = true,
        "cased" => item.cased = true,
        "neq" => item.negated = true,
        "contains" | "startswith" | "endswith" => place(item, name)?,
        "re" => item.compare = first(name, before, Compare::Regex(String::new()))?,
        "i" | "ignorecase" => flag(item, 'i', name, before)?,
        "m" | "multiline" => flag(item, 'm', name, before)?,
        "s" | "dotall" => flag(item, 's', name, before)?,
        "cidr" => item.compare = first(name, before, Compare::Cidr)?,
        "exists" => item.compare = first(name, before, Compare::Exists)?,
        "fieldref" => fieldref(item, before)?,
        "lt" => order(item, name, Order::Less)?,
        "lte" => order(item, name, Order::LessOrEqual)?,
        "gt" => order(item, name, Order::Greater)?,
        "gte" => order(item, name, Order::GreaterOrEqual)?,
        "base64" => each(item, name, |wild| without_wildcards(&wild, name, |bytes| vec![base64(bytes)]))?,
        "base64offset" => each(item, name, |wild| without_wildcards(&wild, name, base64_offsets))?,
        "wide" | "utf16le" => each(item, name, |wild| Ok(vec![wild.map(|bytes| utf16(bytes, u16::to_le_bytes))]))?,
        "utf16be" => each(item, name, |wild| Ok(vec![wild.map(|bytes| utf16(bytes, u16::to_be_bytes))]))?,
        "utf16" => each(item, name, |wild| {
            Ok(vec![wild.map(|bytes| utf16(bytes, u16::to_le_bytes)).after(&u16::to_le_bytes(0xFEFF))])
        })?,
        "windash" => each(item, name, |wild| windash(&wild))?,
        other => match moment::Part::find(other) {
            Some(part) if item.compare.is_number() && item.part.is_none() => item.part = Some(part),
            Some(_) => return broken(format!("`{name}` does not go with the modifier before it")),
            None if other.is_empty() => return broken("a modifier is missing after `|`"),
            None => {
                let hint = did_you_mean(other, ALL.iter().copied());
                return Err(Refusal::Broken(format!("unknown modifier `{other}`"), hint));
            }
        },
    }
    Ok(())
}

/// A modifier that takes values as they were written.
fn first(name: &str, before: &[&str], compare: Compare) -> Result<Compare, Refusal> {
    match before.iter().find(|other| !LEAVING.contains(other)) {
        None => Ok(compare),
        Some(other) => broken(format!("`{name}` has to stand before `{other}`")),
    }
}

/// Where in the field the value has to be.
fn place(item: &mut Modified, name: &str) -> Result<(), Refusal> {
    match &mut item.compare {
        Compare::Text => each(item, name, |wild| {
            let wild = if name == "startswith" { wild } else { wild.open_start() };
            Ok(vec![if name == "endswith" { wild } else { wild.open_end() }])
        }),
        Compare::Fieldref { starts, ends } => {
            *starts |= name != "endswith";
            *ends |= name != "startswith";
            Ok(())
        }
        // A regular expression is searched for anywhere.
        Compare::Regex(_) => Ok(()),
        Compare::Cidr | Compare::Exists | Compare::Order(_) => {
            broken(format!("`{name}` does not go with the modifier before it"))
        }
    }
}

fn flag(item: &mut Modified, flag: char, name: &str, before: &[&str]) -> Result<(), Refusal> {
    const FLAGS: &[&str] = &["dotall", "i", "ignorecase", "m", "multiline", "re", "s"];
    match (&mut item.compare, before.last()) {
        (Compare::Regex(flags), Some(last)) if FLAGS.contains(last) => {
            // Twice says no more than once.
            if !flags.contains(flag) {
                flags.push(flag);
            }
            Ok(())
        }
        (_, _) => broken(format!("`{name}` stands behind `re` only")),
    }
}

fn order(item: &mut Modified, name: &str, order: Order) -> Result<(), Refusal> {
    if item.compare != Compare::Text {
        return broken(format!("`{name}` does not go with the modifier before it"));
    }
    item.compare = Compare::Order(order);
    Ok(())
}

/// `startswith|fieldref` means the same as `fieldref|startswith`.
fn fieldref(item: &mut Modified, before: &[&str]) -> Result<(), Refusal> {
    const PLACES: &[&str] = &["contains", "endswith", "startswith"];
    if let Some(other) = before.iter().find(|other| !LEAVING.contains(other) && !PLACES.contains(other)) {
        return broken(format!("`fieldref` has to stand before `{other}`"));
    }
    let has = |name| before.contains(&name);
    let (starts, ends) = (has("contains") || has("startswith"), has("contains") || has("endswith"));
    item.compare = Compare::Fieldref { starts, ends };
    each(item, "fieldref", |wild| {
        // The wildcards of the modifiers before are no part of the name.
        let inner = wild.parts.get(usize::from(ends)..wild.parts.len().saturating_sub(starts.into()));
        match inner.unwrap_or_default() {
            [Part::Bytes(name)] => Ok(vec![Wild::plain(name.clone())]),
            _ => broken("`fieldref` takes the name of a field, without wildcards"),
        }
    })
}

fn without_wildcards(wild: &Wild, name: &str, change: impl Fn(&[u8]) -> Vec<Wild>) -> Result<Vec<Wild>, Refusal> {
    match wild.as_plain() {
        Some(bytes) => Ok(change(bytes)),
        None => broken(format!("`{name}` takes no wildcards")),
    }
}

/// Every way to fill in a value's placeholders.
fn expand(wild: &Wild, placeholders: &Placeholders) -> Result<Vec<Wild>, Refusal> {
    let mut all = vec![Wild::default()];
    for part in &wild.parts {
        let choices: Vec<Wild> = match part {
            Part::Placeholder { name, raw } => {
                let Some(values) = placeholders.get(name) else {
                    return Err(Refusal::Unsupported(format!("no value is given for the placeholder `%{name}%`")));
                };
                let read =
                    |text: &String| if *raw { Wild::plain(text.clone().into_bytes()) } else { Wild::parse(text) };
                values.iter().map(read).collect()
            }
            Part::Any | Part::Bytes(_) | Part::One => vec![Wild { parts: vec![part.clone()] }],
        };
        if all.len() * choices.len() > MAX_VALUES {
            return Err(Refusal::Unsupported(format!("`expand` makes more than {MAX_VALUES} values of one")));
        }
        all = all.iter().flat_map(|wild| choices.iter().map(|choice| wild.clone().join(choice))).collect();
    }
    Ok(all)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn placeholders() -> Placeholders {
        Placeholders::of("who", &["eve", "b*b"])
    }

    fn texts(modifiers: &[&str], value: &str) -> Vec<String> {
        let value = Value::of_text(value, Reading::of(modifiers));
        let item = apply(modifiers, vec![value], &placeholders()).expect("modifiers that fit");
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
                        Part::Placeholder { name, .. } => panic!("{name} stays"),
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
    fn values_are_placed_and_filled_in() {
        assert_eq!(texts(&["windash", "contains"], " -a ")[1], "* /a *");
        assert_eq!(texts(&["startswith", "fieldref"], "a"), ["a"]);
        assert_eq!(texts(&["utf16"], "*a"), ["\u{FFFD}\u{FFFD}*a\0"]);
        assert_eq!(texts(&["expand"], "x%who%"), ["xeve", "xb*b"]);
        assert_eq!(texts(&["expand", "contains"], "%who%%who%").len(), 4);
        assert_eq!(texts(&["contains", "expand"], "%who%"), ["*eve*", "*b*b*"]);
        assert_eq!(texts(&["expand"], r"\%plain%who%"), ["%plaineve", "%plainb*b"]);
        assert_eq!(texts(&["expand"], "50% of % x%"), ["50% of % x%"]);
        assert_eq!(texts(&["contains"], "%who%"), ["*%who%*"]);
        assert_eq!(texts(&["re", "expand"], "^a%who%$"), ["^aeve$", "^ab*b$"]);
    }

    #[test]
    fn a_flag_that_stands_twice_is_one() {
        let item = apply(&["re", "i", "ignorecase", "i", "s"], vec![Value::Int(1)], &placeholders()).expect("flags");
        assert_eq!(item.compare, Compare::Regex("is".to_owned()));
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_reason() {
        let refusal =
            |modifiers: &[&str], value| apply(modifiers, vec![value], &placeholders()).expect_err("a refusal");
        let text = |text| Value::Text(Wild::parse(text));
        assert_eq!(
            refusal(&["contians"], text("a")),
            Refusal::Broken("unknown modifier `contians`".to_owned(), Some("did you mean `contains`?".to_owned()))
        );
        assert_eq!(
            refusal(&["expand"], Value::of_text("%a%", Reading::of(&["expand"]))),
            Refusal::Unsupported("no value is given for the placeholder `%a%`".to_owned())
        );
        for wrong in [
            &["contains", "re"][..],
            &["contains", "cidr"],
            &["base64", "fieldref"],
            &["re", "cased", "i"],
            &["cidr", "hour"],
            &["hour", "day"],
            &["re", "gt"],
            &["exists", "contains"],
        ] {
            assert!(matches!(refusal(wrong, text("a")), Refusal::Broken(..)), "{wrong:?}");
        }
        assert!(matches!(refusal(&["fieldref"], text("a*")), Refusal::Broken(..)));
        assert!(matches!(refusal(&["base64"], text("a*")), Refusal::Broken(..)));
        assert!(matches!(refusal(&["contains"], Value::Null), Refusal::Broken(..)));
        assert!(matches!(refusal(&["i"], text("a")), Refusal::Broken(..)));
        assert!(matches!(refusal(&["re", "expand"], Value::Null), Refusal::Broken(..)));
    }
}
