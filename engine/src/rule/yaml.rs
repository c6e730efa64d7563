//! YAML as a tree whose every node knows its place.
//!
//! The tree is built from the parser's events rather than by a loader of the library, because all
//! problems of a file are to be reported at once (a loader stops at the first repeated key), and
//! because scalars keep the text that was written: `0755` and `1e3` are what the author typed.

use std::{borrow::Cow, ops::Range, sync::Arc};

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use super::diagnostic::{Diagnostic, Diagnostics, Place, Source};

/// Nesting a rule file may have.
pub const MAX_DEPTH: usize = 64;
/// Nodes a rule file may have, aliases counted with what they stand for.
pub const MAX_NODES: usize = 200_000;
/// Closing brackets that stand further to the left than YAML has it, in one file.
const MAX_SHIFTS: usize = 100;

/// A node of a document.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it stands.
    pub place: Place,
    /// What it is.
    pub value: Value,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum Value {
    /// Keys and values in the order of the file; keys are unique.
    Mapping(Vec<(Node, Node)>),
    /// Anything that is neither mapping nor sequence.
    Scalar(Scalar),
    /// Items.
    Sequence(Vec<Node>),
}

/// A scalar as it was written.
#[derive(Clone, Debug)]
pub struct Scalar {
    /// Its text, escapes resolved and lines folded.
    pub text: String,
    /// How it is written.
    style: ScalarStyle,
}

/// A scalar's value by YAML's core schema.
#[derive(Clone, Debug, PartialEq)]
pub enum Plain<'s> {
    /// An integer beyond 64 bits, in decimal as short as it can be.
    Big(String),
    /// `true` or `false`.
    Bool(bool),
    /// A number with a fraction, or a power of ten.
    Float(f64),
    /// A 64-bit integer.
    Int(i64),
    /// `null`, `~` or nothing.
    Null,
    /// Everything else, and whatever is quoted.
    Text(&'s str),
}

impl Scalar {
    /// Its value.
    #[must_use]
    pub fn plain(&self) -> Plain<'_> {
        let text = self.text.as_str();
        if self.style != ScalarStyle::Plain {
            return Plain::Text(text);
        }
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Plain::Null,
            "true" | "True" | "TRUE" => return Plain::Bool(true),
            "false" | "False" | "FALSE" => return Plain::Bool(false),
            _ => {}
        }
        let number = text.strip_prefix('+').unwrap_or(text);
        let int = if let Some(hex) = number.strip_prefix("0x") {
            i64::from_str_radix(hex, 16).ok()
        } else if let Some(octal) = number.strip_prefix("0o") {
            i64::from_str_radix(octal, 8).ok()
        } else {
            number.parse().ok()
        };
        if let Some(int) = int {
            return Plain::Int(int);
        }
        if let Some(big) = big(number) {
            return Plain::Big(big);
        }
        // `inf` and `nan` as Rust reads them are words in YAML.
        let looks_numeric = number.starts_with(|first: char| first.is_ascii_digit() || "-.".contains(first))
            && number.chars().all(|character| character.is_ascii_digit() || "+-.eE".contains(character));
        match number.parse() {
            Ok(float) if looks_numeric => Plain::Float(float),
            Ok::<f64, _>(_) | Err(_) => Plain::Text(text),
        }
    }
}

/// The decimal digits of an integer, whatever its size. Hexadecimal and octal ones have at most 128 bits.
fn big(number: &str) -> Option<String> {
    for (mark, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = number.strip_prefix(mark).filter(|digits| !digits.starts_with(['+', '-'])) {
            return u128::from_str_radix(digits, radix).ok().map(|number| number.to_string());
        }
    }
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |digits| ("-", digits));
    let is_one = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_one.then(|| format!("{sign}{}", digits.trim_start_matches('0')))
}

