//! Transforms of the condition language, one file each: `lower(file.name)`, `entropy(basename(file.path))`.
//! A new one is a file, a `mod` line and a line of [`ALL`].
//!
//! A transform makes another value of a text; of a list, of each element. What it cannot make a value
//! of is absent. It allocates in proportion to the text, which the sensor and the readers bound.

mod arguments;
mod bare_command;
mod base64_decode;
mod basename;
mod dirname;
mod entropy;
mod len;
mod lower;
mod upper;

use std::{
    fmt,
    hash::{Hash, Hasher},
};

use super::typed::Typed;
use crate::event::value::{Type, Value};

/// Transforms inside each other.
pub const MAX_CHAIN: usize = 8;

/// A function of one text.
pub trait Transform: Sync {
    /// How it is written.
    fn name(&self) -> &'static str;
    /// What it gives, one sentence.
    fn doc(&self) -> &'static str;
    /// A condition with it, for documents and tests.
    fn example(&self) -> &'static str;
    /// What it makes of a text: type and unit.
    fn gives(&self) -> Typed {
        TEXT
    }
    /// Applies it.
    fn apply<'v>(&self, text: &'v [u8]) -> Output<'v>;
}

/// What a transform makes.
#[derive(Debug)]
pub enum Output<'v> {
    /// A text of its own.
    Made(Vec<u8>),
    /// A value that needs no memory: a part of the text, a number, or nothing.
    Seen(Value<'v>),
}

/// A text.
pub(super) const TEXT: Typed = Typed { ty: Type::Keyword, array: false, unit: super::typed::Unit::None };

/// All transforms, in the order documents list them.
pub const ALL: &[&dyn Transform] = &[
    &lower::Lower,
    &upper::Upper,
    &basename::Basename,
    &dirname::Dirname,
    &arguments::Arguments,
    &bare_command::BareCommand,
    &len::Len,
    &entropy::Entropy,
    &base64_decode::Base64Decode,
];

/// The transform of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Transform> {
    ALL.iter().copied().find(|transform| transform.name() == name)
}

/// Applies `map` to each character of a text; bytes that are no UTF-8 stay.
fn each_character<C: Iterator<Item = char>>(text: &[u8], map: fn(char) -> C) -> Vec<u8> {
    let mut made = Vec::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars().flat_map(map) {
            made.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        made.extend_from_slice(chunk.invalid());
    }
    made
}

/// Transforms one after the other.
#[derive(Clone, Default)]
pub struct Chain(Box<[&'static dyn Transform]>);

impl Chain {
    /// The transforms in the order they are applied.
    #[must_use]
    pub fn new(transforms: impl IntoIterator<Item = &'static dyn Transform>) -> Self {
        Self(transforms.into_iter().collect())
    }

    /// These transforms, then others.
    #[must_use]
    pub fn then(&self, more: impl IntoIterator<Item = &'static dyn Transform>) -> Self {
        Self::new(self.0.iter().copied().chain(more))
    }

    /// Whether it leaves values as they are.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Gives what it makes of a scalar to `then`, unless it makes nothing of it.
    pub fn through(&self, value: Value<'_>, then: &mut dyn FnMut(Value<'_>) -> bool) -> bool {
        step(&self.0, value, then)
    }

    /// Writes the chain around what it is applied to.
    pub fn write(&self, out: &mut impl fmt::Write, inner: &str) -> fmt::Result {
        for transform in self.0.iter().rev() {
            write!(out, "{}(", transform.name())?;
        }
        out.write_str(inner)?;
        self.0.iter().try_for_each(|_| out.write_char(')'))
    }
}

// A transform is its name.
impl PartialEq for Chain {
    fn eq(&self, other: &Self) -> bool {
        self.0.iter().map(|transform| transform.name()).eq(other.0.iter().map(|transform| transform.name()))
    }
}

impl Eq for Chain {}

impl Hash for Chain {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.iter().for_each(|transform| transform.name().hash(state));
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(out, "_")
    }
}

