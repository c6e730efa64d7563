//! The closed set of tests a value can be put to.
//!
//! Every operator of the native language and every modifier of Sigma becomes one of these. A matcher
//! over many rules matches exhaustively on them and reads their constants to build its indexes.

use std::{cmp::Ordering, fmt, net::IpAddr, sync::Arc};

use ahash::AHashSet;
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use ipnet::IpNet;
use memchr::memmem;

use super::{
    decimal::{self, Decimal},
    fold,
    moment::Moment,
};
pub use super::{
    pattern::Pattern,
    related::{Related, Relation},
};
use crate::{
    event::{
        text,
        value::{Bytes, Value},
    },
    indicator::{List, Sort},
};

/// A test of one scalar value.
#[derive(Clone, Debug)]
pub enum Test {
    /// It is this boolean.
    Bool(bool),
    /// It is there.
    Exists,
    /// It relates to another field of the same event.
    Field(Related),
    /// It is a number in this order to a constant with a fraction, or beyond 64 bits.
    Fraction(Order, Decimal),
    /// It is in an indicator list.
    Indicator(Arc<List>),
    /// It is a number in this order to the constant.
    Int(Order, i64),
    /// It is one of these numbers, which are sorted.
    Ints(Box<[i64]>),
    /// It is a date of which a part stands to a number.
    Moment(Moment),
    /// It is an address in one of these networks.
    Networks(Box<[IpNet]>),
    /// It is there and says nothing.
    Null,
    /// Its text matches a pattern.
    Pattern(Pattern),
    /// Its text has one of some strings at a place.
    Text(Strings),
}

/// Order of a value to a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Order {
    /// The symbol.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    /// Whether `value` stands in this order to `constant`.
    #[must_use]
    pub fn holds<N: PartialOrd>(self, value: N, constant: N) -> bool {
        value.partial_cmp(&constant).is_some_and(|order| self.is(order))
    }

    /// Whether it is what a comparison came to.
    fn is(self, order: Ordering) -> bool {
        match self {
            Self::Less => order == Ordering::Less,
            Self::LessOrEqual => order != Ordering::Greater,
            Self::Greater => order == Ordering::Greater,
            Self::GreaterOrEqual => order != Ordering::Less,
        }
    }
}

/// Where in a text a string has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Position {
    /// Somewhere.
    Anywhere,
    /// At its end.
    End,
    /// At its start.
    Start,
    /// It is the whole text.
    Whole,
}

/// Whether letters of different case are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// Bytes are compared.
    Exact,
    /// Unicode simple case folding.
    Folded,
}

/// One of some strings at a place of a text.
#[derive(Clone, Debug)]
pub struct Strings {
    position: Position,
    case: Case,
    /// Sorted by length, folded if the case is.
    needles: Box<[Bytes]>,
    all_ascii: bool,
    search: Search,
}

#[derive(Clone, Debug)]
enum Search {
    Many(AhoCorasick),
    One(Box<memmem::Finder<'static>>),
    Set(AHashSet<Bytes>),
    Walk,
}

impl Strings {
    /// Needles at a place. Order and repetition do not matter.
    #[must_use]
    pub fn new(position: Position, case: Case, needles: impl IntoIterator<Item = Bytes>) -> Self {
        let mut needles: Vec<Bytes> = match case {
            Case::Exact => needles.into_iter().collect(),
            Case::Folded => needles.into_iter().map(|needle| fold::bytes(&needle).into()).collect(),
        };
        needles.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
        needles.dedup();
        let search = match (position, case, needles.as_slice()) {
            (Position::Anywhere, Case::Exact, [one]) => Search::One(Box::new(memmem::Finder::new(one).into_owned())),
            (Position::Anywhere, _, _) => AhoCorasick::builder()
                .ascii_case_insensitive(case == Case::Folded)
                .kind(Some(AhoCorasickKind::ContiguousNFA))
                .build(&needles)
                .map_or(Search::Walk, Search::Many),
            (Position::Whole, Case::Exact, many) if many.len() > 4 => Search::Set(many.iter().cloned().collect()),
            (Position::Whole | Position::Start | Position::End, Case::Exact | Case::Folded, _) => Search::Walk,
        };
        let all_ascii = needles.iter().all(|needle| needle.is_ascii());
        Self { position, case, needles: needles.into(), all_ascii, search }
    }

    /// Where the strings have to be.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// How letters compare.
    #[must_use]
    pub fn case(&self) -> Case {
        self.case
    }