impl Node {
    /// The kind of node, for messages.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match &self.value {
            Value::Mapping(_) => "a mapping",
            Value::Scalar(scalar) => match scalar.plain() {
                Plain::Big(_) | Plain::Int(_) => "an integer",
                Plain::Bool(_) => "a boolean",
                Plain::Float(_) => "a fraction",
                Plain::Null => "nothing",
                Plain::Text(_) => "a string",
            },
            Value::Sequence(_) => "a list",
        }
    }

    /// The value of a key, if this is a mapping that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Mapping(entries) => {
                entries.iter().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
            }
            Value::Scalar(_) | Value::Sequence(_) => None,
        }
    }

    /// The text of a scalar, whatever its type.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) => Some(&scalar.text),
            Value::Mapping(_) | Value::Sequence(_) => None,
        }
    }

    /// Where each byte of the scalar's text stands in the source: one offset more than there are bytes.
    ///
    /// Found by walking text and source side by side, which is right for every style and at most a
    /// few characters off where escapes are dense.
    #[must_use]
    pub fn offsets(&self) -> Vec<usize> {
        let source = &self.place.source.text;
        let (text, style) = match &self.value {
            Value::Scalar(scalar) => (scalar.text.as_str(), scalar.style),
            Value::Mapping(_) | Value::Sequence(_) => ("", ScalarStyle::Plain),
        };
        let end = self.place.range.end.min(source.len());
        let mut at = self.place.range.start.min(end);
        let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        if is_block && source.get(at..end).is_some_and(|block| block.starts_with(['|', '>'])) {
            // The block's header line holds no text.
            at = source.get(at..end).and_then(|block| block.find('\n')).map_or(end, |newline| at + newline + 1);
        }
        let mut offsets = Vec::with_capacity(text.len() + 1);
        for character in text.chars() {
            let rest = source.get(at..end).unwrap_or_default();
            let found = if character == ' ' || character == '\n' {
                // A folded line break: the run of blanks in the source is this one character.
                rest.find(|c: char| c == character || !c.is_whitespace() || c == '\n')
            } else {
                rest.find(character)
            };
            let start = found.map_or(at, |skip| at + skip);
            offsets.extend(std::iter::repeat_n(start, character.len_utf8()));
            let next = source.get(start..end).and_then(|rest| rest.chars().next());
            at = match next {
                Some(next) if next == character || next.is_whitespace() => start + next.len_utf8(),
                Some(_) | None => start,
            };
        }
        offsets.push(at);
        offsets
    }

    /// Appends an unambiguous form of the value, places left out: what a rule's content hash is over.
    pub fn write_canonical(&self, out: &mut Vec<u8>) {
        let mut tagged = |tag: u8, length: usize| {
            out.push(tag);
            out.extend_from_slice(&(length as u64).to_le_bytes());
        };
        match &self.value {
            Value::Mapping(entries) => {
                tagged(b'm', entries.len());
                for (key, value) in entries {
                    key.write_canonical(out);
                    value.write_canonical(out);
                }
            }
            Value::Scalar(scalar) => {
                tagged(if scalar.style == ScalarStyle::Plain { b'p' } else { b's' }, scalar.text.len());
                out.extend_from_slice(scalar.text.as_bytes());
            }
            Value::Sequence(items) => {
                tagged(b'l', items.len());
                for item in items {
                    item.write_canonical(out);
                }
            }
        }
    }
}

/// A container that is still open.
enum Open {
    Mapping { anchor: usize, start: usize, entries: Vec<(Node, Node)>, key: Option<Node> },
    Sequence { anchor: usize, start: usize, items: Vec<Node> },
}

/// The documents of a source. What cannot be read is reported and left out.
pub fn parse(source: &Arc<Source>, diagnostics: &mut Diagnostics) -> Vec<Node> {
    let mut read = Shifted::new(&source.text);
    loop {
        let mut found = Diagnostics::default();
        let (documents, broken) = Builder::new(source, &read.bytes, &mut found).build(&read.text);
        if let Some(error) = broken {
            if read.shift(&error) {
                continue;
            }
            // The place of an error is often the line after its cause: the caret must not leave the text.
            let at = byte(&read.bytes, error.marker().index()).min(source.text.trim_end().len());
            let place = Place { source: Arc::clone(source), range: at..at };
            found.push(Diagnostic::error("invalid-yaml", place, format!("invalid YAML: {}", error.info())));
        }
        diagnostics.extend(found);
        return documents;
    }
}

