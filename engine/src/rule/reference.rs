//! A plain evaluator to hold the compiled one against: conditions made of strings, judged by
//! definition over values that are looked up by name.

use std::{fmt::Write, sync::Arc};

use proptest::prelude::*;

use super::{Filter, Loader, Source, parse, sigma::Fieldmap};
use crate::event::{
    Event, Kind, json,
    value::{Owned, Value},
};

/// A condition.
#[derive(Clone, Debug)]
pub(crate) enum Cond {
    And(Vec<Cond>),
    Not(Box<Cond>),
    Or(Vec<Cond>),
    /// Two fields, perhaps the first in small letters.
    Pair {
        left: &'static str,
        lower: bool,
        all: bool,
        operator: &'static str,
        right: &'static str,
    },
    Test {
        field: &'static str,
        all: bool,
        operator: &'static str,
        constants: Vec<String>,
    },
}

/// Letters whose case relatives lie in and outside ASCII.
fn fold(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\u{212A}' => 'k',
            '\u{17F}' => 's',
            'Ä' => 'ä',
            other => other.to_ascii_lowercase(),
        })
        .collect()
}

impl Cond {
    /// Writes it in the condition language.
    pub(crate) fn write(&self, out: &mut String) {
        match self {
            Cond::And(parts) | Cond::Or(parts) => {
                let word = if matches!(self, Cond::And(_)) { " and " } else { " or " };
                out.push('(');
                for (index, part) in parts.iter().enumerate() {
                    out.push_str(if index > 0 { word } else { "" });
                    part.write(out);
                }
                out.push(')');
            }
            Cond::Not(inner) => {
                out.push_str("not ");
                inner.write(out);
            }
            Cond::Pair { left, lower, all, operator, right } => {
                let left = if *lower { format!("lower({left})") } else { (*left).to_owned() };
                let left = if *all { format!("all({left})") } else { left };
                write!(out, "{left} {operator} {right}").expect("memory");
            }
            Cond::Test { field, all, operator, constants } => {
                let field = if *all { format!("all({field})") } else { (*field).to_owned() };
                write!(out, "{field} {operator}").expect("memory");
                if *operator != "exists" {
                    let quoted: Vec<_> = constants.iter().map(|constant| format!("\"{constant}\"")).collect();
                    let list = ["in", "iin", "intersects"].contains(operator) || quoted.len() > 1;
                    let joined = quoted.join(", ");
                    out.push_str(&if list { format!(" ({joined})") } else { format!(" {joined}") });
                }
            }
        }
    }

    /// The truth of this condition, or of its negation.
    pub(crate) fn eval(&self, negated: bool, event: &Event) -> bool {
        match self {
            Cond::And(parts) if !negated => parts.iter().all(|part| part.eval(false, event)),
            Cond::And(parts) => parts.iter().any(|part| part.eval(true, event)),
            Cond::Or(parts) if !negated => parts.iter().any(|part| part.eval(false, event)),
            Cond::Or(parts) => parts.iter().all(|part| part.eval(true, event)),
            Cond::Not(inner) => inner.eval(!negated, event),
            Cond::Pair { left, lower, all, operator, right } => {
                let differs = *operator == "!=";
                let is_cut = [left, right].iter().any(|field| event.cut.0.contains(field));
                if negated != differs && is_cut {
                    return true;
                }
                let others: Vec<String> = elements(event, right).into_iter().flatten().collect();
                let passes = |element: &Option<String>| {
                    let value = element.as_ref().map(|value| if *lower { value.to_lowercase() } else { value.clone() });
                    let operator = if differs { "=" } else { operator };
                    value.is_some_and(|value| !others.is_empty() && test(left, operator, &value, &others) != differs)
                };
                let elements = elements(event, left);
                let holds = if *all {
                    !elements.is_empty() && elements.iter().all(passes)
                } else {
                    elements.iter().any(passes)
                };
                holds != negated
            }
            Cond::Test { field, all, operator, constants } => {
                let differs = *operator == "!=";
                let is_text = *operator != "exists" && (TEXTS.contains(field) || *field == "file.access");
                if is_text && negated != differs && event.cut.0.contains(field) && known(event, field) {
                    return true;
                }
                let elements = elements(event, field);
                let passes = |element: &Option<String>| {
                    element.as_ref().is_some_and(|value| test(field, operator, value, constants))
                };
                let holds = if *all {
                    !elements.is_empty() && elements.iter().all(passes)
                } else {
                    elements.iter().any(passes)
                };
                holds != negated
            }
        }
    }
}

/// A field an event of this kind cannot have is not cut either.
fn known(event: &Event, name: &str) -> bool {
    crate::event::field::find(name).is_some_and(|field| field.row(event.kind()).is_some())
}

/// The values of a field, unknown ones included.
fn elements(event: &Event, field: &str) -> Vec<Option<String>> {
    match event.value(field) {
        Value::Absent | Value::Null => Vec::new(),
        Value::List(list) => list.iter().map(shown).collect(),
        scalar @ (Value::Bool(_) | Value::Bytes(_) | Value::Int(_) | Value::Ip(_)) => vec![shown(scalar)],
    }
}