/// As deep as the chain is long: [`MAX_CHAIN`].
fn step(chain: &[&dyn Transform], value: Value<'_>, then: &mut dyn FnMut(Value<'_>) -> bool) -> bool {
    let Some((first, rest)) = chain.split_first() else { return !matches!(value, Value::Absent) && then(value) };
    let Value::Bytes(text) = value else { return false };
    match first.apply(text) {
        Output::Made(text) => step(rest, Value::Bytes(&text), then),
        Output::Seen(value) => step(rest, value, then),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::{
        Filter,
        op::tests::{check, check_refused},
    };

    #[test]
    fn transforms_have_their_own_names_and_a_sentence_and_an_example_that_compiles() {
        for transform in ALL {
            assert_eq!(ALL.iter().filter(|other| other.name() == transform.name()).count(), 1);
            assert!(transform.doc().ends_with('.'), "{}", transform.name());
            assert!(transform.example().contains(&format!("{}(", transform.name())), "{}", transform.name());
            Filter::parse(transform.example()).unwrap_or_else(|problems| panic!("{problems}"));
        }
    }

    #[test]
    fn every_file_of_the_folder_is_a_module_with_a_test() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rule/transform");
        let names: Vec<String> = ALL.iter().map(|transform| format!("{}.rs", transform.name())).collect();
        for entry in std::fs::read_dir(&folder).expect("the folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
            assert!(name == "mod.rs" || names.iter().any(|known| known == name), "{name}");
            assert!(crate::store::read_text(&path, u64::MAX).expect("a file").contains("#[test]"), "{name}");
        }
    }

    const EVENT: &str = r#"{"event":{"action":"exec"},"process":{"executable":"/usr/bin/Curl","name":"CURL","args":["curl","L2Rldi90Y3A=","-O"],"parent":{"executable":"/usr/bin/curl"}}}"#;

    #[test]
    fn transforms_nest_and_map_the_elements_of_lists() {
        check("lower(basename(process.executable)) = curl", EVENT, true);
        check("len(basename(process.executable)) = 4", EVENT, true);
        check("base64_decode(process.args) contains /dev/tcp", EVENT, true);
        check("len(process.args) = 2", EVENT, true);
        check("all(len(process.args)) <= 12", EVENT, true);
        check("any(len(process.args)) > 12", EVENT, false);
        check("len(process.parent.args) > 0", EVENT, false);
        check("not len(process.parent.args) > 0", EVENT, true);
        check("lower(process.name) = lower(basename(process.executable))", EVENT, true);
        check("lower(process.executable) = process.parent.executable", EVENT, true);
    }

    #[test]
    fn a_transform_of_a_cut_text_is_as_open_as_the_text() {
        let cut = r#"{"event":{"action":"exec","cut":["process.command_line"]},"process":{"command_line":"abc"}}"#;
        check("len(process.command_line) > 2", cut, true);
        check("len(process.command_line) > 9", cut, false);
        check("not len(process.command_line) > 2", cut, true);
        check("len(process.command_line) != 3", cut, true);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        check_refused("lower(process.pid) = 1", "`lower` takes a string, and `process.pid` is a number");
        check_refused(
            "lower(len(process.name)) = a",
            "`lower` takes a string, and `len(process.name)` is a number of bytes",
        );
        check_refused(
            "len(process.name) contains a",
            "`contains` does not fit `len(process.name)`, which is a number of bytes",
        );
        check_refused("len(process.name) > 5m", "`5m` is not a number of bytes");
        check_refused("lowr(process.name) = a", "unknown transform `lowr`");
        check_refused("lower(all(process.args)) = a", "`all( )` goes around the transforms, not into them");
        check_refused("lower() = a", "expected a field here");
        check_refused("lower(process.name = a", "expected `)` here");
        let deep = format!("{}process.name{} = a", "lower(".repeat(9), ")".repeat(9));
        check_refused(&deep, "more than 8 transforms inside each other");
    }
}
