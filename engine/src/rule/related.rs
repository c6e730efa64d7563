//! How two fields of the same event relate.
//!
//! Both may be arrays, and one event of another product may have 100,000 values in each: when a few values were compared
//! with each of the others, these are brought into an order in which each further value is looked up.

use std::{
    borrow::Cow,
    cell::{Cell, OnceCell},
};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use memchr::memmem;

use super::{
    fold,
    test::{Case, Order, Position, with_text},
    transform::Chain,
};
use crate::event::{facts::Reference, value::Value};

/// How a field relates to another field of the same event.
#[derive(Clone, Debug)]
pub struct Related {
    /// The other field.
    pub other: Reference,
    /// What is made of the other field's values.
    pub chain: Chain,
    /// How the two relate.
    pub relation: Relation,
}

/// A relation of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The first number stands in this order to the second.
    Order(Order),
    /// The second text stands at this place of the first. The whole of it: the values are equal, whatever their type.
    Text(Position, Case),
}

impl Related {
    /// Whether a value relates to the other field's value, or to one of its elements; `None` if there is none.
    pub(super) fn compare(&self, value: Value<'_>, other: Value<'_>) -> Option<bool> {
        let mut is_known = false;
        let relates = self.each(other, &mut |other| {
            is_known = true;
            self.relation.holds(value, other)
        });
        is_known.then_some(relates)
    }

    /// Gives what is made of the other field's values to `then`, until that is true.
    fn each(&self, other: Value<'_>, then: &mut dyn FnMut(Value<'_>) -> bool) -> bool {
        match other {
            Value::List(list) => list.iter().any(|item| self.chain.through(item, then)),
            Value::Absent | Value::Bool(_) | Value::Bytes(_) | Value::Int(_) | Value::Ip(_) | Value::Null => {
                self.chain.through(other, then)
            }
        }
    }
}

impl Relation {
    fn holds(self, value: Value<'_>, other: Value<'_>) -> bool {
        match (self, value, other) {
            (Self::Order(order), Value::Int(value), Value::Int(other)) => order.holds(value, other),
            (Self::Order(_), _, _) => false,
            // An address has two forms: `::ffff:10.0.0.1` is `10.0.0.1`.
            (Self::Text(Position::Whole, Case::Exact), Value::Ip(value), Value::Ip(other)) => {
                value.to_canonical() == other.to_canonical()
            }
            (Self::Text(position, case), _, _) => {
                with_text(value, |text| with_text(other, |other| position.relates(text, other, case)))
            }
        }
    }
}

impl Position {
    fn relates(self, text: &[u8], other: &[u8], case: Case) -> bool {
        let (text, other) = (in_case(text, case), in_case(other, case));
        match self {
            Self::Anywhere => memmem::find(&text, &other).is_some(),
            Self::End => text.ends_with(&other),
            Self::Start => text.starts_with(&other),
            Self::Whole => text == other,
        }
    }
}

fn in_case(text: &[u8], case: Case) -> Cow<'_, [u8]> {
    match case {
        Case::Exact => text.into(),
        Case::Folded => fold::bytes(text).into(),
    }
}

/// The other field of one event, with which values are compared one after the other.
pub(super) struct Others<'o> {
    related: &'o Related,
    value: Value<'o>,
    /// How many values were compared with each of the others.
    compared: Cell<usize>,
    gathered: OnceCell<Option<Gathered>>,
}

impl<'o> Others<'o> {
    /// Others that fewer values, or shorter ones, are compared with one by one.
    const FEW: usize = 16;
    /// Bytes from which a text is not read once for each of the others.
    const LONG: usize = 4096;

    /// The other field's value.
    pub(super) fn new(related: &'o Related, value: Value<'o>) -> Self {
        Self { related, value, compared: Cell::new(0), gathered: OnceCell::new() }
    }

    /// Says of a value what [`Related::compare`] does.
    pub(super) fn compare(&self, value: Value<'_>) -> Option<bool> {
        let is_long = matches!(value, Value::Bytes(text) if text.len() > Self::LONG);
        let are_many = matches!(self.value, Value::List(list) if list.len() > Self::FEW);
        if are_many && (is_long || self.compared.get() >= Self::FEW) {
            let gathered = self.gathered.get_or_init(|| Gathered::new(self.related, self.value));
            if let Some(gathered) = gathered {
                return gathered.is_known.then(|| gathered.relates(value));
            }
        }
        self.compared.set(self.compared.get() + 1);
        self.related.compare(value, self.value)
    }
}

/// All values of the other field, so that one look answers for all of them.
struct Gathered {
    is_known: bool,
    look: Look,
}

enum Look {
    /// A number in this order to the one that is easiest to be so.
    Number(Order, Option<i64>),
    Text(Case, Texts),
}

enum Texts {
    /// Somewhere in the text.
    Anywhere(AhoCorasick),
    /// None of the texts starts with another, so that only the last one before a text can be its start.
    Start(Vec<Vec<u8>>),
    /// The same of texts from their last byte to their first.
    End(Vec<Vec<u8>>),
    /// In order.
    Whole(Vec<Vec<u8>>),
}

