//! What events are told apart by: values as texts, and their hashes.
//!
//! Groups are known by 128 bits of two hashes with seeds of their own, drawn at start: whoever sends
//! events cannot aim at a collision. The seeds decide nothing that is ever printed.

use std::hash::{BuildHasher, Hasher};

use ahash::RandomState;

use crate::{
    event::{
        Event,
        field::Field,
        text,
        value::{List, Value},
    },
    rule::{
        correlate::{Slot, measure},
        fold,
        test::Case,
    },
};

/// Makes keys. Those of one are meaningless to another.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    low: RandomState,
    high: RandomState,
    /// Kept from call to call.
    scratch: Vec<u8>,
}

impl Keys {
    /// The group of an event; `None` if a field is absent.
    pub(super) fn group(&mut self, slot: &Slot, case: Case, event: &Event) -> Option<u128> {
        self.hash(&slot.by, case, event)
    }

    /// The hash of the value that is counted; `None` if a field is absent.
    pub(super) fn value(&mut self, slot: &Slot, case: Case, event: &Event) -> Option<i128> {
        self.hash(&slot.of, case, event).map(|hash| i128::from_ne_bytes(hash.to_ne_bytes()))
    }

    fn hash(&mut self, parts: &[Vec<&'static Field>], case: Case, event: &Event) -> Option<u128> {
        let (mut low, mut high) = (self.low.build_hasher(), self.high.build_hasher());
        for part in parts {
            self.scratch.clear();
            append(&mut self.scratch, first(part, event)?);
            if case == Case::Folded && !self.scratch.iter().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
                self.scratch = fold::bytes(&self.scratch);
            }
            for hasher in [&mut low, &mut high] {
                hasher.write_usize(self.scratch.len());
                hasher.write(&self.scratch);
            }
        }
        Some(u128::from(high.finish()) << 64 | u128::from(low.finish()))
    }
}

/// The number that is measured, in millionths; `None` if there is none.
pub(super) fn number(slot: &Slot, event: &Event) -> Option<i128> {
    match first(slot.of.first()?, event)? {
        Value::Int(number) => Some(i128::from(number) * measure::SCALE),
        Value::Bytes(bytes) => measure::number(std::str::from_utf8(bytes).ok()?),
        Value::Absent | Value::Bool(_) | Value::Ip(_) | Value::List(_) | Value::Null => None,
    }
}

/// The values that make the group of an event, as text.
pub(super) fn shown(slot: &Slot, event: &Event) -> Vec<String> {
    let mut shown = Vec::new();
    for part in &slot.by {
        let mut bytes = Vec::new();
        append(&mut bytes, first(part, event).unwrap_or(Value::Absent));
        shown.push(text::encode(&bytes));
    }
    shown
}

/// The first of some fields that an event has.
fn first<'e>(fields: &[&'static Field], event: &'e Event) -> Option<Value<'e>> {
    let values = fields.iter().filter_map(|field| field.row(event.kind()).map(|row| (row.get)(event)));
    values.into_iter().find(|value| !matches!(value, Value::Absent | Value::Null))
}

/// A value as text; equal values have equal texts, whatever their types.
fn append(out: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::Absent | Value::Null => {}
        Value::Bool(flag) => out.extend_from_slice(if flag { b"true" } else { b"false" }),
        Value::Bytes(bytes) => out.extend_from_slice(bytes),
        Value::Int(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::Ip(address) => out.extend_from_slice(address.to_canonical().to_string().as_bytes()),
        Value::List(list) => append_list(out, list),
    }
}

fn append_list(out: &mut Vec<u8>, list: List<'_>) {
    for (index, item) in list.iter().enumerate() {
        if index > 0 {
            out.push(0);
        }
        append(out, item);
    }
}