/// A source as the parser gets it.
///
/// A bracket that closes a list over several lines may stand as far to the left as its author likes with the
/// readers that pySigma and Falco have, and does in rules that people share; YAML's letter, which the parser
/// keeps to, wants it further to the right than the key. Such a bracket is moved there.
struct Shifted<'s> {
    text: Cow<'s, str>,
    /// Where each character of the text stands in the source, and what is behind the last.
    bytes: Vec<usize>,
    /// Brackets that may still be moved: the source is read anew for each.
    left: usize,
}

impl<'s> Shifted<'s> {
    fn new(source: &'s str) -> Self {
        let bytes = source.char_indices().map(|(offset, _)| offset).chain([source.len()]).collect();
        Self { text: Cow::Borrowed(source), bytes, left: MAX_SHIFTS }
    }

    /// Moves the bracket that an error is about to the right; false if it is about something else.
    fn shift(&mut self, error: &ScanError) -> bool {
        let (index, column) = (error.marker().index(), error.marker().col());
        let Some((at, character)) = self.text.char_indices().nth(index) else { return false };
        if error.info() != "invalid indentation" || !"]}".contains(character) || self.left == 0 {
            return false;
        }
        self.left -= 1;
        // How far is not known: where it is not enough, the next error is about the same bracket.
        let blanks = column + 8;
        self.text.to_mut().insert_str(at, &" ".repeat(blanks));
        let place = byte(&self.bytes, index);
        self.bytes.splice(index..index, std::iter::repeat_n(place, blanks));
        true
    }
}

/// Where a character stands in the source.
fn byte(bytes: &[usize], character: usize) -> usize {
    bytes.get(character).or(bytes.last()).copied().unwrap_or_default()
}

struct Builder<'s> {
    source: &'s Arc<Source>,
    diagnostics: &'s mut Diagnostics,
    /// Where each character stands in the source, and what is behind the last.
    bytes: &'s [usize],
    stack: Vec<Open>,
    anchors: Vec<(usize, Node)>,
    documents: Vec<Node>,
    nodes: usize,
}

impl<'s> Builder<'s> {
    fn new(source: &'s Arc<Source>, bytes: &'s [usize], diagnostics: &'s mut Diagnostics) -> Self {
        Self { source, diagnostics, bytes, stack: Vec::new(), anchors: Vec::new(), documents: Vec::new(), nodes: 0 }
    }

    /// The documents of a text, up to its first error; that of the parser is handed back.
    fn build(mut self, text: &str) -> (Vec<Node>, Option<ScanError>) {
        for event in Parser::new_from_str(text) {
            let step = match event {
                Ok((event, span)) => self.step(event, span),
                Err(error) => return (self.documents, Some(error)),
            };
            if let Err(error) = step {
                self.diagnostics.push(*error);
                break;
            }
        }
        (self.documents, None)
    }

    fn place(&self, range: Range<usize>) -> Place {
        Place { source: Arc::clone(self.source), range }
    }

