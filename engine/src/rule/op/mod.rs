//! Operators of the condition language, one file each; a new one is a file, a `mod` line and a line
//! of [`ALL`].
//!
//! An operator checks its operands against the field's type and becomes a [`Test`]. What it means
//! at run time is the test's business.

mod contains;
mod endswith;
mod eq;
mod exists;
mod glob;
mod intersects;
mod ne;
mod order;
mod regex;
mod startswith;

use std::net::IpAddr;

use ipnet::IpNet;

use super::{
    ast::Literal,
    diagnostic::{Diagnostic, did_you_mean},
    test::{Case, Position, Relation, Strings, Test},
    typed::{Typed, Unit},
};
use crate::event::{
    network::{canonical, single},
    value::Type,
};

/// What stands to the right of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Values in parentheses, or a list.
    List,
    /// Nothing.
    Nothing,
    /// One value.
    One,
    /// One value, or several of which one must pass.
    OneOrList,
}

/// An operator.
pub trait Operator: Sync {
    /// How it is written.
    fn word(&self) -> &'static str;
    /// What it means, one sentence.
    fn doc(&self) -> &'static str;
    /// A condition with it, for documents and tests.
    fn example(&self) -> &'static str;
    /// What it takes.
    fn takes(&self) -> Takes;
    /// Whether it holds where its test fails.
    fn differs(&self) -> bool {
        false
    }
    /// What it asks of two fields; `None` if it compares with constants only.
    fn relation(&self) -> Option<Relation> {
        None
    }
    /// The test, for what stands at the left and at least one constant (none for [`Takes::Nothing`]).
    ///
    /// # Errors
    /// Everything that is wrong with field or constants; a finding about the field has an empty
    /// place, which the caller fills in.
    fn test(&self, of: Typed, constants: &[Literal]) -> Result<Test, Vec<Fault>>;
}

/// What is wrong with a comparison.
#[derive(Debug)]
pub enum Fault {
    /// A constant.
    Constant(Box<Diagnostic>),
    /// The operator does not fit the field's type; the text is advice.
    Operator(Option<String>),
}

/// All operators, in the order documents list them.
pub const ALL: &[&dyn Operator] = &[
    &eq::EXACT,
    &ne::Differs,
    &order::LESS,
    &order::LESS_OR_EQUAL,
    &order::GREATER,
    &order::GREATER_OR_EQUAL,
    &eq::IN,
    &intersects::Intersects,
    &contains::EXACT,
    &startswith::EXACT,
    &endswith::EXACT,
    &glob::EXACT,
    &regex::Matches,
    &exists::Exists,
    &eq::FOLDED,
    &eq::IN_FOLDED,
    &contains::FOLDED,
    &startswith::FOLDED,
    &endswith::FOLDED,
    &glob::FOLDED,
];

/// The operator of that word.
#[must_use]
pub fn find(word: &str) -> Option<&'static dyn Operator> {
    ALL.iter().copied().find(|operator| operator.word() == word)
}

/// Whether values of two types can stand in a relation to each other.
#[must_use]
pub fn comparable(left: Typed, right: Typed, relation: Relation) -> bool {
    let is_number = |ty| matches!(ty, Type::Integer | Type::NumericKeyword);
    let is_text = |ty| matches!(ty, Type::Keyword | Type::Word(_));
    let numbers = is_number(left.ty) && is_number(right.ty) && left.unit == right.unit;
    let same = numbers || matches!((left.ty, right.ty), (Type::Time, Type::Time));
    match relation {
        Relation::Order(_) => same,
        Relation::Text(Position::Whole, Case::Exact) => {
            same || (is_text(left.ty) && is_text(right.ty))
                || matches!((left.ty, right.ty), (Type::Boolean, Type::Boolean) | (Type::Ip, Type::Ip))
        }
        Relation::Text(..) => matches!((left.ty, right.ty), (Type::Keyword, Type::Keyword)),
    }
}

/// Applies `read` to every constant and keeps every fault.
fn each<T>(constants: &[Literal], read: impl Fn(&Literal) -> Result<T, Fault>) -> Result<Vec<T>, Vec<Fault>> {
    let mut faults = Vec::new();
    let values =
        constants.iter().filter_map(|constant| read(constant).map_err(|fault| faults.push(fault)).ok()).collect();
    if faults.is_empty() { Ok(values) } else { Err(faults) }
}

fn wrong_type(constant: &Literal, expected: &str, hint: Option<String>) -> Fault {
    let message = format!("`{}` is not {expected}", constant.shown());
    let error = Diagnostic::error("wrong-type", constant.place.clone(), message);
    Fault::Constant(Box::new(error.hint_if(hint)))
}

/// Reads a number in a unit.
fn number(constant: &Literal, unit: Unit) -> Result<i64, Fault> {
    let read = unit.read(constant.text().unwrap_or_default());
    read.map_err(|expected| wrong_type(constant, expected, Some(unit.form().to_owned())))
}

/// Reads a time as nanoseconds since the epoch.
fn time(constant: &Literal) -> Result<i64, Fault> {
    let parsed = constant.text().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    parsed
        .and_then(|time| i64::try_from(time.as_nanosecond()).ok())
        .ok_or_else(|| wrong_type(constant, "an RFC 3339 time", Some("write `2026-11-22T15:04:05Z`".to_owned())))
}

