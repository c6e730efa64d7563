//! The matcher against every program run by its definition, over hostile rules and events.

use proptest::prelude::*;

use super::*;
use crate::{
    event::{
        Event, Kind,
        facts::Reference,
        field::find,
        json,
        value::{Bytes, Owned},
    },
    rule::{
        Expr, Predicate, Purpose,
        expr::{Derived, Quantifier},
        test::{Case, Order, Pattern, Position, Related, Relation, Strings},
        transform::{self, Chain},
    },
};

/// Pieces of strings, of rules and of events alike: so that rules find their own strings, strings
/// that overlap, letters whose relatives lie in and outside ASCII, and bytes that are no text.
const PIECES: &[&[u8]] = &[
    b"",
    b"a",
    b"A",
    b"/",
    b"\\",
    b"sh",
    b"/sh",
    b"bash",
    b"/bin/bash",
    b"BASE64",
    b"base64 -d",
    b" -",
    b"exe",
    b".exe",
    b"\\cmd.exe",
    b"kiss",
    b"10",
    b"10.0.0.",
    b"true",
    b"\xff",
    b"\xc3",
    b"\0",
    "\u{212A}".as_bytes(),
    "\u{17F}".as_bytes(),
    "ä".as_bytes(),
    "Ä".as_bytes(),
    "İ".as_bytes(),
    "ı".as_bytes(),
    "ß".as_bytes(),
    "Σ".as_bytes(),
    "ς".as_bytes(),
];

const PATTERNS: &[&str] = &[
    "",
    "bash",
    "(?i)KISS",
    "^/bin/.*sh$",
    "(?i)base64 +(-d|--decode)",
    "(a|sh|exe)\\\\",
    "[k-s]iss",
    "(?s)\\A(?:/bin/(?-u:[^/])*)\\z",
    "(?-u:\\xff)a",
    "colou?r|ba+sh",
    "ä[sS]h",
    "(?:base64){2,}",
    "\\bsh\\b",
    "[^a]{3}",
    // Looked for in the text as it is.
    "A",
    "S[E6]4",
    "(?-i:BA|S)\\w",
    "Ä|Σ",
];

const TEXTS: &[&str] = &[
    "process.command_line",
    "process.executable",
    "process.args",
    "process.ancestors.name",
    "process.working_directory",
];
const NUMBERS: &[&str] = &["process.pid", "user.id", "process.ancestors.pid", "process.args_count"];
const ADDRESSES: &[&str] = &["process.stdin.peer.ip", "process.stdout.peer.ip"];
const NETWORKS: &[&str] = &["10.0.0.0/8", "10.0.0.7/32", "0.0.0.0/0", "::/0", "fe80::/10", "192.0.2.0/24"];

fn text() -> impl Strategy<Value = Vec<u8>> {
    let pieces = proptest::collection::vec(prop::sample::select(PIECES), 0..4).prop_map(|pieces| pieces.concat());
    prop_oneof![
        20 => pieces.clone(),
        // Long ones, with something at either end.
        1 => (pieces.clone(), 0_usize..300, pieces).prop_map(|(head, length, tail)| {
            [head, b"filler ".repeat(length), tail].concat()
        }),
    ]
}

fn field_of(names: &'static [&'static str]) -> impl Strategy<Value = Subject> {
    prop::sample::select(names).prop_map(|name| Subject::Field(find(name).expect("a field")))
}

fn derived() -> impl Strategy<Value = Subject> {
    let names = vec!["lower", "basename", "base64_decode"];
    (prop::sample::select(TEXTS), proptest::collection::vec(prop::sample::select(names), 1..3)).prop_map(
        |(field, names)| {
            let chain = Chain::new(names.into_iter().filter_map(transform::find));
            Subject::Derived(Derived { field: find(field).expect("a field"), chain })
        },
    )
}

fn strings() -> impl Strategy<Value = Test> {
    let positions = vec![Position::Anywhere, Position::End, Position::Start, Position::Whole];
    let cases = vec![Case::Exact, Case::Folded, Case::Folded];
    let needles = proptest::collection::vec(text().prop_filter("short", |text| text.len() < 50), 1..7);
    (prop::sample::select(positions), prop::sample::select(cases), needles).prop_map(|(position, case, needles)| {
        Test::Text(Strings::new(position, case, needles.into_iter().map(Bytes::from)))
    })
}