    /// The strings, folded if the case is.
    #[must_use]
    pub fn needles(&self) -> &[Bytes] {
        &self.needles
    }

    /// Whether `text` has one of the strings.
    #[must_use]
    pub fn holds(&self, text: &[u8]) -> bool {
        match self.case {
            Case::Exact => self.find(text, |a, b| a == b),
            // Only a text with characters that fold into or beside the needles' has to be folded in
            // whole; this is the one place where matching allocates.
            Case::Folded if text.is_ascii() || (self.all_ascii && fold::is_ascii_enough(text)) => {
                self.find(text, <[u8]>::eq_ignore_ascii_case)
            }
            Case::Folded => self.find(&fold::bytes(text), <[u8]>::eq_ignore_ascii_case),
        }
    }

    /// Whether a folded text has one of the strings, which are folded.
    pub(crate) fn holds_folded(&self, folded: &[u8]) -> bool {
        self.find(folded, |a, b| a == b)
    }

    fn find(&self, text: &[u8], equal: fn(&[u8], &[u8]) -> bool) -> bool {
        match &self.search {
            Search::Many(automaton) => automaton.is_match(text),
            Search::One(finder) => finder.find(text).is_some(),
            Search::Set(set) => set.contains(text),
            Search::Walk => {
                // Needles are sorted by length: longer ones than the text need no look.
                let fitting = self.needles.partition_point(|needle| needle.len() <= text.len());
                let fitting = self.needles.get(..fitting).unwrap_or_default();
                match self.position {
                    Position::Whole => {
                        let same = fitting.partition_point(|needle| needle.len() < text.len());
                        fitting.get(same..).unwrap_or_default().iter().any(|needle| equal(needle, text))
                    }
                    Position::Start => fitting.iter().any(|n| text.get(..n.len()).is_some_and(|part| equal(n, part))),
                    Position::End => {
                        fitting.iter().any(|n| text.get(text.len() - n.len()..).is_some_and(|part| equal(n, part)))
                    }
                    Position::Anywhere => {
                        fitting.iter().any(|n| n.is_empty() || text.windows(n.len()).any(|part| equal(n, part)))
                    }
                }
            }
        }
    }
}

impl Test {
    /// The other field, if it is one that is compared with.
    #[must_use]
    pub fn related(&self) -> Option<&Related> {
        match self {
            Self::Field(related) => Some(related),
            Self::Bool(_)
            | Self::Exists
            | Self::Fraction(..)
            | Self::Indicator(_)
            | Self::Int(..)
            | Self::Ints(_)
            | Self::Moment(_)
            | Self::Networks(_)
            | Self::Null
            | Self::Pattern(_)
            | Self::Text(_) => None,
        }
    }
}

impl Test {
    /// Whether one scalar passes. Of another field nothing is known here: [`super::expr::Predicate`] compares with it.
    #[must_use]
    pub fn holds(&self, value: Value<'_>) -> bool {
        match self {
            Self::Exists => !matches!(value, Value::Absent),
            Self::Bool(constant) => matches!(value, Value::Bool(flag) if flag == *constant),
            Self::Fraction(order, constant) => match value {
                Value::Int(number) => constant.of(Small::of(number).text()).is_some_and(|found| order.is(found)),
                Value::Bytes(text) => constant.of(text).is_some_and(|found| order.is(found)),
                Value::Absent | Value::Bool(_) | Value::Ip(_) | Value::List(_) | Value::Null => false,
            },
            Self::Int(order, constant) => match value {
                Value::Int(number) => order.holds(number, *constant),
                // In the events of other products a number may be a string, have a fraction, and any size.
                Value::Bytes(text) => match std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()) {
                    Some(number) => order.holds(number, *constant),
                    None => decimal::compare(text, Small::of(*constant).text()).is_some_and(|found| order.is(found)),
                },
                Value::Absent | Value::Bool(_) | Value::Ip(_) | Value::List(_) | Value::Null => false,
            },
            Self::Ints(constants) => {
                matches!(value, Value::Int(number) if constants.binary_search(&number).is_ok())
            }
            Self::Moment(moment) => moment.holds(value),
            Self::Networks(networks) => address(value).is_some_and(|address| {
                // `::ffff:10.0.0.1` is 10.0.0.1, and still lies in `::/0`, in which 10.0.0.1 itself does not.
                let canonical = address.to_canonical();
                networks.iter().any(|network| network.contains(&canonical) || network.contains(&address))
            }),
            Self::Null => matches!(value, Value::Null),
            Self::Pattern(pattern) => with_text(value, |text| pattern.holds(text)),
            Self::Text(strings) => with_text(value, |text| strings.holds(text)),
            Self::Field(_) => false,
            Self::Indicator(list) => list.holds(value),
        }
    }

