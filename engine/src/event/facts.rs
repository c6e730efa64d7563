//! What conditions ask of an event, whether it is one of ours or another product's.
//!
//! Conditions are compiled against [`Facts`], by static dispatch: a field of the tables is a getter,
//! a name of another product a slot. Nothing is looked up by text while rules are evaluated, and
//! nothing is allocated.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use ahash::AHashMap;

use super::{
    Event,
    field::{self, DECIDED_BY_KIND, Field},
    value::Value,
};

/// Something that conditions can be put to.
pub trait Facts {
    /// The value of a field of the tables.
    fn field(&self, field: &Field) -> Value<'_>;
    /// The value of a field by the name another product gave it.
    fn named(&self, name: &Name) -> Value<'_>;
    /// Whether any value in which a keyword may stand passes. Elements of lists come one by one.
    fn anywhere(&self, passes: impl FnMut(Value<'_>) -> bool) -> bool;
    /// Names of the fields of which only a part is there.
    fn cut(&self) -> &[&'static str];

    /// The value of a reference of either sort.
    fn value(&self, reference: &Reference) -> Value<'_> {
        match reference {
            Reference::Field(field) => self.field(field),
            Reference::Named(name) => self.named(name),
        }
    }
}

impl Facts for Event {
    fn field(&self, field: &Field) -> Value<'_> {
        field.row(self.kind()).map_or(Value::Absent, |row| (row.get)(self))
    }

    fn named(&self, _: &Name) -> Value<'_> {
        Value::Absent
    }

    fn anywhere(&self, mut passes: impl FnMut(Value<'_>) -> bool) -> bool {
        // The words of the kind are ours, not the event's: `process` is not in every exec.
        field::rows(self.kind()).filter(|row| !DECIDED_BY_KIND.contains(&row.name)).any(|row| match (row.get)(self) {
            Value::List(list) => list.iter().any(&mut passes),
            scalar
            @ (Value::Absent | Value::Bool(_) | Value::Bytes(_) | Value::Int(_) | Value::Ip(_) | Value::Null) => {
                passes(scalar)
            }
        })
    }

    fn cut(&self) -> &[&'static str] {
        &self.cut.0
    }
}

/// A field a condition names: one of ours, or one of another product.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reference {
    /// A field of the tables.
    Field(&'static Field),
    /// A name as another product's events have it.
    Named(Name),
}

impl Reference {
    /// Whether it is the field of the tables that has this name.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        matches!(self, Self::Field(field) if field.name == name)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Field(field) => field.name,
            Self::Named(name) => name.text(),
        })
    }
}

/// A name with its slot in [`Names`]. Two of one table are equal if their slots are.
#[derive(Clone, Debug)]
pub struct Name {
    slot: u32,
    text: Arc<str>,
}

impl Name {
    /// Its place in whatever is indexed by names.
    #[must_use]
    pub fn slot(&self) -> usize {
        self.slot as usize
    }

    /// The name.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.slot == other.slot
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.slot.hash(state);
    }
}

/// The names that the conditions of one rule set refer to. An event of another product is read
/// against them once; its other members are there for keywords only.
#[derive(Clone, Debug, Default)]
pub struct Names {
    slots: AHashMap<Arc<str>, u32>,
}

impl Names {
    /// The name with its slot, which is a new one for a new name.
    pub fn intern(&mut self, text: &str) -> Name {
        if let Some((text, slot)) = self.slots.get_key_value(text) {
            return Name { slot: *slot, text: Arc::clone(text) };
        }
        // A rule set cannot name 2^32 fields: its files are capped.
        let slot = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        let text: Arc<str> = text.into();
        self.slots.insert(Arc::clone(&text), slot);
        Name { slot, text }
    }

    /// The slot of a name, if any condition refers to it.
    #[must_use]
    pub fn slot(&self, text: &str) -> Option<usize> {
        self.slots.get(text).map(|slot| *slot as usize)
    }

    /// The number of names.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Kind;

    #[test]
    fn a_name_keeps_its_slot() {
        let mut names = Names::default();
        let (a, b) = (names.intern("Image"), names.intern("User"));
        assert_eq!(names.intern("Image"), a);
        assert_ne!(a, b);
        assert_eq!((names.slot("User"), names.slot("user"), names.len()), (Some(b.slot()), None, 2));
    }

    #[test]
    fn the_words_of_a_kind_are_no_place_for_keywords() {
        let event = Event { user_name: Some(b"exec".to_vec().into()), ..Event::new(Kind::Exec) };
        let mut seen = Vec::new();
        event.anywhere(|value| {
            if let Value::Bytes(bytes) = value {
                seen.push(bytes.to_vec());
            }
            false
        });
        assert_eq!(seen, [b"exec"]);
    }
}