/// Reads an address or a network.
fn network(constant: &Literal) -> Result<IpNet, Fault> {
    let text = constant.text().unwrap_or_default();
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(single(address));
    }
    match text.parse::<IpNet>() {
        Ok(network) if network.trunc() == network => Ok(canonical(network)),
        Ok(network) => {
            let hint = format!("did you mean `{}`?", network.trunc());
            Err(wrong_type(constant, "a network: it has bits set beyond its prefix", Some(hint)))
        }
        Err(_) => {
            Err(wrong_type(constant, "an address or network", Some("write `10.0.0.1` or `10.0.0.0/8`".to_owned())))
        }
    }
}

fn boolean(constant: &Literal) -> Result<bool, Fault> {
    match constant.text() {
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(_) | None => Err(wrong_type(constant, "`true` or `false`", None)),
    }
}

fn word(constant: &Literal, words: &'static [&'static str]) -> Result<Box<[u8]>, Fault> {
    let text = constant.text().unwrap_or_default();
    if words.contains(&text) {
        return Ok(constant.bytes.clone());
    }
    let hint =
        did_you_mean(text, words.iter().copied()).unwrap_or_else(|| format!("the words are {}", words.join(", ")));
    let message = format!("`{}` is not a word of this field", constant.shown());
    Err(Fault::Constant(Box::new(Diagnostic::error("wrong-word", constant.place.clone(), message).hint(hint))))
}

/// The value is one of the constants, whatever its type.
fn is_one_of(of: Typed, constants: &[Literal]) -> Result<Test, Vec<Fault>> {
    Ok(match of.ty {
        Type::Boolean => {
            let flags = each(constants, boolean)?;
            match flags.as_slice() {
                [flag] => Test::Bool(*flag),
                _ => return Err(vec![Fault::Operator(Some("compare a boolean with `=`".to_owned()))]),
            }
        }
        Type::Integer | Type::NumericKeyword => integers(each(constants, |constant| number(constant, of.unit))?),
        Type::Time => integers(each(constants, time)?),
        Type::Ip => {
            let mut networks = each(constants, network)?;
            networks.sort();
            networks.dedup();
            Test::Networks(networks.into())
        }
        Type::Keyword => {
            let needles = constants.iter().map(|constant| constant.bytes.clone());
            Test::Text(Strings::new(Position::Whole, Case::Exact, needles))
        }
        Type::Word(words) => {
            let needles = each(constants, |constant| word(constant, words))?;
            Test::Text(Strings::new(Position::Whole, Case::Exact, needles))
        }
    })
}

fn integers(mut numbers: Vec<i64>) -> Test {
    numbers.sort_unstable();
    numbers.dedup();
    Test::Ints(numbers.into())
}

/// A test of strings: only for fields that hold them.
fn strings(of: Typed, constants: &[Literal], position: Position, case: Case) -> Result<Test, Vec<Fault>> {
    of_text(of)?;
    let needles = constants.iter().map(|constant| constant.bytes.clone());
    Ok(Test::Text(Strings::new(position, case, needles)))
}

/// Refuses fields that hold no free text.
fn of_text(of: Typed) -> Result<(), Vec<Fault>> {
    let advice = match of.ty {
        Type::Keyword => return Ok(()),
        Type::Boolean => "compare it with `= true` or `= false`",
        Type::Integer | Type::NumericKeyword | Type::Time => "compare it with `=`, `<`, `>` or `in`",
        Type::Ip => "compare it with `=` or `in`, which take networks too: `in (10.0.0.0/8)`",
        Type::Word(_) => "compare it with `=` or `in`",
    };
    Err(vec![Fault::Operator(Some(advice.to_owned()))])
}

#[cfg(test)]
pub(in crate::rule) mod tests {
    use super::{super::Filter, *};
    use crate::event::json;

    /// Puts a condition to an event given in JSON.
    pub(in crate::rule) fn check(condition: &str, event: &str, expected: bool) {
        let filter = Filter::parse(condition).unwrap_or_else(|problems| panic!("{problems}"));
        let (event, errors) = json::read(event.as_bytes()).expect("an event");
        assert_eq!(errors, [], "{condition}");
        assert_eq!(filter.matches(&event), expected, "{condition} on {event:?}");
    }

    /// Asks for the message of the first problem of a condition.
    pub(in crate::rule) fn check_refused(condition: &str, message: &str) {
        let problems = Filter::parse(condition).expect_err(condition);
        let problem = problems.sorted()[0];
        assert_eq!(problem.message, message, "{problems}");
    }

    #[test]
    fn operators_have_their_own_words_and_a_sentence_and_an_example_that_compiles() {
        for operator in ALL {
            assert_eq!(ALL.iter().filter(|other| other.word() == operator.word()).count(), 1, "{}", operator.word());
            assert!(operator.doc().ends_with('.'), "{}", operator.word());
            assert!(operator.example().split_whitespace().any(|word| word == operator.word()), "{}", operator.word());
            Filter::parse(operator.example()).unwrap_or_else(|problems| panic!("{problems}"));
        }
    }

    #[test]
    fn every_file_of_the_folder_is_a_module_with_a_test() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rule/op");
        let parent = crate::store::read_text(&folder.join("mod.rs"), u64::MAX).expect("this file");
        for entry in std::fs::read_dir(&folder).expect("the folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
            if name != "mod" {
                assert!(parent.contains(&format!("\nmod {name};\n")), "{name}");
                assert!(parent.contains(&format!("    &{name}::")), "{name}");
                assert!(crate::store::read_text(&path, u64::MAX).expect("a file").contains("#[test]"), "{name}");
            }
        }
    }
}