fn related() -> impl Strategy<Value = Test> {
    let positions = vec![Position::Anywhere, Position::End, Position::Start, Position::Whole];
    (prop::sample::select(TEXTS), prop::sample::select(positions), any::<bool>()).prop_map(|(name, position, exact)| {
        let case = if exact { Case::Exact } else { Case::Folded };
        let other = Reference::Field(find(name).expect("a field"));
        Test::Field(Related { other, chain: Chain::default(), relation: Relation::Text(position, case) })
    })
}

fn predicate() -> impl Strategy<Value = Predicate> {
    let pattern = || prop::sample::select(PATTERNS).prop_map(|text| Test::Pattern(Pattern::new(text).expect("one")));
    let orders = vec![Order::Less, Order::LessOrEqual, Order::Greater, Order::GreaterOrEqual];
    let numbers = prop_oneof![
        (prop::sample::select(orders), prop_oneof![-2_i64..4, Just(i64::MIN), Just(i64::MAX)])
            .prop_map(|(order, bound)| Test::Int(order, bound)),
        proptest::collection::btree_set(-2_i64..12, 1..4).prop_map(|numbers| Test::Ints(numbers.into_iter().collect())),
        strings(),
    ];
    let networks = prop_oneof![
        prop::sample::subsequence(NETWORKS, 1..4).prop_map(|networks| {
            Test::Networks(networks.iter().map(|network| network.parse().expect("a network")).collect())
        }),
        strings(),
    ];
    let flag = prop_oneof![any::<bool>().prop_map(Test::Bool), Just(Test::Exists), strings()];
    let subject_and_test = prop_oneof![
        8 => (field_of(TEXTS), prop_oneof![6 => strings(), 2 => pattern(), 1 => related(), 1 => Just(Test::Exists)]),
        1 => (derived(), prop_oneof![strings(), pattern(), related(), Just(Test::Exists)]),
        1 => (field_of(NUMBERS), numbers),
        1 => (field_of(ADDRESSES), networks),
        1 => (field_of(&["process.executable_memfd", "event.late"]), flag),
        1 => (Just(Subject::Anywhere), prop_oneof![strings(), pattern()]),
    ];
    let quantifier = prop_oneof![
        4 => Just(Quantifier::Any),
        2 => Just(Quantifier::All),
        1 => (0_usize..3).prop_map(Quantifier::At),
    ];
    (subject_and_test, quantifier, prop::bool::weighted(0.1))
        .prop_map(|((subject, test), quantifier, differs)| Predicate { subject, quantifier, differs, test })
}

fn expr() -> impl Strategy<Value = Expr> {
    let leaf = (predicate(), prop::bool::weighted(0.2)).prop_map(|(predicate, negated)| {
        let expr = Expr::test(predicate);
        if negated { expr.negate() } else { expr }
    });
    prop_oneof![20 => leaf, 1 => any::<bool>().prop_map(Expr::Const)].prop_recursive(3, 16, 4, |inner| {
        let parts = proptest::collection::vec(inner, 1..5);
        prop_oneof![parts.clone().prop_map(Expr::All), parts.prop_map(Expr::Any)]
    })
}

fn event() -> impl Strategy<Value = Event> {
    let bytes = |text: Vec<u8>| Owned::Bytes(text.into());
    let list = move |items: Vec<Vec<u8>>| Owned::List(items.into_iter().map(bytes).collect());
    let ip = || proptest::option::of(prop::sample::select(vec!["10.0.0.7", "::ffff:10.1.1.1", "fe80::1", "192.0.2.9"]));
    (
        proptest::collection::vec(proptest::option::weighted(0.8, text()), 3),
        proptest::collection::vec(text(), 0..4),
        proptest::collection::vec(proptest::option::weighted(0.8, text()), 0..17),
        proptest::collection::vec(proptest::option::of(-2_i64..12), 3),
        (ip(), ip()),
        proptest::option::of(any::<bool>()),
        prop::sample::subsequence(TEXTS, 0..2),
    )
        .prop_map(move |(texts, args, ancestors, numbers, (stdin, stdout), memfd, cut)| {
            let address = |ip: Option<&str>| ip.map(|ip| bytes(ip.as_bytes().to_vec()));
            let mut texts = texts.into_iter().map(|text| text.map(bytes));
            let cut = cut.into_iter().map(|name| name.as_bytes().to_vec()).collect();
            // An unknown element of a list is written as an empty string.
            let ancestors = ancestors.into_iter().map(Option::unwrap_or_default).collect();
            let mut fields = vec![
                ("process.args", Some(list(args))),
                ("process.ancestors.name", Some(list(ancestors))),
                ("process.command_line", texts.next().flatten()),
                ("process.executable", texts.next().flatten()),
                ("process.working_directory", texts.next().flatten()),
                ("process.executable_memfd", memfd.map(Owned::Bool)),
                ("process.stdin.peer.ip", address(stdin)),
                ("process.stdout.peer.ip", address(stdout)),
                ("event.cut", Some(list(cut))),
            ];
            for (name, number) in ["process.pid", "user.id", "process.args_count"].into_iter().zip(numbers) {
                let number = number.filter(|number| *number >= 0 || name == "user.id");
                fields.push((name, number.map(Owned::Int)));
            }
            let fields = fields.into_iter().filter_map(|(name, value)| value.map(|value| (name.to_owned(), value)));
            let (event, errors) = json::build(Kind::Exec, fields);
            assert_eq!(errors, []);
            event
        })
}

