//! The field tables: what rules, schemas, documents and recordings know of an event.
//!
//! Each event kind brings rows; rows that every kind has stand in [`super::common`] and
//! [`super::process`]. [`all`] merges them by name. A name is resolved once, when a rule is
//! loaded; at run time a field is a function pointer.

use std::{collections::BTreeMap, sync::LazyLock};

use super::{
    Event, Kind,
    value::{Mismatch, Owned, Type, Value},
};

/// Fields whose value follows from the kind alone.
pub const DECIDED_BY_KIND: &[&str] = &["event.action", "event.category", "event.kind", "event.type"];

/// Where a field's name comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The Elastic Common Schema defines it.
    Ecs,
    /// Beewolf defines it, because ECS has nothing for the fact.
    Ours,
}

/// Reads a field.
pub type Getter = for<'e> fn(&'e Event) -> Value<'e>;
/// Writes a field from a recording or a rule test.
pub type Setter = fn(&mut Event, &Owned) -> Result<(), Mismatch>;

/// One field of one or of all kinds.
#[derive(Debug)]
pub struct Row {
    /// Dotted name.
    pub name: &'static str,
    /// Whose name it is.
    pub origin: Origin,
    /// Type of the value, or of each element.
    pub ty: Type,
    /// Whether it is a list.
    pub array: bool,
    /// Meaning, unit, bound, and what absent means.
    pub doc: &'static str,
    /// Reads it.
    pub get: Getter,
    /// Writes it.
    pub set: Setter,
}

/// A field name with the rows that carry it.
#[derive(Debug)]
pub struct Field {
    /// Dotted name.
    pub name: &'static str,
    rows: [Option<&'static Row>; Kind::ALL.len()],
}

// A name has one field.
impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Field {}

impl std::hash::Hash for Field {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl Field {
    /// The row of this field for a kind; `None` when events of that kind never have it.
    #[must_use]
    pub fn row(&self, kind: Kind) -> Option<&'static Row> {
        self.rows.get(kind as usize).copied().flatten()
    }

    /// Any row: name, type and origin are the same in all (held by a test).
    #[must_use]
    pub fn any(&self) -> &'static Row {
        self.rows.iter().flatten().next().copied().unwrap_or(&super::common::ROWS[0])
    }

    /// The kinds whose events may have it.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> {
        Kind::ALL.iter().copied().filter(|kind| self.row(*kind).is_some())
    }
}

static FIELDS: LazyLock<BTreeMap<&'static str, Field>> = LazyLock::new(|| {
    let mut fields = BTreeMap::new();
    for kind in Kind::ALL.iter().copied() {
        for row in rows(kind) {
            let field =
                fields.entry(row.name).or_insert_with(|| Field { name: row.name, rows: [None; Kind::ALL.len()] });
            if let Some(place) = field.rows.get_mut(kind as usize) {
                *place = Some(row);
            }
        }
    }
    fields
});

/// All rows of a kind: common, process, its own; unordered.
pub fn rows(kind: Kind) -> impl Iterator<Item = &'static Row> {
    super::common::ROWS.iter().chain(super::process::ROWS).chain(kind.rows())
}

/// Every field, by name.
pub fn all() -> impl Iterator<Item = &'static Field> {
    FIELDS.values()
}

/// The field of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Field> {
    FIELDS.get(name)
}

/// The type of the storage behind an accessor, for [`row!`].
pub(crate) const fn type_of<S, T: super::value::Slot>(_: fn(&S) -> &T) -> (Type, bool) {
    (T::TYPE, T::ARRAY)
}

/// One row of a field table.
///
/// `row!(Ecs "process.pid": process.pid, "doc")` reads and writes a field of the event's process;
/// `common.` is the event itself, `parent.` the nearest ancestor; any other first word is a variant
/// of [`super::Data`] (`exit.code`).
macro_rules! row {
    ($origin:ident $name:literal: common.$($path:ident).+, $doc:literal) => {
        $crate::event::field::row!(@row $origin $name $doc
            $crate::event::field::type_of(|event: &$crate::event::Event| &event.$($path).+),
            |event| $crate::event::value::Slot::load(&event.$($path).+),
            |event, value| $crate::event::value::Slot::store(&mut event.$($path).+, value))
    };
    ($origin:ident $name:literal: process.$($path:ident).+, $doc:literal) => {
        $crate::event::field::row!(@row $origin $name $doc
            $crate::event::field::type_of(|process: &$crate::event::Process| &process.$($path).+),
            |event| $crate::event::value::Slot::load(&event.process.$($path).+),
            |event, value| $crate::event::value::Slot::store(&mut std::sync::Arc::make_mut(&mut event.process).$($path).+, value))
    };
    ($origin:ident $name:literal: parent.$($path:ident).+, $doc:literal) => {
        $crate::event::field::row!(@row $origin $name $doc
            $crate::event::field::type_of(|process: &$crate::event::Process| &process.$($path).+),
            |event| event.parent().map_or($crate::event::value::Value::Absent, |parent| $crate::event::value::Slot::load(&parent.$($path).+)),
            |event, value| $crate::event::value::Slot::store(&mut event.ancestor_mut(0).$($path).+, value))
    };
    ($origin:ident $name:literal: ancestors.$($path:ident).+, $doc:literal) => {
        $crate::event::field::Row {
            name: $name,
            origin: $crate::event::field::Origin::$origin,
            ty: $crate::event::field::type_of(|process: &$crate::event::Process| &process.$($path).+).0,
            array: true,
            doc: $doc,
            get: |event| $crate::event::process::project(event, |process| $crate::event::value::Slot::load(&process.$($path).+)),
            set: |event, value| $crate::event::process::store_each(event, value, |process, item| {
                $crate::event::value::Slot::store(&mut process.$($path).+, item)
            }),
        }
    };
    ($origin:ident $name:literal: $variant:ident($($path:ident).+), $doc:literal) => {
        $crate::event::field::row!(@row $origin $name $doc
            $crate::event::field::type_of(|data: &$variant| &data.$($path).+),
            |event| if let $crate::event::Data::$variant(data) = &event.data {
                $crate::event::value::Slot::load(&data.$($path).+)
            } else {
                $crate::event::value::Value::Absent
            },
            |event, value| if let $crate::event::Data::$variant(data) = &mut event.data {
                $crate::event::value::Slot::store(&mut data.$($path).+, value)
            } else {
                Err($crate::event::value::Mismatch::Derived)
            })
    };
    (@row $origin:ident $name:literal $doc:literal $ty:expr, $get:expr, $set:expr) => {
        $crate::event::field::Row {
            name: $name,
            origin: $crate::event::field::Origin::$origin,
            ty: $ty.0,
            array: $ty.1,
            doc: $doc,
            get: $get,
            set: $set,
        }
    };
}
pub(crate) use row;
