//! Values as rules see them: borrowed from the event, never copied.
//!
//! A [`Value`] is what a field's getter returns. Strings are bytes: Linux paths and arguments have
//! no encoding. Storage types implement [`Slot`], which also says how a value read from a recording
//! or a rule test is put back.

use std::{net::IpAddr, sync::Arc};

use super::{foreign::Scalars, process::Process};

/// A string of the observed host: any bytes, usually UTF-8.
pub type Bytes = Box<[u8]>;

/// The type of a field, as rules check it and schemas print it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `true` or `false`.
    Boolean,
    /// A signed 64-bit integer.
    Integer,
    /// An IPv4 or IPv6 address.
    Ip,
    /// A byte string.
    Keyword,
    /// A number that ECS writes as a string (`user.id`, `file.inode`); rules compare it as a number.
    NumericKeyword,
    /// Nanoseconds since the Unix epoch; written as RFC 3339 in UTC with nine decimals.
    Time,
    /// One of a closed list of words.
    Word(&'static [&'static str]),
}

/// What a getter returns: one field of one event.
#[derive(Clone, Copy, Debug)]
pub enum Value<'e> {
    /// The event has no such fact. Every comparison with it is false.
    Absent,
    /// See [`Type::Boolean`].
    Bool(bool),
    /// A string; also what a word is.
    Bytes(&'e [u8]),
    /// An integer, a numeric keyword or a time.
    Int(i64),
    /// See [`Type::Ip`].
    Ip(IpAddr),
    /// Several scalars of the field's type.
    List(List<'e>),
    /// The field is there and says nothing: `null` in an event of another product. Ours have no such value.
    Null,
}

/// The elements of an array field.
#[derive(Clone, Copy, Debug)]
pub enum List<'e> {
    /// Byte strings.
    Bytes(&'e [Bytes]),
    /// Values of one field of another product's event.
    Foreign(Scalars<'e>),
    /// One field of each ancestor, nearest first.
    Projected(&'e [Arc<Process>], for<'p> fn(&'p Process) -> Value<'p>),
    /// Words.
    Words(&'e [&'static str]),
}

impl<'e> List<'e> {
    /// The number of elements, absent ones included.
    #[must_use]
    pub fn len(self) -> usize {
        match self {
            List::Bytes(items) => items.len(),
            List::Foreign(items) => items.len(),
            List::Projected(items, _) => items.len(),
            List::Words(items) => items.len(),
        }
    }

    /// Whether there is no element.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The element at `index`, which is never a list itself.
    #[must_use]
    pub fn at(self, index: usize) -> Value<'e> {
        match self {
            List::Bytes(items) => items.get(index).map_or(Value::Absent, |item| Value::Bytes(item)),
            List::Foreign(items) => items.at(index),
            List::Projected(items, field) => items.get(index).map_or(Value::Absent, |item| field(item)),
            List::Words(items) => items.get(index).map_or(Value::Absent, |word| Value::Bytes(word.as_bytes())),
        }
    }

    /// The elements in order.
    pub fn iter(self) -> impl Iterator<Item = Value<'e>> {
        (0..self.len()).map(move |index| self.at(index))
    }
}

/// A value that stands on its own: from a recording, a rule test or a rule's constant.
#[derive(Clone, Debug, PartialEq)]
pub enum Owned {
    /// See [`Value::Bool`].
    Bool(bool),
    /// See [`Value::Bytes`].
    Bytes(Bytes),
    /// See [`Value::Int`].
    Int(i64),
    /// See [`Value::Ip`].
    Ip(IpAddr),
    /// See [`Value::List`].
    List(Vec<Owned>),
}

/// Why a value does not fit a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The value has another type. The author of the recording or rule test mends it.
    #[error("expected {expected}, found {found}")]
    Type {
        /// What the field holds.
        expected: &'static str,
        /// What was given.
        found: &'static str,
    },
    /// The word is not in the field's list.
    #[error("`{word}` is not one of {}", allowed.join(", "))]
    Word {
        /// The word given.
        word: String,
        /// The words there are.
        allowed: &'static [&'static str],
    },
    /// The field follows from others and cannot be given.
    #[error("this field follows from others and cannot be set")]
    Derived,
}

impl Owned {
    /// The kind of value, for messages.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Owned::Bool(_) => "a boolean",
            Owned::Bytes(_) => "a string",
            Owned::Int(_) => "an integer",
            Owned::Ip(_) => "an address",
            Owned::List(_) => "a list",
        }
    }
}

