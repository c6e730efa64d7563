//! What a program cannot match without: sets of simple facts of which an event must have one.
//!
//! Only tests that have to hold count, never those that have to fail; so neither absent fields nor
//! cut ones can make a program match without. Texts are meant folded: an exact test needs the folded
//! text to pass the folded test, and is asked itself afterwards.

use ahash::AHashSet;
use ipnet::IpNet;

use super::{literal, rarity::Rarity, seen::Share};
use crate::{
    event::value::Bytes,
    rule::{
        Predicate, Program, Table,
        expr::{Quantifier, Subject},
        fold,
        test::{Case, Order, Position, Strings, Test},
    },
};

/// More facts than these in one set are not worth their look-ups.
const MAX_FACTS: usize = 20_000;
/// More strings than these are not looked for in the text as it is.
const MAX_EXACT: usize = 16;
/// More strings than these of a test that has to fail are not looked for on their own account: the test is asked.
const MAX_EXCLUDING: usize = 128;
/// Sets kept per program, the rarest.
const MAX_NEEDS: usize = 6;

/// How much text an event has in which a string can be that is looked for anywhere: ten texts, most of them short.
const TEXTS: f64 = 3.0;
/// The share of events that have a field, as a guess.
const PRESENT: f64 = 0.6;

/// A simple fact of some element of a field.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Fact {
    Bool(bool),
    Exists,
    Int(i64),
    /// The number is at least this.
    AtLeast(i64),
    /// The number is at most this.
    AtMost(i64),
    Network(IpNet),
    /// The text has the string somewhere, as it is.
    Exact(Bytes),
    /// The folded text has the folded string there.
    Text(Position, Bytes),
}

/// How facts of a field are looked for: all that are looked for in one way cost one look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Way {
    /// A single byte, anywhere.
    Byte,
    /// In the text as it is.
    Exact,
    /// By a few look-ups, or in the one pass over the text that is made for most strings.
    Few,
    /// Anywhere, at every place of the text.
    Short,
}

impl Fact {
    fn way(&self) -> Way {
        match self {
            Self::Exact(_) => Way::Exact,
            Self::Text(Position::Anywhere, string) if string.len() == 1 => Way::Byte,
            Self::Text(Position::Anywhere, string) if is_short(string) => Way::Short,
            Self::Text(Position::Anywhere | Position::End | Position::Start | Position::Whole, _)
            | Self::AtLeast(_)
            | Self::AtMost(_)
            | Self::Bool(_)
            | Self::Exists
            | Self::Int(_)
            | Self::Network(_) => Way::Few,
        }
    }
}

/// One of these facts is needed.
#[derive(Clone, Debug)]
pub(super) struct Need {
    pub(super) facts: Vec<(Subject, Fact)>,
    /// The share of events that have one.
    pub(super) share: Share,
    /// Whether it is met if and only if what it was taken from holds.
    is_exact: bool,
    /// The part of the program, among those that all have to hold, that holds whenever it is met.
    pub(super) decides: Option<usize>,
}

impl Need {
    /// Where its facts are looked for, each once.
    pub(super) fn places(&self) -> AHashSet<(&Subject, Way)> {
        self.facts.iter().map(|(subject, fact)| (subject, fact.way())).collect()
    }
}

/// The parts of a program that all have to hold.
pub(super) fn parts(program: &Program) -> &[Program] {
    match program {
        Program::All(parts) => parts,
        Program::Any(_) | Program::Const(_) | Program::Test { .. } => std::slice::from_ref(program),
    }
}

/// All that is known to be needed, rarest first.
pub(super) fn of_program(program: &Program, table: &Table, rarity: &Rarity) -> Vec<Need> {
    let needs = parts(program).iter().enumerate().flat_map(|(number, part)| {
        let decided = move |need: Need| Need { decides: need.is_exact.then_some(number), ..need };
        of_part(part, table, rarity).into_iter().map(decided)
    });
    rarest(needs.collect())
}

