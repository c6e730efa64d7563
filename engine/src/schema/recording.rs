//! Schema of the lines that only recordings have. The others fit the schema of events.

use serde_json::{Value, json};

use super::{Member, described, head, object};
use crate::event::Kind;

pub(super) fn recording() -> Value {
    let mut schema = head(
        "recording",
        "First and last line of a Beewolf recording",
        "The lines between them are events and losses in the form `ours`.",
    );
    schema.insert("anyOf".to_owned(), json!([header(), manifest()]));
    Value::Object(schema)
}

fn line(record: &str, members: Vec<(&str, Value, &str)>) -> Value {
    let member = |name: &str, schema| Member { name: format!("beewolf.{name}"), schema, always: true };
    let mut all = vec![member("record", json!({"const": record}))];
    all.extend(members.into_iter().map(|(name, schema, doc)| member(name, described(schema, doc.to_owned()))));
    object(all)
}

fn header() -> Value {
    let text = || json!({"type": "string"});
    line(
        "header",
        vec![
            ("format", json!({"type": "integer", "minimum": 1}), "Number of the line format."),
            ("host", text(), "Name of the host."),
            ("kernel", text(), "Release of its kernel."),
            ("version", text(), "Version of Beewolf."),
            ("boot_id", text(), "Id of the host's boot."),
            ("created", text(), "When it began, RFC 3339."),
        ],
    )
}

fn manifest() -> Value {
    let rule = json!({
        "type": "object",
        "properties": {"id": {"type": "string"}, "content_hash": {"type": "string"}},
        "required": ["id", "content_hash"],
        "additionalProperties": false,
    });
    line(
        "manifest",
        vec![
            ("host", json!({"type": "string"}), "Name of the host."),
            ("kernel", json!({"type": "string"}), "Release of its kernel."),
            ("rules", json!({"type": "array", "items": rule}), "The rules that were loaded."),
            (
                "events",
                json!({
                    "type": "object",
                    "propertyNames": {"enum": Kind::ALL_NAMES},
                    "additionalProperties": {"type": "integer", "minimum": 1},
                }),
                "Events in the recording, by kind.",
            ),
            (
                "losses",
                json!({"type": "array", "items": {"type": "object"}}),
                "Losses, as the schema of events has them.",
            ),
            ("complete", json!({"type": "boolean"}), "Nothing was lost between the kernel and the file."),
        ],
    )
}