/// A storage type of event fields.
pub trait Slot: Sized {
    /// The type rules see.
    const TYPE: Type;
    /// Whether the field is an array.
    const ARRAY: bool = false;
    /// Reads the field.
    fn load(&self) -> Value<'_>;
    /// Writes the field from a value of its type; a string is accepted where JSON has no other form
    /// (addresses, times, numeric keywords).
    ///
    /// # Errors
    /// [`Mismatch`] when the value has another type or is not in the word list.
    fn store(&mut self, value: &Owned) -> Result<(), Mismatch>;
}

fn wrong<T>(expected: &'static str, found: &Owned) -> Result<T, Mismatch> {
    Err(Mismatch::Type { expected, found: found.type_name() })
}

impl Slot for Option<Bytes> {
    const TYPE: Type = Type::Keyword;
    fn load(&self) -> Value<'_> {
        self.as_deref().map_or(Value::Absent, Value::Bytes)
    }
    fn store(&mut self, value: &Owned) -> Result<(), Mismatch> {
        match value {
            Owned::Bytes(bytes) => *self = Some(bytes.clone()),
            Owned::Bool(_) | Owned::Int(_) | Owned::Ip(_) | Owned::List(_) => return wrong("a string", value),
        }
        Ok(())
    }
}

impl Slot for Vec<Bytes> {
    const TYPE: Type = Type::Keyword;
    const ARRAY: bool = true;
    fn load(&self) -> Value<'_> {
        if self.is_empty() { Value::Absent } else { Value::List(List::Bytes(self)) }
    }
    fn store(&mut self, value: &Owned) -> Result<(), Mismatch> {
        let Owned::List(items) = value else { return wrong("a list of strings", value) };
        let mut all = Vec::with_capacity(items.len());
        for item in items {
            let Owned::Bytes(bytes) = item else { return wrong("a string", item) };
            all.push(bytes.clone());
        }
        *self = all;
        Ok(())
    }
}

macro_rules! integer_slot {
    ($($int:ty),*) => {$(
        impl Slot for Option<$int> {
            const TYPE: Type = Type::Integer;
            fn load(&self) -> Value<'_> {
                self.map_or(Value::Absent, |number| Value::Int(i64::from(number)))
            }
            fn store(&mut self, value: &Owned) -> Result<(), Mismatch> {
                let Owned::Int(number) = value else { return wrong("an integer", value) };
                match (*number).try_into() {
                    Ok(number) => *self = Some(number),
                    Err::<$int, _>(_) => return wrong("an integer in range", value),
                }
                Ok(())
            }
        }
    )*};
}
integer_slot!(i32, i64, u16, u32);

impl Slot for Option<bool> {
    const TYPE: Type = Type::Boolean;
    fn load(&self) -> Value<'_> {
        self.map_or(Value::Absent, Value::Bool)
    }
    fn store(&mut self, value: &Owned) -> Result<(), Mismatch> {
        let Owned::Bool(flag) = value else { return wrong("a boolean", value) };
        *self = Some(*flag);
        Ok(())
    }
}

impl Slot for Option<IpAddr> {
    const TYPE: Type = Type::Ip;
    fn load(&self) -> Value<'_> {
        self.map_or(Value::Absent, Value::Ip)
    }
    fn store(&mut self, value: &Owned) -> Result<(), Mismatch> {
        let parsed = match value {
            Owned::Ip(address) => Some(*address),
            Owned::Bytes(bytes) => std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok()),
            Owned::Bool(_) | Owned::Int(_) | Owned::List(_) => None,
        };
        let Some(address) = parsed else { return wrong("an IPv4 or IPv6 address", value) };
        *self = Some(address);
        Ok(())
    }
}

/// A number that ECS writes as a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Numeric(pub i64);

impl Slot for Option<Numeric> {
    const TYPE: Type = Type::NumericKeyword;
    fn load(&self) -> Value<'_> {
        self.map_or(Value::Absent, |Numeric(number)| Value::Int(number))
    }
    fn store(&mut self, value: &Owned) -> Result<(), Mismatch> {
        let parsed = match value {
            Owned::Int(number) => Some(*number),
            Owned::Bytes(bytes) => std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok()),
            Owned::Bool(_) | Owned::Ip(_) | Owned::List(_) => None,
        };
        let Some(number) = parsed else { return wrong("a number", value) };
        *self = Some(Numeric(number));
        Ok(())
    }
}

/// A point in time: nanoseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