    /// Whether it reads a text, so that a cut field leaves its outcome open.
    #[must_use]
    pub fn reads_text(&self) -> bool {
        match self {
            Self::Field(_) | Self::Pattern(_) | Self::Text(_) => true,
            Self::Indicator(list) => list.sort() != Sort::Ip,
            Self::Bool(_)
            | Self::Exists
            | Self::Fraction(..)
            | Self::Int(..)
            | Self::Ints(_)
            | Self::Moment(_)
            | Self::Networks(_)
            | Self::Null => false,
        }
    }

    /// Rough cost, to put cheap tests first: nanoseconds, by order of magnitude.
    #[must_use]
    pub fn cost(&self) -> u32 {
        match self {
            Self::Bool(_) | Self::Exists | Self::Int(..) | Self::Null => 1,
            Self::Fraction(..) | Self::Ints(_) | Self::Networks(_) => 3,
            Self::Text(strings) => match strings.position {
                Position::Whole => 5,
                Position::Start | Position::End => 6,
                Position::Anywhere => 50,
            },
            Self::Field(_) | Self::Indicator(_) | Self::Moment(_) => 100,
            Self::Pattern(_) => 200,
        }
    }
}

/// Whether there is a text that passes: of numbers in decimal, of addresses in their canonical form.
pub(crate) fn with_text(value: Value<'_>, test: impl FnOnce(&[u8]) -> bool) -> bool {
    match value {
        Value::Absent | Value::List(_) | Value::Null => false,
        Value::Bytes(bytes) => test(bytes),
        Value::Bool(flag) => test(if flag { b"true" } else { b"false" }),
        Value::Int(number) => test(Small::of(number).text()),
        Value::Ip(address) => test(Small::of(address).text()),
    }
}

/// An address, also as a string.
pub(crate) fn address(value: Value<'_>) -> Option<IpAddr> {
    match value {
        Value::Ip(address) => Some(address),
        Value::Bytes(text) => std::str::from_utf8(text).ok()?.parse().ok(),
        Value::Absent | Value::Bool(_) | Value::Int(_) | Value::List(_) | Value::Null => None,
    }
}

/// A short text without allocation: no number or address is longer than 45 bytes.
struct Small {
    bytes: [u8; 48],
    used: usize,
}

impl Small {
    fn of(value: impl fmt::Display) -> Self {
        let mut small = Self { bytes: [0; 48], used: 0 };
        match fmt::write(&mut small, format_args!("{value}")) {
            // All of them fit; were one not to, its text would be shorter.
            Ok(()) | Err(fmt::Error) => small,
        }
    }

    fn text(&self) -> &[u8] {
        self.bytes.get(..self.used).unwrap_or_default()
    }
}

impl fmt::Write for Small {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.used + text.len();
        self.bytes.get_mut(self.used..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.used = end;
        Ok(())
    }
}

/// A string constant as conditions and explanations write it.
pub(super) fn quoted(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(bytes.len() + 2);
    text::write_json(&mut out, bytes);
    String::from_utf8_lossy(&out).into_owned()
}

fn list<T>(items: impl IntoIterator<Item = T>, show: impl Fn(T) -> String) -> String {
    format!("({})", items.into_iter().map(show).collect::<Vec<_>>().join(", "))
}

