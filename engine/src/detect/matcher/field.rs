//! All that programs need of one field, found by a few look-ups of its value.

use std::collections::BTreeMap;

use super::{
    affix::{Affixes, BaseNames, End, Strings, Whole},
    need::Fact,
    network::Networks,
    number::Numbers,
    rarity::Rarity,
    scan::{PADDING, Scanner},
    targets::{Marks, Range, Target, Targets},
};
use crate::{
    event::value::Value,
    rule::{
        fold,
        test::{Position, address, with_text},
    },
};

/// The needs of a field.
#[derive(Debug, Default)]
pub(super) struct FieldIndex {
    exists: Range,
    flags: [Range; 2],
    numbers: Numbers,
    networks: Networks,
    texts: Option<Texts>,
}

/// Strings, by their place in a text.
#[derive(Debug)]
struct Texts {
    whole: Whole,
    base_names: BaseNames,
    starts: Affixes,
    ends: Affixes,
    anywhere: Option<Scanner>,
}

/// A folded text, followed by [`PADDING`] zero bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Folded {
    padded: Vec<u8>,
}

impl Folded {
    pub(super) fn fill(&mut self, text: &[u8]) {
        self.padded.clear();
        fold::append(text, &mut self.padded);
        self.padded.extend_from_slice(&[0; PADDING]);
    }

    pub(super) fn text(&self) -> &[u8] {
        self.padded.get(..self.padded.len().saturating_sub(PADDING)).unwrap_or_default()
    }
}

impl FieldIndex {
    pub(super) fn new(facts: Vec<(Fact, Vec<Target>)>, rarity: &Rarity, targets: &mut Targets) -> Self {
        let mut index = Self::default();
        let mut texts: BTreeMap<Position, Strings> = BTreeMap::new();
        let (mut base_names, mut found) = (Vec::new(), false);
        for (fact, wanted) in facts {
            let range = targets.add(wanted);
            match fact {
                Fact::Bool(flag) => index.flags[usize::from(flag)] = range,
                Fact::Exists => index.exists = range,
                Fact::Int(number) => drop(index.numbers.equal.insert(number, range)),
                Fact::AtLeast(bound) => index.numbers.at_least.push((bound, range)),
                Fact::AtMost(bound) => index.numbers.at_most.push((bound, range)),
                Fact::Network(network) => index.networks.add(network, range),
                Fact::Text(position, string) => {
                    found = true;
                    if position == Position::End && BaseNames::takes(&string) {
                        base_names.push((string, range));
                    } else {
                        texts.entry(position).or_default().push((string, range));
                    }
                }
            }
        }
        index.numbers.sort();
        if found {
            let mut of = |position: Position| texts.remove(&position).unwrap_or_default();
            let anywhere = of(Position::Anywhere);
            index.texts = Some(Texts {
                whole: Whole::new(of(Position::Whole)),
                base_names: BaseNames::new(&base_names),
                starts: Affixes::new(End::First, of(Position::Start)),
                ends: Affixes::new(End::Last, of(Position::End)),
                anywhere: (!anywhere.is_empty()).then(|| Scanner::new(anywhere, rarity)),
            });
        }
        index
    }

    /// Marks what a value meets. `folded` is room for texts; whether afterwards it holds the value,
    /// as a single string, is returned.
    pub(super) fn mark(&self, value: Value<'_>, folded: &mut Folded, targets: &Targets, marks: &mut Marks) -> bool {
        match value {
            Value::Absent => false,
            Value::List(list) => {
                for element in list.iter() {
                    // An element is never a list itself.
                    self.mark_scalar(element, folded, targets, marks);
                }
                false
            }
            Value::Bool(_) | Value::Bytes(_) | Value::Int(_) | Value::Ip(_) | Value::Null => {
                self.mark_scalar(value, folded, targets, marks)
            }
        }
    }

    fn mark_scalar(&self, value: Value<'_>, folded: &mut Folded, targets: &Targets, marks: &mut Marks) -> bool {
        if matches!(value, Value::Absent) {
            return false;
        }
        marks.set(targets.of(self.exists));
        match value {
            Value::Bool(flag) => marks.set(targets.of(self.flags[usize::from(flag)])),
            Value::Absent | Value::List(_) | Value::Null => {}
            // In the events of other products numbers and addresses are strings.
            Value::Bytes(text) => {
                self.numbers.find_text(text, |range| marks.set(targets.of(range)));
                if !self.networks.is_empty()
                    && let Some(address) = address(value)
                {
                    self.networks.find(address, |range| marks.set(targets.of(range)));
                }
            }
            Value::Int(number) => self.numbers.find(number, |range| marks.set(targets.of(range))),
            Value::Ip(address) => self.networks.find(address, |range| marks.set(targets.of(range))),
        }
        let Some(texts) = &self.texts else { return false };
        let is_folded = with_text(value, |text| {
            let looks = !texts.is_out_of_question(text);
            if looks {
                folded.fill(text);
                texts.mark(folded, targets, marks);
            }
            looks
        });
        is_folded && matches!(value, Value::Bytes(_))
    }
}

impl Texts {
    /// Whether a text can be passed over for its length alone.
    fn is_out_of_question(&self, text: &[u8]) -> bool {
        let whole_only =
            self.base_names.is_empty() && self.starts.is_empty() && self.ends.is_empty() && self.anywhere.is_none();
        // Outside ASCII the folded text may have another length.
        whole_only && !self.whole.has_length(text.len()) && text.is_ascii()
    }

    fn mark(&self, folded: &Folded, targets: &Targets, marks: &mut Marks) {
        let text = folded.text();
        let mut hit = |range| marks.set(targets.of(range));
        self.whole.find(text, &mut hit);
        self.base_names.find(text, &mut hit);
        self.starts.find(text, &mut hit);
        self.ends.find(text, &mut hit);
        if let Some(scanner) = &self.anywhere {
            scanner.find(&folded.padded, &mut hit);
        }
    }
}
