//! What a Falco comparison asks of one value of ours, by the type of that value.

use ipnet::IpNet;

use super::{
    ast::{Comparison, Operator},
    fieldmap::Mapped,
    pattern,
};
use crate::{
    event::value::{Type, Value},
    rule::{
        ast::Literal,
        diagnostic::{Diagnostic, Place},
        op,
        pcre::{self, Fault, Flavour},
        test::{Case, Pattern, Position, Strings, Test},
        transform,
        typed::Typed,
    },
};

/// A comparison that cannot be: reported, or a reason to reject the rule.
pub(super) enum Refusal {
    Broken(Vec<Diagnostic>),
    Unsupported(String),
}

/// The tests of a value, any of which may pass, with the values that no event carries.
pub(super) type Tests = Result<(Vec<Test>, Vec<String>), Refusal>;

/// The tests of a value of ours.
pub(super) fn tests(
    mapped: &Mapped,
    of: Typed,
    operator: Operator,
    comparison: &Comparison,
    constants: &[Literal],
) -> Tests {
    match of.ty {
        Type::Keyword => Ok((texts(operator, comparison, constants, mapped)?, Vec::new())),
        Type::Word(words) => {
            let (mut passing, mut lacking) = (Vec::new(), Vec::new());
            for constant in constants {
                let tests = texts(operator, comparison, std::slice::from_ref(constant), &Mapped::default())?;
                let passes = |word: &&&str| tests.iter().any(|test| test.holds(Value::Bytes(word.as_bytes())));
                let before = passing.len();
                passing.extend(words.iter().filter(passes).map(|word| Box::from(word.as_bytes())));
                if passing.len() == before {
                    lacking.push(constant.shown());
                }
            }
            let test = (!passing.is_empty()).then(|| Test::Text(Strings::new(Position::Whole, Case::Exact, passing)));
            Ok((test.into_iter().collect(), lacking))
        }
        Type::Boolean | Type::Integer | Type::Ip | Type::NumericKeyword | Type::Time => {
            let constants: Vec<Literal> = constants.iter().map(|constant| without_host_bits(of.ty, constant)).collect();
            let Some(ours) = operator.of_numbers().and_then(op::find) else {
                return Err(does_not_fit(comparison, operator, of));
            };
            let problem = |fault| match fault {
                op::Fault::Constant(error) => *error,
                op::Fault::Operator(hint) => misfit(comparison, operator, of).hint_if(hint),
            };
            match ours.test(of, &constants) {
                Ok(test) => Ok((vec![test], Vec::new())),
                Err(faults) => Err(Refusal::Broken(faults.into_iter().map(problem).collect())),
            }
        }
    }
}

