//! All that programs need of one field, found by a few look-ups of its value.

use super::{
    folded::Folded,
    need::Fact,
    network::Networks,
    number::Numbers,
    rarity::Rarity,
    targets::{Range, Target, Targets},
    texts::Texts,
};
use crate::{
    event::value::{Bytes, Value},
    rule::{
        fold,
        test::{Position, address, with_text},
    },
};

/// Up to so many strings are looked for in the text as it is, one by one. More of them go the way of all others.
const MAX_EXACT: usize = 32;

/// The needs of a field.
#[derive(Debug, Default)]
pub(super) struct FieldIndex {
    exists: Range,
    flags: [Range; 2],
    numbers: Numbers,
    networks: Networks,
    texts: Option<Texts>,
    /// A string can meet nothing else.
    texts_only: bool,
}

impl FieldIndex {
    pub(super) fn new(facts: Vec<(Fact, Vec<Target>)>, rarity: &Rarity, targets: &mut Targets) -> Self {
        let mut index = Self::default();
        let mut texts = Vec::new();
        let mut exact = Vec::new();
        for (fact, wanted) in facts {
            let range = targets.add(wanted);
            match fact {
                Fact::Bool(flag) => index.flags[usize::from(flag)] = range,
                Fact::Exists => index.exists = range,
                Fact::Int(number) => drop(index.numbers.equal.insert(number, range)),
                Fact::AtLeast(bound) => index.numbers.at_least.push((bound, range)),
                Fact::AtMost(bound) => index.numbers.at_most.push((bound, range)),
                Fact::Network(network) => index.networks.add(network, range),
                Fact::Exact(string) => exact.push((string, range)),
                Fact::Text(position, string) => texts.push((position, string, range)),
            }
        }
        if exact.len() > MAX_EXACT {
            let folded = |(string, range): (Bytes, Range)| (Position::Anywhere, fold::bytes(&string).into(), range);
            texts.extend(exact.drain(..).map(folded));
        }
        index.numbers.sort();
        index.texts_only = index.numbers.is_empty() && index.networks.is_empty() && index.exists.is_empty();
        index.texts = (!texts.is_empty() || !exact.is_empty()).then(|| Texts::new(texts, exact, rarity));
        index
    }

    /// Whether texts are looked into: what they meet is worth remembering.
    pub(super) fn has_texts(&self) -> bool {
        self.texts.is_some()
    }

    /// Gives what a value meets. `folded` is room for texts; whether afterwards it holds the value,
    /// as a single string, is returned.
    #[inline]
    pub(super) fn find(&self, value: Value<'_>, folded: &mut Folded, hit: &mut impl FnMut(Range)) -> bool {
        match (value, &self.texts) {
            (Value::Absent, _) => false,
            (Value::Bytes(text), Some(texts)) if self.texts_only => texts.find(text, folded, hit),
            (Value::Bool(_) | Value::Bytes(_) | Value::Int(_) | Value::Ip(_) | Value::List(_) | Value::Null, _) => {
                self.find_any(value, folded, hit)
            }
        }
    }

    fn find_any(&self, value: Value<'_>, folded: &mut Folded, hit: &mut impl FnMut(Range)) -> bool {
        match value {
            Value::Absent => return false,
            Value::Bool(flag) => hit(self.flags[usize::from(flag)]),
            Value::List(list) => {
                for element in list.iter() {
                    // An element is never a list itself.
                    self.find_any(element, folded, hit);
                }
                return false;
            }
            Value::Null => {}
            // In the events of other products numbers and addresses are strings.
            Value::Bytes(text) => {
                self.numbers.find_text(text, &mut *hit);
                if !self.networks.is_empty()
                    && let Some(address) = address(value)
                {
                    self.networks.find(address, &mut *hit);
                }
            }
            Value::Int(number) => self.numbers.find(number, &mut *hit),
            Value::Ip(address) => self.networks.find(address, &mut *hit),
        }
        if !self.exists.is_empty() {
            hit(self.exists);
        }
        let Some(texts) = &self.texts else { return false };
        let is_folded = with_text(value, |text| texts.find(text, folded, hit));
        is_folded && matches!(value, Value::Bytes(_))
    }
}
