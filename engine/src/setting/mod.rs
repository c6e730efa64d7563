//! Settings as tables: name, type, bounds, default and documentation in one row.
//!
//! The configuration and every sink bring a table. Reading YAML, the commented default file, the
//! JSON Schema and the reference all come from the same rows. Depends on no other module of ours.

mod read;
mod tree;
mod unit;
mod write;

use std::{collections::BTreeMap, path::Path, time::Duration};

pub use read::{Problem, read};
pub use tree::{Data, Node, parse};
pub use unit::{duration_text, size_text};
pub use write::{comment, json, scalar, yaml};

/// The type of a setting, with its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `true` or `false`.
    Boolean,
    /// A length of time: `500ms`, `10s`, `5m`, `2h`, `1d`.
    Duration {
        /// Least.
        min: Duration,
        /// Most.
        max: Duration,
    },
    /// A whole number.
    Integer {
        /// Least.
        min: u64,
        /// Most.
        max: u64,
    },
    /// The path of a file, a folder or a socket.
    Path,
    /// Several paths.
    Paths,
    /// A number of bytes: `65536`, `64KiB`, `8MiB`, `1GiB`.
    Size {
        /// Least.
        min: u64,
        /// Most.
        max: u64,
    },
    /// A text of at most 1,024 bytes.
    Text,
    /// Several texts.
    Texts,
    /// One of a closed list of words.
    Word(&'static [&'static str]),
}

/// What a setting is when nothing is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Nothing: the feature is not used.
    Absent,
    /// A switch.
    Boolean(bool),
    /// A length of time.
    Duration(Duration),
    /// Several texts.
    List(&'static [&'static str]),
    /// A number, also of bytes.
    Number(u64),
    /// It must be given.
    Required,
    /// A text, path or word.
    Text(&'static str),
}

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Dotted name; each dot is a level of the YAML file.
    pub name: &'static str,
    /// Type and bounds.
    pub ty: Type,
    /// What it is when nothing is said.
    pub preset: Preset,
    /// What it does, in sentences.
    pub doc: &'static str,
}

/// The value of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Not set.
    Absent,
    /// See [`Type::Boolean`].
    Boolean(bool),
    /// See [`Type::Duration`].
    Duration(Duration),
    /// See [`Type::Paths`] and [`Type::Texts`].
    List(Vec<String>),
    /// See [`Type::Integer`] and [`Type::Size`].
    Number(u64),
    /// See [`Type::Text`], [`Type::Path`] and [`Type::Word`].
    Text(String),
}

impl Preset {
    /// The preset as a value.
    #[must_use]
    pub fn value(self) -> Value {
        match self {
            Self::Absent | Self::Required => Value::Absent,
            Self::Boolean(flag) => Value::Boolean(flag),
            Self::Duration(time) => Value::Duration(time),
            Self::List(items) => Value::List(items.iter().map(|item| (*item).to_owned()).collect()),
            Self::Number(number) => Value::Number(number),
            Self::Text(text) => Value::Text(text.to_owned()),
        }
    }
}

/// The values of one table, complete: what was not given has its preset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values(BTreeMap<&'static str, Value>);

impl Values {
    /// The presets of a table.
    #[must_use]
    pub fn presets(rows: &[Row]) -> Self {
        Self(rows.iter().map(|row| (row.name, row.preset.value())).collect())
    }

    /// Sets a value; the caller has checked its type.
    pub fn set(&mut self, name: &'static str, value: Value) {
        self.0.insert(name, value);
    }

    /// The value of a setting.
    #[must_use]
    pub fn value(&self, name: &str) -> &Value {
        let value = self.0.get(name);
        debug_assert!(value.is_some(), "no setting `{name}` in this table");
        value.unwrap_or(&Value::Absent)
    }

    /// A switch; false if absent.
    #[must_use]
    pub fn boolean(&self, name: &str) -> bool {
        matches!(self.value(name), Value::Boolean(true))
    }

    /// A length of time; zero if absent.
    #[must_use]
    pub fn duration(&self, name: &str) -> Duration {
        if let Value::Duration(time) = self.value(name) { *time } else { Duration::ZERO }
    }

    /// Several texts; none if absent.
    #[must_use]
    pub fn list(&self, name: &str) -> &[String] {
        if let Value::List(items) = self.value(name) { items } else { &[] }
    }

    /// A number, also of bytes; zero if absent.
    #[must_use]
    pub fn number(&self, name: &str) -> u64 {
        if let Value::Number(number) = self.value(name) { *number } else { 0 }
    }

    /// A number as the length of something in memory.
    #[must_use]
    pub fn length(&self, name: &str) -> usize {
        usize::try_from(self.number(name)).unwrap_or(usize::MAX)
    }

    /// A text, path or word, if there is one.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        if let Value::Text(text) = self.value(name) { Some(text) } else { None }
    }

    /// A path, if there is one.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<&Path> {
        self.text(name).map(Path::new)
    }
}

impl Type {
    /// The type in words, with its bounds.
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            Self::Boolean => "true or false".to_owned(),
            Self::Duration { min, max } => {
                format!("a length of time from {} to {}", duration_text(min), duration_text(max))
            }
            Self::Integer { min, max } => format!("a whole number from {min} to {max}"),
            Self::Path => "a path".to_owned(),
            Self::Paths => "a list of paths".to_owned(),
            Self::Size { min, max } => format!("a size from {} to {}", size_text(min), size_text(max)),
            Self::Text => "a text".to_owned(),
            Self::Texts => "a list of texts".to_owned(),
            Self::Word(words) => format!("one of {}", words.join(", ")),
        }
    }
}