fn shown(value: Value<'_>) -> Option<String> {
    match value {
        Value::Absent | Value::List(_) | Value::Null => None,
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Bytes(bytes) => Some(String::from_utf8(bytes.to_vec()).expect("generated text")),
        Value::Int(number) => Some(number.to_string()),
        Value::Ip(address) => Some(address.to_string()),
    }
}

fn test(field: &str, operator: &str, value: &str, constants: &[String]) -> bool {
    let number = |text: &str| text.parse::<i64>().expect("a number");
    let one = |test: &dyn Fn(&str) -> bool| constants.iter().any(|constant| test(constant));
    let equal = |constant: &str| {
        if field.ends_with(".ip") && constant.contains('/') {
            // The one network of the generator.
            value.starts_with("10.")
        } else {
            value == constant
        }
    };
    match operator {
        "=" | "in" | "intersects" => one(&equal),
        "!=" => !one(&equal),
        "<" => one(&|c| number(value) < number(c)),
        "<=" => one(&|c| number(value) <= number(c)),
        ">" => one(&|c| number(value) > number(c)),
        ">=" => one(&|c| number(value) >= number(c)),
        "contains" => one(&|c| value.contains(c)),
        "startswith" => one(&|c| value.starts_with(c)),
        "endswith" => one(&|c| value.ends_with(c)),
        "icontains" => one(&|c| fold(value).contains(&fold(c))),
        "istartswith" => one(&|c| fold(value).starts_with(&fold(c))),
        "iendswith" => one(&|c| fold(value).ends_with(&fold(c))),
        "ieq" | "iin" => one(&|c| fold(value) == fold(c)),
        "exists" => true,
        other => panic!("{other}"),
    }
}

const TEXTS: &[&str] = &["process.name", "process.command_line", "process.args", "process.ancestors.name"];
const NUMBERS: &[&str] = &["process.pid", "user.id", "destination.port"];

fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        prop::sample::select(vec!["a", "A", "b", "k", "\u{212A}", "s", "\u{17F}", "ä", "Ä", "/"]),
        0..4,
    )
    .prop_map(|letters| letters.concat())
}

fn leaf() -> impl Strategy<Value = Cond> {
    let texts = (
        prop::sample::select(TEXTS),
        any::<bool>(),
        prop::sample::select(vec![
            "=",
            "!=",
            "in",
            "iin",
            "ieq",
            "contains",
            "startswith",
            "endswith",
            "icontains",
            "istartswith",
            "iendswith",
            "exists",
        ]),
        proptest::collection::vec(text(), 1..7),
    )
        .prop_map(|(field, all, operator, mut constants)| {
            if ["=", "!=", "ieq"].contains(&operator) {
                constants.truncate(1);
            }
            let array = field == "process.args" || field == "process.ancestors.name";
            Cond::Test { field, all: all && array, operator, constants }
        });
    let numbers = (
        prop::sample::select(NUMBERS),
        prop::sample::select(vec!["=", "!=", "<", "<=", ">", ">=", "in", "exists"]),
        proptest::collection::vec(0_u16..4, 1..3),
    )
        .prop_map(|(field, operator, numbers)| {
            let mut constants: Vec<String> = numbers.iter().map(ToString::to_string).collect();
            constants.truncate(if operator == "in" { 3 } else { 1 });
            Cond::Test { field, all: false, operator, constants }
        });
    let words = (
        prop::sample::select(vec![
            ("event.action", "="),
            ("event.action", "!="),
            ("event.action", "in"),
            ("file.access", "="),
            ("file.access", "!="),
            ("file.access", "intersects"),
            ("process.executable_memfd", "="),
            ("process.executable_memfd", "!="),
            ("destination.ip", "="),
            ("destination.ip", "!="),
            ("destination.ip", "in"),
        ]),
        any::<bool>(),
        0_usize..3,
    )
        .prop_map(|((field, operator), all, pick)| {
            let words: [&str; 3] = match field {
                "event.action" => ["exec", "connect", "file_open"],
                "file.access" => ["read", "write", "create"],
                "process.executable_memfd" => ["true", "false", "true"],
                _ => ["10.0.0.0/8", "10.0.0.1", "192.0.2.1"],
            };
            Cond::Test { field, all: all && field == "file.access", operator, constants: vec![words[pick].to_owned()] }
        });
    let operators =
        vec!["=", "!=", "ieq", "contains", "startswith", "endswith", "icontains", "istartswith", "iendswith"];
    let pairs = (
        prop::sample::select(TEXTS),
        any::<(bool, bool)>(),
        prop::sample::select(operators),
        prop::sample::select(TEXTS),
    )
        .prop_map(|(left, (lower, all), operator, right)| {
            let array = left == "process.args" || left == "process.ancestors.name";
            Cond::Pair { left, lower, all: all && array, operator, right }
        });
    prop_oneof![3 => texts, 1 => numbers, 1 => words, 1 => pairs]
}

