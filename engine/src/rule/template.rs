//! A rule's `output`: text with fields of the event in braces.

use super::{
    ast::Text,
    check::unknown_field,
    diagnostic::{Diagnostic, Diagnostics},
};
use crate::event::{
    Event,
    field::{self, Field},
    json,
    value::{Type, Value},
};

/// Bytes of one field in a message.
const MAX_VALUE_BYTES: usize = 4 << 10;

/// A compiled `output`.
#[derive(Clone, Debug, Default)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    /// A field, or one element of a list.
    Field(&'static Field, Option<usize>),
    Text(String),
}

impl Template {
    /// A text without fields.
    #[must_use]
    pub fn plain(text: &str) -> Self {
        Self { parts: vec![Part::Text(text.to_owned())] }
    }

    /// A field, or one element of a list.
    pub(super) fn field(field: &'static Field, at: Option<usize>) -> Self {
        Self { parts: vec![Part::Field(field, at)] }
    }

    /// Adds a text.
    pub(super) fn push_text(&mut self, text: &str) {
        if !text.is_empty() {
            self.parts.push(Part::Text(text.to_owned()));
        }
    }

    /// Adds what another one says.
    pub(super) fn push(&mut self, other: &Self) {
        self.parts.extend(other.parts.iter().cloned());
    }

    /// Reads `{field}` and `{field[1]}`; `{{` and `}}` are the braces themselves.
    pub(super) fn parse(text: &Text, diagnostics: &mut Diagnostics) -> Self {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text.value();
        let mut at = 0;
        while let Some(brace) = rest.find(['{', '}']) {
            plain.push_str(rest.get(..brace).unwrap_or_default());
            let from = rest.get(brace..).unwrap_or_default();
            let start = at + brace;
            let used = if from.starts_with("{{") || from.starts_with("}}") {
                plain.push_str(from.get(..1).unwrap_or_default());
                2
            } else if let Some(name) =
                from.strip_prefix('{').and_then(|inner| inner.split_once('}')).map(|(name, _)| name)
            {
                match element(name) {
                    Some((field, at)) => {
                        parts.push(Part::Text(std::mem::take(&mut plain)));
                        parts.push(Part::Field(field, at));
                    }
                    None => diagnostics.push(unknown_field(name, text.place(start + 1..start + 1 + name.len()))),
                }
                name.len() + 2
            } else {
                let error = Diagnostic::error("syntax", text.place(start..start + 1), "this brace has no partner");
                diagnostics.push(error.hint("write `{{` or `}}` for the brace itself"));
                1
            };
            at = start + used;
            rest = text.value().get(at..).unwrap_or_default();
        }
        plain.push_str(rest);
        parts.push(Part::Text(plain));
        Self { parts }
    }

    /// The fields it names.
    pub fn fields(&self) -> impl Iterator<Item = &'static Field> {
        self.parts.iter().filter_map(|part| match part {
            Part::Field(field, _) => Some(*field),
            Part::Text(_) => None,
        })
    }

    /// As an author would write it.
    #[must_use]
    pub fn text(&self) -> String {
        let part = |part: &Part| match part {
            Part::Field(field, None) => format!("{{{}}}", field.name),
            Part::Field(field, Some(at)) => format!("{{{}[{at}]}}", field.name),
            Part::Text(text) => text.replace('{', "{{").replace('}', "}}"),
        };
        self.parts.iter().map(part).collect()
    }

    /// The message for an event. Absent fields read `(unknown)`; long ones are cut.
    #[must_use]
    pub fn fill(&self, event: &Event) -> Vec<u8> {
        let mut out = Vec::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::Field(field, at) => match field.row(event.kind()) {
                    Some(row) => match ((row.get)(event), at) {
                        (Value::List(list), Some(at)) => append(&mut out, list.at(*at), row.ty),
                        (value, _) => append(&mut out, value, row.ty),
                    },
                    None => append(&mut out, Value::Absent, Type::Keyword),
                },
            }
        }
        out
    }
}

/// A field, or the element of a list: `process.args[1]`.
fn element(name: &str) -> Option<(&'static Field, Option<usize>)> {
    let Some((list, rest)) = name.split_once('[') else { return Some((field::find(name)?, None)) };
    let field = field::find(list).filter(|field| field.any().array)?;
    Some((field, Some(rest.strip_suffix(']')?.parse().ok()?)))
}

fn append(out: &mut Vec<u8>, value: Value<'_>, ty: Type) {
    match value {
        Value::Absent | Value::Null => out.extend_from_slice(b"(unknown)"),
        Value::Bool(flag) => out.extend_from_slice(if flag { b"true" } else { b"false" }),
        Value::Bytes(bytes) => {
            out.extend_from_slice(bytes.get(..MAX_VALUE_BYTES).unwrap_or(bytes));
            if bytes.len() > MAX_VALUE_BYTES {
                out.extend_from_slice("…".as_bytes());
            }
        }
        Value::Int(number) if matches!(ty, Type::Time) => out.extend_from_slice(json::rfc3339(number).as_bytes()),
        Value::Int(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::Ip(address) => out.extend_from_slice(address.to_string().as_bytes()),
        Value::List(list) => {
            let start = out.len();
            for (index, item) in list.iter().enumerate() {
                if out.len() - start > MAX_VALUE_BYTES {
                    out.extend_from_slice("…".as_bytes());
                    break;
                }
                if index > 0 {
                    out.push(b' ');
                }
                append(out, item, ty);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::diagnostic::Source;

    fn check(template: &str, event: &str, expected: &str) {
        let mut diagnostics = Diagnostics::default();
        let template = Template::parse(&Text::alone(&Source::new("test", template)), &mut diagnostics);
        assert!(!diagnostics.has_errors(), "{diagnostics}");
        let (event, errors) = json::read(event.as_bytes()).expect("an event");
        assert_eq!(errors, []);
        assert_eq!(String::from_utf8_lossy(&template.fill(&event)), expected);
    }

    #[test]
    fn fields_are_filled_in() {
        let event =
            r#"{"event":{"action":"connect"},"destination":{"ip":"::1","port":22},"process":{"args":["a","b"]}}"#;
        check("{process.args} to {destination.ip}:{destination.port}", event, "a b to ::1:22");
        check("{{x}} by {user.name}, {file.path}", event, "{x} by (unknown), (unknown)");
        check("{process.args[1]}, {process.args[2]}", event, "b, (unknown)");
        check("", event, "");
    }

    #[test]
    fn long_values_are_cut() {
        let event = format!(r#"{{"event":{{"action":"exec"}},"process":{{"command_line":"{}"}}}}"#, "a".repeat(10_000));
        check("{process.command_line}", &event, &format!("{}…", "a".repeat(MAX_VALUE_BYTES)));
    }

    #[test]
    fn unknown_fields_and_single_braces_are_reported() {
        let mut diagnostics = Diagnostics::default();
        Template::parse(&Text::alone(&Source::new("test", "{process.nmae} } {x")), &mut diagnostics);
        let messages: Vec<_> = diagnostics.sorted().iter().map(|problem| problem.message.as_str()).collect();
        assert_eq!(
            messages,
            ["unknown field `process.nmae`", "this brace has no partner", "this brace has no partner"]
        );
    }
}