impl Slot for Option<Time> {
    const TYPE: Type = Type::Time;
    fn load(&self) -> Value<'_> {
        self.map_or(Value::Absent, |Time(ns)| Value::Int(ns))
    }
    fn store(&mut self, value: &Owned) -> Result<(), Mismatch> {
        let parsed = match value {
            Owned::Int(ns) => Some(*ns),
            Owned::Bytes(bytes) => std::str::from_utf8(bytes)
                .ok()
                .and_then(|text| text.parse::<jiff::Timestamp>().ok())
                .and_then(|time| i64::try_from(time.as_nanosecond()).ok()),
            Owned::Bool(_) | Owned::Ip(_) | Owned::List(_) => None,
        };
        let Some(ns) = parsed else { return wrong("an RFC 3339 time", value) };
        *self = Some(Time(ns));
        Ok(())
    }
}

/// A closed list of words; see [`words!`].
pub trait Words: Copy + 'static {
    /// All words, in declaration order.
    const ALL: &'static [&'static str];
    /// The word of this variant.
    fn word(self) -> &'static str;
    /// The variant of a word.
    fn parse(word: &[u8]) -> Option<Self>;
}

/// Declares an enum whose variants have names in JSON and rules.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vmeta])* $variant),* }
        impl $crate::event::value::Words for $name {
            const ALL: &'static [&'static str] = &[$($word),*];
            fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
            fn parse(word: &[u8]) -> Option<Self> {
                $(if word == $word.as_bytes() { return Some(Self::$variant); })*
                None
            }
        }
    };
}
pub(crate) use words;

fn word_of<W: Words>(value: &Owned) -> Result<W, Mismatch> {
    let Owned::Bytes(bytes) = value else { return wrong("a word", value) };
    W::parse(bytes).ok_or_else(|| Mismatch::Word { word: String::from_utf8_lossy(bytes).into_owned(), allowed: W::ALL })
}

impl<W: Words> Slot for Option<W> {
    const TYPE: Type = Type::Word(W::ALL);
    fn load(&self) -> Value<'_> {
        self.map_or(Value::Absent, |variant| Value::Bytes(variant.word().as_bytes()))
    }
    fn store(&mut self, value: &Owned) -> Result<(), Mismatch> {
        *self = Some(word_of::<W>(value)?);
        Ok(())
    }
}

/// Several words of one list, in declaration order, without allocation once stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordSet<W> {
    words: Vec<&'static str>,
    of: std::marker::PhantomData<W>,
}

impl<W: Words> WordSet<W> {
    /// Whether the word is among them.
    #[must_use]
    pub fn contains(&self, word: W) -> bool {
        self.words.contains(&word.word())
    }
}

impl<W> Default for WordSet<W> {
    fn default() -> Self {
        Self { words: Vec::new(), of: std::marker::PhantomData }
    }
}

impl<W: Words> FromIterator<W> for WordSet<W> {
    fn from_iter<I: IntoIterator<Item = W>>(words: I) -> Self {
        Self { words: words.into_iter().map(Words::word).collect(), of: std::marker::PhantomData }
    }
}

impl<W: Words> Slot for WordSet<W> {
    const TYPE: Type = Type::Word(W::ALL);
    const ARRAY: bool = true;
    fn load(&self) -> Value<'_> {
        if self.words.is_empty() { Value::Absent } else { Value::List(List::Words(&self.words)) }
    }
    fn store(&mut self, value: &Owned) -> Result<(), Mismatch> {
        let Owned::List(items) = value else { return wrong("a list of words", value) };
        *self = items.iter().map(word_of::<W>).collect::<Result<_, _>>()?;
        Ok(())
    }
}

/// Names of fields of ours: which were cut, which are racy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldNames(pub Vec<&'static str>);

impl FieldNames {
    /// Adds a name once.
    pub fn add(&mut self, name: &'static str) {
        if !self.0.contains(&name) {
            self.0.push(name);
        }
    }
}

impl Slot for FieldNames {
    const TYPE: Type = Type::Keyword;
    const ARRAY: bool = true;
    fn load(&self) -> Value<'_> {
        if self.0.is_empty() { Value::Absent } else { Value::List(List::Words(&self.0)) }
    }
    fn store(&mut self, value: &Owned) -> Result<(), Mismatch> {
        let Owned::List(items) = value else { return wrong("a list of field names", value) };
        for item in items {
            let Owned::Bytes(bytes) = item else { return wrong("a field name", item) };
            let name = std::str::from_utf8(bytes).ok().and_then(super::field::find);
            let Some(field) = name else { return wrong("the name of a field", item) };
            self.add(field.name);
        }
        Ok(())
    }
}