/// Operator and constants: two tests with the same text are the same test.
impl fmt::Display for Test {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |position, case| match (position, case) {
            (Position::Anywhere, Case::Exact) => "contains",
            (Position::Anywhere, Case::Folded) => "icontains",
            (Position::End, Case::Exact) => "endswith",
            (Position::End, Case::Folded) => "iendswith",
            (Position::Start, Case::Exact) => "startswith",
            (Position::Start, Case::Folded) => "istartswith",
            (Position::Whole, Case::Exact) => "in",
            (Position::Whole, Case::Folded) => "iin",
        };
        let relation = |relation| match relation {
            Relation::Order(order) => order.symbol(),
            Relation::Text(position, case) => word(position, case),
        };
        match self {
            Self::Bool(flag) => write!(out, "= {flag}"),
            Self::Exists => write!(out, "exists"),
            Self::Field(related) => {
                write!(out, "{} field ", relation(related.relation))?;
                related.chain.write(out, &related.other.to_string())
            }
            Self::Fraction(order, constant) => write!(out, "{} {constant}", order.symbol()),
            Self::Indicator(list) => write!(out, "in ioc:{}", list.name()),
            Self::Int(order, constant) => write!(out, "{} {constant}", order.symbol()),
            Self::Ints(constants) => write!(out, "in {}", list(constants.iter(), ToString::to_string)),
            Self::Moment(moment) => write!(out, "{moment}"),
            Self::Networks(networks) => write!(out, "in {}", list(networks.iter(), ToString::to_string)),
            Self::Null => write!(out, "is null"),
            Self::Pattern(pattern) => write!(out, "regex {}", quoted(pattern.text().as_bytes())),
            Self::Text(strings) => {
                let needles = list(strings.needles.iter(), |needle| quoted(needle));
                write!(out, "{} {needles}", word(strings.position, strings.case))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(position: Position, case: Case, needles: &[&str]) -> Strings {
        Strings::new(position, case, needles.iter().map(|needle| needle.as_bytes().into()))
    }

    #[test]
    fn strings_are_found_at_their_place_only() {
        use Case::{Exact, Folded};
        use Position::{Anywhere, End, Start, Whole};
        for (position, case, needles, text, holds) in [
            (Whole, Exact, &["ab"][..], "ab", true),
            (Whole, Exact, &["ab"], "aB", false),
            (Whole, Folded, &["Ab"], "aB", true),
            (Whole, Exact, &["a", "b", "c", "d", "e", "f"], "f", true),
            (Whole, Exact, &["a", "b", "c", "d", "e", "f"], "g", false),
            (Whole, Folded, &["a", "bb", "ccc", "DD", "e", "f"], "dd", true),
            (Start, Exact, &["xyz", "a"], "ab", true),
            (Start, Exact, &["abc"], "ab", false),
            (End, Exact, &["b", "xx"], "ab", true),
            (End, Folded, &["/SH"], "/bin/sh", true),
            (Anywhere, Exact, &["in"], "/bin/sh", true),
            (Anywhere, Exact, &["IN", "x"], "/bin/sh", false),
            (Anywhere, Folded, &["IN", "x"], "/bin/sh", true),
            (Anywhere, Folded, &["ÄÖ"], "xäöx", true),
            (Anywhere, Folded, &["kiss"], "a \u{212A}i\u{17F}s b", true),
            (End, Folded, &["kiss"], "a \u{212A}i\u{17F}s", true),
            (Whole, Folded, &["\u{212A}"], "k", true),
            (Anywhere, Exact, &[""], "", true),
            (Start, Exact, &[""], "x", true),
            (Whole, Exact, &[""], "x", false),
        ] {
            let found = strings(position, case, needles).holds(text.as_bytes());
            assert_eq!(found, holds, "{position:?} {case:?} {needles:?} in {text:?}");
        }
    }

    #[test]
    fn numbers_and_addresses_have_a_text() {
        let test = Test::Text(strings(Position::Start, Case::Folded, &["10.0."]));
        assert!(test.holds(Value::Ip("10.0.0.1".parse().expect("an address"))));
        let test = Test::Text(strings(Position::Whole, Case::Folded, &["-9223372036854775808"]));
        assert!(test.holds(Value::Int(i64::MIN)));
        let longest = "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255";
        assert_eq!(Small::of(longest).text(), longest.as_bytes());
    }

    #[test]
    fn a_mapped_address_is_in_the_ipv4_network() {
        let test = Test::Networks(Box::new(["10.0.0.0/8".parse().expect("a network")]));
        assert!(test.holds(Value::Ip("::ffff:10.1.2.3".parse().expect("an address"))));
        assert!(!test.holds(Value::Ip("::1".parse().expect("an address"))));
    }

    #[test]
    fn the_network_of_all_has_mapped_addresses_and_none_of_ipv4() {
        let all = Test::Networks(Box::new(["::/0".parse().expect("a network")]));
        for (address, inside) in [("::ffff:10.1.2.3", true), ("fe80::1", true), ("10.1.2.3", false)] {
            assert_eq!(all.holds(Value::Bytes(address.as_bytes())), inside, "{address}");
            assert_eq!(all.holds(Value::Ip(address.parse().expect("an address"))), inside, "{address}");
        }
    }
}