/// Programs by number that match, by the matcher and by their definition.
fn both(
    programs: &[&Program],
    table: &Table,
    matcher: &Matcher,
    event: &Event,
    scratch: &mut Scratch,
) -> [Vec<usize>; 2] {
    let mut found = Vec::new();
    matcher.evaluate(event, scratch, |program, _| found.push(program));
    let mut holds = |id| table.get(id).is_some_and(|predicate: &Predicate| predicate.holds(event));
    let expected = programs
        .iter()
        .enumerate()
        .filter(|(_, program)| program.matches(event, table, &mut holds))
        .map(|(number, _)| number)
        .collect();
    [found, expected]
}

#[test]
fn many_short_upper_case_expressions_find_what_few_find() {
    let pairs: Vec<String> =
        ('A'..='Z').flat_map(|first| ['A', 'H', 'Z'].map(|second| format!("{first}{second}"))).collect();
    let event = |text: &str| {
        let fields = [("process.command_line".to_owned(), Owned::Bytes(text.as_bytes().into()))];
        json::build(Kind::Exec, fields).0
    };
    for count in [3, 32, 33, pairs.len()] {
        let mut table = Table::default();
        let programs: Vec<Program> = pairs[..count]
            .iter()
            .map(|pair| {
                let subject = Subject::Field(find("process.command_line").expect("a field"));
                let test = Test::Pattern(Pattern::new(&format!("{pair}x?[0-9]")).expect("a pattern"));
                let predicate = Predicate { subject, quantifier: Quantifier::Any, differs: false, test };
                Program::new(&Expr::test(predicate), Kind::Exec, Purpose::Alert, &mut table)
            })
            .collect();
        let programs: Vec<&Program> = programs.iter().collect();
        let matcher = Builder::new(&programs, &table, &[]).finish();
        let mut scratch = Scratch::default();
        let texts = ["", "AA1", "ah1 aA1 BHx2", "BHx-", "every ZZ9", "AZ0BA1\u{212A}"];
        for text in texts {
            let [found, expected] = both(&programs, &table, &matcher, &event(text), &mut scratch);
            assert_eq!(found, expected, "{text}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_matcher_agrees_with_running_every_program(
        exprs in proptest::collection::vec(expr(), 1..70),
        extras in proptest::collection::vec(expr(), 0..3),
        events in proptest::collection::vec(event(), 1..6),
    ) {
        let mut table = Table::default();
        let mut compile = |exprs: &[Expr], purpose| -> Vec<Program> {
            exprs.iter().map(|expr| Program::new(expr, Kind::Exec, purpose, &mut table)).collect()
        };
        let (programs, extras) = (compile(&exprs, Purpose::Alert), compile(&extras, Purpose::Suppress));
        let programs: Vec<&Program> = programs.iter().collect();
        // Made without knowing the events, and made for some of them.
        let seen: Vec<Arc<Event>> = events.iter().take(3).cloned().map(Arc::new).collect();
        let mut scratch = Scratch::default();
        for seen in [&[][..], &seen] {
            let mut builder = Builder::new(&programs, &table, seen);
            let requests: Vec<Extra> = extras.iter().map(|program| builder.extra(program)).collect();
            let matcher = builder.finish();
            // Twice, so that values are recalled.
            for event in events.iter().chain(&events) {
            let [found, expected] = both(&programs, &table, &matcher, event, &mut scratch);
            prop_assert_eq!(found, expected, "{:?}", event);
            for (request, program) in requests.iter().zip(&extras) {
                let mut holds = |id| table.get(id).is_some_and(|predicate: &Predicate| predicate.holds(event));
                let expected = program.matches(event, &table, &mut holds);
                prop_assert_eq!(matcher.matches(*request, event, &mut scratch), expected, "{:?}", event);
            }
            }
        }
    }
}