/// The tests of a text.
pub(super) fn texts(
    operator: Operator,
    comparison: &Comparison,
    constants: &[Literal],
    mapped: &Mapped,
) -> Result<Vec<Test>, Refusal> {
    let strings = |position, case, needles: Vec<Box<[u8]>>| {
        (!needles.is_empty()).then(|| Test::Text(Strings::new(position, case, needles)))
    };
    let all = || -> Vec<Box<[u8]>> { constants.iter().map(|constant| constant.bytes.clone()).collect() };
    let some = |position, case| Ok(strings(position, case, all()).into_iter().collect());
    let bytes = |position| {
        let decoded = constants.iter().map(hexadecimal).collect::<Result<_, _>>()?;
        Ok(strings(position, Case::Exact, decoded).into_iter().collect())
    };
    let patterns = |flags: &str, translate: fn(&str) -> Result<String, Fault>| -> Result<Vec<Test>, Refusal> {
        let compile = |constant: &Literal| {
            let text = constant.text().unwrap_or_default();
            let invalid = |why: String| broken("invalid-regex", &constant.place, format!("`{text}`: {why}"));
            let regex = translate(text).map_err(|fault| match fault {
                Fault::Unsupported(what) => Refusal::Unsupported(what),
                Fault::Wrong(why) => invalid(why),
            })?;
            let compiled = Pattern::new(&format!("{flags}\\A(?:{regex})\\z"));
            compiled.map(Test::Pattern).map_err(|why| invalid(why.to_string()))
        };
        constants.iter().map(compile).collect()
    };
    match operator {
        Operator::Equal | Operator::In | Operator::Intersects => {
            let whole =
                all().into_iter().map(|needle| if mapped.ends_in_slash { without_slash(&needle) } else { needle });
            // As much as Falco has of it may be the beginning of more.
            let (starts, whole) = whole.partition(|needle| Some(needle.len()) == mapped.cut);
            let tests = [strings(Position::Whole, Case::Exact, whole), strings(Position::Start, Case::Exact, starts)];
            Ok(tests.into_iter().flatten().collect())
        }
        Operator::Startswith if mapped.ends_in_slash => {
            let whole =
                all().iter().filter(|needle| needle.ends_with(b"/")).map(|needle| without_slash(needle)).collect();
            let tests = [strings(Position::Start, Case::Exact, all()), strings(Position::Whole, Case::Exact, whole)];
            Ok(tests.into_iter().flatten().collect())
        }
        Operator::Startswith => some(Position::Start, Case::Exact),
        Operator::Contains => some(Position::Anywhere, Case::Exact),
        Operator::Icontains => some(Position::Anywhere, Case::Folded),
        Operator::Endswith => some(Position::End, Case::Exact),
        Operator::Bcontains => bytes(Position::Anywhere),
        Operator::Bstartswith => bytes(Position::Start),
        Operator::Bendswith => bytes(Position::End),
        Operator::Glob => patterns("(?s)", pattern::glob),
        Operator::Iglob => patterns("(?si)", pattern::glob),
        Operator::Pmatch => patterns("(?s)", pattern::path),
        Operator::Regex => patterns("", regex),
        Operator::Exists | Operator::NotEqual | Operator::Order(_) => {
            Err(does_not_fit(comparison, operator, transform::TEXT))
        }
    }
}

/// A regular expression in the syntax of the engine. RE2 has neither look-around nor what else cannot be done here, so
/// Falco refuses it too.
fn regex(pattern: &str) -> Result<String, Fault> {
    pcre::translate(pattern, Flavour::Re2).map_err(|fault| match fault {
        Fault::Unsupported(why) | Fault::Wrong(why) => Fault::Wrong(why),
    })
}

/// Bytes that are written in hexadecimal digits.
fn hexadecimal(constant: &Literal) -> Result<Box<[u8]>, Refusal> {
    data_encoding::HEXLOWER_PERMISSIVE.decode(&constant.bytes).map(Into::into).map_err(|_| {
        let message = format!("`{}` is not bytes in hexadecimal digits", constant.shown());
        let error = Diagnostic::error("wrong-type", constant.place.clone(), message);
        Refusal::Broken(vec![error.hint("two digits make a byte: `cafe`")])
    })
}

/// A folder without the slash at its end; the root keeps it.
fn without_slash(folder: &[u8]) -> Box<[u8]> {
    folder.strip_suffix(b"/").filter(|rest| !rest.is_empty()).unwrap_or(folder).into()
}

/// Falco drops the bits of a network beyond its prefix.
fn without_host_bits(ty: Type, constant: &Literal) -> Literal {
    let network = constant.text().filter(|_| ty == Type::Ip).and_then(|text| text.parse::<IpNet>().ok());
    let bytes =
        network.map_or_else(|| constant.bytes.clone(), |network| network.trunc().to_string().into_bytes().into());
    Literal { bytes, place: constant.place.clone() }
}

pub(super) fn broken(code: &'static str, place: &Place, message: String) -> Refusal {
    Refusal::Broken(vec![Diagnostic::error(code, place.clone(), message)])
}

fn misfit(comparison: &Comparison, operator: Operator, of: Typed) -> Diagnostic {
    let message = format!("`{}` does not fit `{}`, which is {}", operator.word(), comparison.left.text(), of.words());
    Diagnostic::error("wrong-type", comparison.operator_place.clone(), message)
}

fn does_not_fit(comparison: &Comparison, operator: Operator, of: Typed) -> Refusal {
    Refusal::Broken(vec![misfit(comparison, operator, of)])
}
