//! YAML as a tree whose nodes know their line and column.
//!
//! Built from the parser's events, because depth must be bounded before anything recurses and a
//! repeated key is one problem among others. Aliases and tags are refused: settings need neither.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::Problem;

/// Deepest nesting.
const MAX_DEPTH: usize = 16;
/// Most nodes.
const MAX_NODES: usize = 100_000;

/// A part of a file of settings.
#[derive(Clone, Debug)]
pub struct Node {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What it is.
    pub data: Data,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum Data {
    /// `true` or `false`.
    Boolean(bool),
    /// A list.
    List(Vec<Node>),
    /// Names and values in the file's order, each name once.
    Mapping(Vec<(Node, Node)>),
    /// Nothing: `null`, `~` or no text.
    Null,
    /// A whole number that is not negative.
    Number(u64),
    /// Everything else.
    Text(String),
}

impl Node {
    /// The text of a node.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        if let Data::Text(text) = &self.data { Some(text) } else { None }
    }

    /// A member of a mapping.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Node> {
        let Data::Mapping(members) = &self.data else { return None };
        members.iter().find(|(key, _)| key.text() == Some(name)).map(|(_, value)| value)
    }

    /// The kind of node, for messages.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match &self.data {
            Data::Boolean(_) => "a boolean",
            Data::List(_) => "a list",
            Data::Mapping(_) => "a mapping",
            Data::Null => "nothing",
            Data::Number(_) => "a whole number",
            Data::Text(_) => "a text",
        }
    }
}

/// A list or mapping that is not yet closed.
struct Open {
    node: Node,
    key: Option<Node>,
}

/// Parses a file into its one document; an empty file is `None`. Repeated keys are added to `problems`.
///
/// # Errors
/// The [`Problem`] that ends the reading: the text is not YAML, nests too deeply, has several documents.
pub fn parse(text: &str, problems: &mut Vec<Problem>) -> Result<Option<Node>, Problem> {
    let mut open: Vec<Open> = Vec::new();
    let mut root = None;
    let mut nodes = 0_usize;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| Problem {
            line: error.marker().line(),
            column: error.marker().col() + 1,
            message: format!("not YAML: {}", error.info()),
            hint: None,
        })?;
        let node = |data| Node { line: span.start.line(), column: span.start.col() + 1, data };
        let done = match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => continue,
            Event::DocumentStart(_) => {
                if root.is_some() {
                    return Err(refused(span, "a second document", "one file, one document"));
                }
                continue;
            }
            Event::Alias(_) => return Err(refused(span, "an alias", "write the value itself")),
            Event::Scalar(_, _, _, Some(_)) | Event::SequenceStart(_, Some(_)) | Event::MappingStart(_, Some(_)) => {
                return Err(refused(span, "a tag", "write the value without it"));
            }
            Event::Scalar(text, style, _, None) => node(scalar(&text, style)),
            Event::SequenceStart(_, None) | Event::MappingStart(_, None) => {
                if open.len() >= MAX_DEPTH {
                    return Err(Problem::at(&node(Data::Null), format!("more than {MAX_DEPTH} levels"), None));
                }
                let is_list = matches!(event, Event::SequenceStart(..));
                let data = if is_list { Data::List(Vec::new()) } else { Data::Mapping(Vec::new()) };
                open.push(Open { node: node(data), key: None });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(closed) = open.pop() else { continue };
                closed.node
            }
        };
        nodes += 1;
        if nodes > MAX_NODES {
            return Err(Problem::at(&done, format!("more than {MAX_NODES} values"), None));
        }
        match open.last_mut() {
            None => root = Some(done),
            Some(parent) => add(parent, done, problems),
        }
    }
    Ok(root.filter(|node| !matches!(node.data, Data::Null)))
}

fn refused(span: Span, what: &str, hint: &str) -> Problem {
    Problem {
        line: span.start.line(),
        column: span.start.col() + 1,
        message: format!("{what} is not allowed here"),
        hint: Some(hint.to_owned()),
    }
}

fn add(parent: &mut Open, node: Node, problems: &mut Vec<Problem>) {
    match &mut parent.node.data {
        Data::List(items) => items.push(node),
        Data::Mapping(members) => match parent.key.take() {
            None => parent.key = Some(node),
            Some(key) => {
                let name = key.text();
                match members.iter().find(|(known, _)| name.is_some() && known.text() == name) {
                    Some((first, _)) => problems.push(Problem::at(
                        &key,
                        format!("`{}` stands twice", name.unwrap_or_default()),
                        Some(format!("the first is in line {}", first.line)),
                    )),
                    None => members.push((key, node)),
                }
            }
        },
        Data::Boolean(_) | Data::Null | Data::Number(_) | Data::Text(_) => {}
    }
}

/// YAML's core schema, as far as settings need it.
fn scalar(text: &str, style: ScalarStyle) -> Data {
    if style == ScalarStyle::Plain {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Data::Null,
            "true" | "True" | "TRUE" => return Data::Boolean(true),
            "false" | "False" | "FALSE" => return Data::Boolean(false),
            _ => {}
        }
        if text.bytes().all(|byte| byte.is_ascii_digit())
            && let Ok(number) = text.parse()
        {
            return Data::Number(number);
        }
    }
    Data::Text(text.to_owned())
}