impl Gathered {
    /// `None` if the values have to be compared one by one: addresses are equal in other ways than texts.
    fn new(related: &Related, value: Value<'_>) -> Option<Self> {
        let mut is_known = false;
        let look = match related.relation {
            Relation::Order(order) => {
                let mut easiest: Option<i64> = None;
                related.each(value, &mut |other| {
                    is_known = true;
                    if let Value::Int(number) = other
                        && easiest.is_none_or(|easiest| order.holds(easiest, number))
                    {
                        easiest = Some(number);
                    }
                    false
                });
                Look::Number(order, easiest)
            }
            Relation::Text(position, case) => {
                let (mut texts, mut has_address): (Vec<Vec<u8>>, bool) = (Vec::new(), false);
                related.each(value, &mut |other| {
                    is_known = true;
                    has_address |= matches!(other, Value::Ip(_));
                    with_text(other, |text| {
                        texts.push(in_case(text, case).into_owned());
                        false
                    })
                });
                if has_address {
                    return None;
                }
                Look::Text(case, Texts::new(position, texts)?)
            }
        };
        Some(Self { is_known, look })
    }

    fn relates(&self, value: Value<'_>) -> bool {
        match (&self.look, value) {
            (Look::Number(order, Some(easiest)), Value::Int(number)) => order.holds(number, *easiest),
            (Look::Number(..), _) => false,
            (Look::Text(case, texts), _) => with_text(value, |text| texts.relate(&in_case(text, *case))),
        }
    }
}

impl Texts {
    /// `None` if there are more than can be looked for.
    fn new(position: Position, mut texts: Vec<Vec<u8>>) -> Option<Self> {
        if position == Position::End {
            texts.iter_mut().for_each(|text| text.reverse());
        }
        texts.sort_unstable();
        texts.dedup();
        Some(match position {
            Position::Anywhere => {
                let kind = Some(AhoCorasickKind::ContiguousNFA);
                Self::Anywhere(AhoCorasick::builder().kind(kind).build(&texts).ok()?)
            }
            Position::Start => Self::Start(starts(texts)),
            Position::End => Self::End(starts(texts)),
            Position::Whole => Self::Whole(texts),
        })
    }

    /// Whether one of them stands at its place of a text.
    fn relate(&self, text: &[u8]) -> bool {
        match self {
            Self::Anywhere(texts) => texts.is_match(text),
            Self::Start(starts) => is_started(text, starts),
            Self::End(ends) => is_started(&text.iter().rev().copied().collect::<Vec<_>>(), ends),
            Self::Whole(texts) => texts.binary_search_by(|other| other.as_slice().cmp(text)).is_ok(),
        }
    }
}

/// Of texts in order, those that start with no other.
fn starts(mut texts: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    // What starts with a text follows it.
    texts.dedup_by(|text, before| text.starts_with(before));
    texts
}

/// Whether `text` starts with one of [`starts`].
fn is_started(text: &[u8], starts: &[Vec<u8>]) -> bool {
    let after = starts.partition_point(|start| start.as_slice() <= text);
    after.checked_sub(1).and_then(|last| starts.get(last)).is_some_and(|start| text.starts_with(start))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        event::{
            facts::Names,
            value::{Bytes, List},
        },
        rule::transform,
    };

    fn other() -> Reference {
        Reference::Named(Names::default().intern("other"))
    }

    fn relation() -> impl Strategy<Value = Relation> {
        use Position::{Anywhere, End, Start, Whole};
        let position = prop::sample::select(vec![Anywhere, End, Start, Whole]);
        let order = prop::sample::select(vec![Order::Less, Order::LessOrEqual, Order::Greater, Order::GreaterOrEqual]);
        prop_oneof![
            4 => (position, prop::sample::select(vec![Case::Exact, Case::Folded])).prop_map(|(p, c)| Relation::Text(p, c)),
            1 => order.prop_map(Relation::Order),
        ]
    }

    proptest! {
        #[test]
        fn many_others_are_looked_up_as_each_is_compared(
            relation in relation(),
            others in prop::collection::vec("[abAB\u{e9}\u{c9}k\u{212a}]{0,4}", 17..60),
            values in prop::collection::vec("[abAB\u{e9}\u{c9}k\u{212a}]{0,9}", 17..60),
        ) {
            let of_numbers = matches!(relation, Relation::Order(_));
            let chain = Chain::new(of_numbers.then(|| transform::find("len").expect("a transform")));
            let related = Related { other: other(), chain, relation };
            let others: Vec<Bytes> = others.iter().map(|text| text.as_bytes().into()).collect();
            let list = Value::List(List::Bytes(&others));
            let gathered = Others::new(&related, list);
            for value in &values {
                let text = Value::Bytes(value.as_bytes());
                let value = if of_numbers { Value::Int(i64::try_from(value.len()).expect("a short text")) } else { text };
                prop_assert_eq!(gathered.compare(value), related.compare(value, list));
            }
            prop_assert!(gathered.gathered.get().is_some());
        }
    }
}