/// Any condition.
pub(crate) fn cond() -> impl Strategy<Value = Cond> {
    leaf().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..4).prop_map(Cond::And),
            proptest::collection::vec(inner.clone(), 1..4).prop_map(Cond::Or),
            inner.prop_map(|inner| Cond::Not(Box::new(inner))),
        ]
    })
}

/// Any event of three kinds, with values that the conditions ask for.
pub(crate) fn event() -> impl Strategy<Value = Event> {
    let bytes = |text: String| Owned::Bytes(text.into_bytes().into());
    let number = || proptest::option::of(0_i64..4);
    (
        prop::sample::select(vec![Kind::Exec, Kind::Connect, Kind::FileOpen]),
        proptest::option::of(text()),
        proptest::option::of(text()),
        proptest::collection::vec(text(), 0..3),
        proptest::collection::vec(text(), 0..3),
        (number(), number(), number()),
        proptest::option::of(any::<bool>()),
        proptest::option::of(prop::sample::select(vec!["10.0.0.1", "192.0.2.1", "::1"])),
        prop::sample::subsequence(vec!["read", "write", "create"], 0..3),
        prop::sample::subsequence(vec!["process.name", "process.command_line", "process.args", "file.access"], 0..2),
    )
        .prop_map(move |(kind, name, line, args, ancestors, (pid, user, port), memfd, ip, access, cut)| {
            let texts = |items: Vec<String>| Owned::List(items.into_iter().map(bytes).collect());
            let words = |items: Vec<&str>| Owned::List(items.into_iter().map(|word| bytes(word.to_owned())).collect());
            let mut fields = vec![
                ("process.args", Some(texts(args))),
                ("process.ancestors.name", Some(texts(ancestors))),
                ("process.name", name.map(bytes)),
                ("process.command_line", line.map(bytes)),
                ("process.pid", pid.map(Owned::Int)),
                ("user.id", user.map(Owned::Int)),
                ("process.executable_memfd", memfd.map(Owned::Bool)),
                ("event.cut", Some(words(cut))),
            ];
            match kind {
                Kind::Connect => {
                    fields.push(("destination.port", port.map(Owned::Int)));
                    fields.push(("destination.ip", ip.map(|ip| bytes(ip.to_owned()))));
                }
                Kind::FileOpen => fields.push(("file.access", Some(words(access)))),
                Kind::Accept | Kind::Bind | Kind::Exec | Kind::Exit | Kind::Fork | Kind::Listen | Kind::YaraMatch => {}
            }
            let fields = fields.into_iter().filter_map(|(name, value)| value.map(|value| (name.to_owned(), value)));
            let (event, errors) = json::build(kind, fields);
            assert_eq!(errors, []);
            event
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn compiled_conditions_agree_with_their_definition(cond in cond(), event in event()) {
        let mut text = String::new();
        cond.write(&mut text);
        let filter = Filter::parse(&text).unwrap_or_else(|problems| panic!("{problems}"));
        let expected = cond.eval(false, &event);
        prop_assert_eq!(filter.matches(&event), expected, "{} on {:?}", text, event);
        // A kind that is not asked for cannot match.
        prop_assert!(!expected || filter.kinds().any(|kind| kind == event.kind()));
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in "\\PC{0,80}") {
        drop(Filter::parse(&text));
    }

    #[test]
    fn any_words_are_parsed_or_refused(
        words in proptest::collection::vec(
            prop::sample::select(vec![
                "and", "or", "not", "(", ")", "all", "process.name", "process.args", "=", "!=", "in", "contains", "regex",
                "glob", "exists", "$x", "m", "'a'", "\"\\x", "a", ",", "<", "[", "**", "10.0.0.0/8", "é", "==", "!", "\n",
            ]),
            0..20,
        )
    ) {
        drop(Filter::parse(&words.join(" ")));
        drop(Filter::parse(&words.concat()));
    }
}

#[test]
fn nesting_is_bounded() {
    for deep in ["not ", "(", "not ("] {
        let text = format!("{}process.name = a", deep.repeat(parse::MAX_NESTING + 1));
        let problems = Filter::parse(&text).expect_err("too deep");
        assert_eq!(problems.sorted()[0].code, "too-deep");
    }
    assert!(Filter::parse(&format!("{}process.name = a", "not ".repeat(parse::MAX_NESTING - 1))).is_ok());
    let long = format!("process.name = {}", "a".repeat(parse::MAX_LENGTH));
    assert_eq!(Filter::parse(&long).expect_err("too long").sorted()[0].code, "too-large");
}

#[test]
fn macros_that_double_are_stopped() {
    let mut text = "id: r\ntitle: t\nseverity: low\nwhen: m60\nmacros:\n  m0: process.name = a\n".to_owned();
    for level in 1..=60 {
        let below = level - 1;
        writeln!(text, "  m{level}: m{below} or m{below}").expect("memory");
    }
    let (rules, problems) = Loader::new(Arc::new(Fieldmap::default())).read(&[Source::new("rules.yml", text)]);
    assert!(rules.is_empty());
    assert!(problems.sorted().iter().any(|problem| problem.code == "too-large"), "{problems}");
}