    fn step(&mut self, event: Event<'_>, span: Span) -> Result<(), Box<Diagnostic>> {
        let range = byte(self.bytes, span.start.index())..byte(self.bytes, span.end.index());
        if self.stack.len() > MAX_DEPTH {
            return Err(Box::new(Diagnostic::error(
                "too-deep",
                self.place(range),
                format!("more than {MAX_DEPTH} levels of nesting"),
            )));
        }
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
            Event::Alias(anchor) => match self.anchors.iter().rev().find(|(id, _)| *id == anchor) {
                Some((_, node)) => {
                    self.nodes += count(node);
                    if self.nodes > MAX_NODES {
                        return Err(Box::new(too_large(self.place(range))));
                    }
                    let node = Node { place: self.place(range), value: node.value.clone() };
                    self.add(node, 0)
                }
                None => Err(Box::new(Diagnostic::error(
                    "invalid-yaml",
                    self.place(range),
                    "this alias stands inside what it stands for",
                ))),
            },
            Event::Scalar(text, style, anchor, _) => {
                let scalar = Scalar { text: text.into_owned(), style };
                let node = Node { place: self.place(range), value: Value::Scalar(scalar) };
                self.add(node, anchor)
            }
            Event::SequenceStart(anchor, _) => {
                self.stack.push(Open::Sequence { anchor, start: range.start, items: Vec::new() });
                Ok(())
            }
            Event::MappingStart(anchor, _) => {
                self.stack.push(Open::Mapping { anchor, start: range.start, entries: Vec::new(), key: None });
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => match self.stack.pop() {
                Some(Open::Sequence { anchor, start, items }) => {
                    let place = self.closed(start, range.end);
                    self.add(Node { place, value: Value::Sequence(items) }, anchor)
                }
                Some(Open::Mapping { anchor, start, entries, .. }) => {
                    let place = self.closed(start, range.end);
                    self.add(Node { place, value: Value::Mapping(entries) }, anchor)
                }
                None => Ok(()),
            },
        }
    }

    /// The place of a container, without the blanks before the next key.
    fn closed(&self, start: usize, end: usize) -> Place {
        let text = self.source.text.get(start..end).unwrap_or_default();
        self.place(start..start + text.trim_end().len())
    }

    fn add(&mut self, node: Node, anchor: usize) -> Result<(), Box<Diagnostic>> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(Box::new(too_large(node.place)));
        }
        if anchor != 0 {
            self.anchors.push((anchor, node.clone()));
        }
        match self.stack.last_mut() {
            None => self.documents.push(node),
            Some(Open::Sequence { items, .. }) => items.push(node),
            Some(Open::Mapping { entries, key, .. }) => match key.take() {
                None => *key = Some(node),
                Some(name) => {
                    let first = name.text().and_then(|text| entries.iter().find(|(key, _)| key.text() == Some(text)));
                    if let Some((first, _)) = first {
                        let text = name.text().unwrap_or_default();
                        let error =
                            Diagnostic::error("duplicate-key", name.place.clone(), format!("duplicate key `{text}`"))
                                .label("given again here")
                                .related(first.place.clone(), "first given here")
                                .hint("remove one of the two");
                        self.diagnostics.push(error);
                    } else {
                        entries.push((name, node));
                    }
                }
            },
        }
        Ok(())
    }
}

fn too_large(place: Place) -> Diagnostic {
    Diagnostic::error("too-large", place, format!("more than {MAX_NODES} values in one file"))
}