/// Needs of tests that have to fail, of texts seen whole: any fact of them that is found excludes the program.
pub(super) fn exclusions(program: &Program, table: &Table, rarity: &Rarity) -> Vec<Need> {
    match program {
        Program::All(parts) => parts.iter().flat_map(|part| exclusions(part, table, rarity)).collect(),
        Program::Test { id, negated: true, .. } => {
            // Judged before it is made: thousands of rules may share one list of exceptions.
            let is_short =
                |it: &&Predicate| !matches!(&it.test, Test::Text(all) if all.needles().len() > MAX_EXCLUDING);
            let need = table.get(*id).filter(is_short).and_then(|predicate| of_predicate(predicate, rarity));
            need.filter(|need| need.is_exact).into_iter().collect()
        }
        Program::Any(_) | Program::Const(_) | Program::Test { negated: false, .. } => Vec::new(),
    }
}

fn of_part(part: &Program, table: &Table, rarity: &Rarity) -> Vec<Need> {
    let needs = match part {
        Program::Const(_) | Program::Test { negated: true, .. } => Vec::new(),
        Program::Test { id, negated: false, .. } => {
            table.get(*id).and_then(|predicate| of_predicate(predicate, rarity)).into_iter().collect()
        }
        Program::All(parts) => {
            let needs = parts.iter().flat_map(|part| of_part(part, table, rarity));
            needs.map(|need| Need { is_exact: false, ..need }).collect()
        }
        Program::Any(parts) => of_any(parts, table, rarity),
    };
    rarest(needs)
}

fn rarest(mut needs: Vec<Need>) -> Vec<Need> {
    needs.sort_by(|a, b| a.share.value().total_cmp(&b.share.value()));
    needs.truncate(MAX_NEEDS);
    needs
}

/// The rarest needs of every part together are one need, the second rarest another.
fn of_any(parts: &[Program], table: &Table, rarity: &Rarity) -> Vec<Need> {
    let parts: Vec<Vec<Need>> = parts.iter().map(|part| of_part(part, table, rarity)).collect();
    if parts.iter().any(Vec::is_empty) {
        return Vec::new();
    }
    let ranks = parts.iter().map(Vec::len).max().unwrap_or(0);
    let joined = (0..ranks).map(|rank| {
        let chosen = parts.iter().filter_map(|needs| needs.get(rank).or(needs.last()));
        let mut need = Need { facts: Vec::new(), share: Share::guessed(1.0), is_exact: true, decides: None };
        let mut share = 0.0;
        for part in chosen {
            share += part.share.value();
            need.is_exact &= part.is_exact;
            for fact in &part.facts {
                if !need.facts.contains(fact) {
                    need.facts.push(fact.clone());
                }
            }
        }
        Need { share: Share::guessed(share), ..need }
    });
    joined.filter(|need| need.facts.len() <= MAX_FACTS).collect()
}

fn of_predicate(predicate: &Predicate, rarity: &Rarity) -> Option<Need> {
    if predicate.differs {
        return None;
    }
    if let Subject::Derived(derived) = &predicate.subject {
        // What is made of a field says nothing of its value, but that it is there.
        let facts = vec![(Subject::Field(derived.field), Fact::Exists)];
        return Some(Need { facts, share: Share::guessed(PRESENT), is_exact: false, decides: None });
    }
    let facts: Vec<(Fact, f64)> = match &predicate.test {
        Test::Bool(flag) => vec![(Fact::Bool(*flag), if *flag { 0.1 } else { 0.8 })],
        Test::Exists => vec![(Fact::Exists, PRESENT)],
        // The list itself is looked into only where the field is there.
        Test::Indicator(_) => vec![(Fact::Exists, PRESENT)],
        // A date or a fraction can be written in many ways.
        Test::Field(_) | Test::Fraction(..) | Test::Moment(_) => return None,
        Test::Null => vec![(Fact::Exists, PRESENT)],
        Test::Int(order, bound) => of_order(*order, *bound)?,
        Test::Ints(numbers) => {
            numbers.iter().map(|number| (Fact::Int(*number), if *number == 0 { 0.3 } else { 0.02 })).collect()
        }
        Test::Networks(networks) => {
            let share = |network: &IpNet| 0.9_f64.powi(i32::from(network.prefix_len())).max(0.005);
            networks.iter().map(|network| (Fact::Network(*network), share(network))).collect()
        }
        Test::Pattern(pattern) => of_pattern(pattern.text(), rarity)?,
        Test::Text(strings) => of_strings(strings, rarity),
    };
    let share = facts.iter().map(|(_, share)| share).sum::<f64>();
    // However often a string is somewhere in the event, a rarer one is there less often.
    let anywhere = |share: f64| 1.0 - (-share * TEXTS).exp();
    let share = Share::guessed(if predicate.subject == Subject::Anywhere { anywhere(share) } else { share });
    let facts = facts.into_iter().map(|(fact, _)| (predicate.subject.clone(), fact)).collect::<Vec<_>>();
    (facts.len() <= MAX_FACTS).then_some(Need { facts, share, is_exact: is_exact(predicate), decides: None })
}

/// Whether a predicate holds whenever one of its facts is found, too.
fn is_exact(predicate: &Predicate) -> bool {
    let is_folded = matches!(&predicate.test, Test::Text(strings)
        if strings.case() == Case::Folded && !strings.needles().iter().any(|needle| needle.is_empty()));
    let is_field = matches!(predicate.subject, Subject::Field(_) | Subject::Named(_));
    is_folded && is_field && predicate.quantifier == Quantifier::Any
}

fn of_order(order: Order, bound: i64) -> Option<Vec<(Fact, f64)>> {
    let fact = match order {
        Order::Less => Fact::AtMost(bound.checked_sub(1)?),
        Order::LessOrEqual => Fact::AtMost(bound),
        Order::Greater => Fact::AtLeast(bound.checked_add(1)?),
        Order::GreaterOrEqual => Fact::AtLeast(bound),
    };
    Some(vec![(fact, 0.4)])
}

fn of_pattern(pattern: &str, rarity: &Rarity) -> Option<Vec<(Fact, f64)>> {
    let weighed = |string: &Vec<u8>| rarity.anywhere(string);
    let folded = literal::required(pattern, Case::Folded, rarity)?;
    if folded.iter().any(|string| is_short(string))
        && let Some(exact) = literal::required(pattern, Case::Exact, rarity)
        && exact.len() <= MAX_EXACT
        // Text that is valid on its own can be looked for in a folded text as well, should there be many.
        && exact.iter().all(|string| is_rarer_exact(string) && std::str::from_utf8(string).is_ok())
    {
        return Some(
            exact.into_iter().map(|string| (Fact::Exact(string.as_slice().into()), weighed(&string))).collect(),
        );
    }
    let fact = |string: Vec<u8>| (Fact::Text(Position::Anywhere, string.as_slice().into()), weighed(&string));
    Some(folded.into_iter().map(fact).collect())
}

/// Whether a text is searched for it once more.
fn is_short(string: &[u8]) -> bool {
    string.len() < 5
}

/// Whether many texts have it only if case is ignored.
fn is_rarer_exact(string: &[u8]) -> bool {
    string.iter().any(u8::is_ascii_uppercase)
}

fn of_strings(strings: &Strings, rarity: &Rarity) -> Vec<(Fact, f64)> {
    let fact = |needle: &Bytes| {
        let (position, needle) = match (strings.case(), std::str::from_utf8(needle)) {
            (Case::Folded, _) => (strings.position(), needle.to_vec()),
            (Case::Exact, Ok(_)) => (strings.position(), fold::bytes(needle)),
            // The folded text of a part of a character is not the part of its folded text.
            (Case::Exact, Err(_)) => (Position::Anywhere, valid_part(needle)),
        };
        let share = match position {
            Position::Anywhere => rarity.anywhere(&needle),
            Position::Start | Position::End => rarity.at_an_end(&needle),
            Position::Whole => rarity.whole(&needle),
        };
        // Every text has it; there has to be one.
        if needle.is_empty() && position != Position::Whole {
            return (Fact::Exists, PRESENT);
        }
        (Fact::Text(position, needle.into()), share)
    };
    strings.needles().iter().map(fact).collect()
}

/// The longest part that is text, folded.
fn valid_part(needle: &[u8]) -> Vec<u8> {
    let longest = needle.utf8_chunks().map(|chunk| chunk.valid()).max_by_key(|valid| valid.len());
    fold::bytes(longest.unwrap_or_default().as_bytes())
}