fn count(node: &Node) -> usize {
    match &node.value {
        Value::Mapping(entries) => entries.iter().map(|(key, value)| 1 + count(key) + count(value)).sum(),
        Value::Scalar(_) => 1,
        Value::Sequence(items) => items.iter().map(|item| 1 + count(item)).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<Node>, Diagnostics) {
        let mut diagnostics = Diagnostics::default();
        let nodes = parse(&Source::new("test.yml", text), &mut diagnostics);
        (nodes, diagnostics)
    }

    /// The source text behind each word of a scalar must be that word.
    fn check_offsets(text: &str, key: &str) {
        let (nodes, diagnostics) = read(text);
        assert!(!diagnostics.has_errors(), "{diagnostics}");
        let node = nodes[0].get(key).expect("the key");
        let offsets = node.offsets();
        let value = node.text().expect("a scalar");
        assert_eq!(offsets.len(), value.len() + 1);
        for word in value.split_whitespace() {
            let at = word.as_ptr() as usize - value.as_ptr() as usize;
            assert_eq!(text.get(offsets[at]..offsets[at] + word.len()), Some(word), "in {text:?}");
        }
    }

    #[test]
    fn every_word_of_a_scalar_is_found_in_the_source() {
        check_offsets("when: process.name = bash and x\n", "when");
        check_offsets("a: 1\nwhen: |\n  process.name = bash\n    and é = 1\n  or x\nb: 2\n", "when");
        check_offsets("when: >-\n  process.name = bash\n  and x = 1\n\n  or y\n", "when");
        check_offsets("when: 'it = a'\n", "when");
        check_offsets("when: \"a = b\n  and c\"\n", "when");
        check_offsets("when: a = b\n  and c\n", "when");
    }

    #[test]
    fn scalars_have_the_types_of_the_core_schema() {
        let (nodes, _) =
            read("[1, -2, 0x1f, 0o17, 1.5, true, null, ~, '1', \"true\", a, 010, inf, 99999999999999999999]");
        let Value::Sequence(items) = &nodes[0].value else { panic!("a list") };
        let types: Vec<_> = items.iter().map(Node::type_name).collect();
        let (int, text) = ("an integer", "a string");
        let nothing = "nothing";
        assert_eq!(
            types,
            [int, int, int, int, "a fraction", "a boolean", nothing, nothing, text, text, text, int, text, int]
        );
    }

    #[test]
    fn integers_of_any_size_keep_their_digits() {
        let (nodes, _) = read(
            "[18446744073709551616, -0009223372036854775809, +99999999999999999999, 0x8020000000000000, 0xfffffffffffffffffffffffffffffffff, 1e30]",
        );
        let Value::Sequence(items) = &nodes[0].value else { panic!("a list") };
        let plain = |item: &Node| match &item.value {
            Value::Scalar(scalar) => format!("{:?}", scalar.plain()),
            Value::Mapping(_) | Value::Sequence(_) => String::new(),
        };
        assert_eq!(
            items.iter().map(plain).collect::<Vec<_>>(),
            [
                r#"Big("18446744073709551616")"#,
                r#"Big("-9223372036854775809")"#,
                r#"Big("99999999999999999999")"#,
                r#"Big("9232379236109516800")"#,
                r#"Text("0xfffffffffffffffffffffffffffffffff")"#,
                "Float(1e30)",
            ]
        );
    }

    #[test]
    fn a_closing_bracket_may_stand_to_the_left() {
        let text = "- a: [\n    \"x\",\n    \"y\"\n  ]\n- b: {\n    c: \"z\"\n}\n- key: é\n";
        let (nodes, diagnostics) = read(text);
        assert!(diagnostics.sorted().is_empty(), "{diagnostics}");
        let Value::Sequence(items) = &nodes[0].value else { panic!("a list") };
        let place = |item: usize, key: &str| items[item].get(key).map(|node| &text[node.place.range.clone()]);
        assert_eq!(place(0, "a"), Some("[\n    \"x\",\n    \"y\"\n  ]"));
        assert_eq!(place(1, "b"), Some("{\n    c: \"z\"\n}"));
        assert_eq!(place(2, "key"), Some("é"));
        // One that is never closed is reported where its list ends, and anything said twice is said once.
        let (_, diagnostics) = read("a: 1\na: 2\nb: [\n  \"x\"\n]\nc: [\n  \"x\"\nd: 1\n");
        let lines: Vec<_> = diagnostics.sorted().iter().map(|found| (found.code, found.place.start().0)).collect();
        assert_eq!(lines, [("duplicate-key", 2), ("invalid-yaml", 8)], "{diagnostics}");
        let many = "- a: [\n    \"x\"\n  ]\n".repeat(MAX_SHIFTS + 1);
        assert!(read(&many).1.has_errors());
    }

    #[test]
    fn bombs_are_refused() {
        let deep = "[".repeat(100_000);
        assert!(read(&deep).1.has_errors());
        let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..20 {
            let previous = format!("*a{}, ", level - 1).repeat(10);
            laughs += &format!("a{level}: &a{level} [{previous}]\n");
        }
        assert!(read(&laughs).1.has_errors());
        assert!(read("a: &a [*a]").1.has_errors());
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[\\PC\n\t:,\\[\\]{}|>&*'\"#-]{0,200}") {
            for node in read(&text).0 {
                drop(node.offsets());
            }
        }
    }
}
