//! JSON Schemas and the reference, from the tables that the program itself runs on.
//!
//! Nothing is described twice: a test holds the committed files in `schemas/` and `docs/` against
//! what is made here.

mod event;
mod recording;
mod reference;
mod rule;
mod settings;

use serde_json::{Map, Value, json};

pub use reference::reference;
pub(crate) use reference::{origin, type_name};

use crate::event::{json::Form, value::Type};

/// One published schema: its name and how it is made.
pub type Schema = (&'static str, fn() -> Value);

/// Every schema.
pub const ALL: &[Schema] = &[
    ("alert", event::alert),
    ("config", settings::config),
    ("definitions", rule::definitions),
    ("event", event::event),
    ("overrides", rule::overrides),
    ("recording", recording::recording),
    ("rule", rule::rule),
];

/// The schema of that name.
#[must_use]
pub fn find(name: &str) -> Option<Value> {
    ALL.iter().find(|(known, _)| *known == name).map(|(_, make)| make())
}

/// The text of a schema's file.
#[must_use]
pub fn text(schema: &Value) -> String {
    let mut text = serde_json::to_string_pretty(schema).unwrap_or_default();
    text.push('\n');
    text
}

/// The head that all schemas share.
fn head(name: &str, title: &str, description: &str) -> Map<String, Value> {
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("$id".to_owned(), json!(format!("urn:beewolf:schema:{name}")));
    schema.insert("title".to_owned(), json!(title));
    schema.insert("description".to_owned(), json!(description));
    schema
}

/// One member of an object, named with dots.
struct Member {
    name: String,
    schema: Value,
    always: bool,
}

/// A closed object of members, nested by the dots of their names.
fn object(mut members: Vec<Member>) -> Value {
    members.sort_by(|a, b| crate::event::json::order(&a.name, &b.name));
    let mut properties = Map::new();
    let mut required = Vec::new();
    let mut rest = members.into_iter().peekable();
    while let Some(member) = rest.next() {
        let Some((folder, inner)) = member.name.split_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())) else {
            if member.always {
                required.push(json!(member.name));
            }
            properties.insert(member.name, member.schema);
            continue;
        };
        let mut group = vec![Member { name: inner, schema: member.schema, always: member.always }];
        while let Some(next) = rest.next_if(|next| next.name.split('.').next() == Some(folder.as_str())) {
            let name = next.name.split_once('.').map_or_else(String::new, |(_, inner)| inner.to_owned());
            group.push(Member { name, ..next });
        }
        if group.iter().any(|member| member.always) {
            required.push(json!(folder));
        }
        properties.insert(folder, object(group));
    }
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), Value::Object(properties));
    if !required.is_empty() {
        schema.insert("required".to_owned(), Value::Array(required));
    }
    schema.insert("additionalProperties".to_owned(), json!(false));
    Value::Object(schema)
}

/// The schema of one value of a type.
fn value(ty: Type) -> Value {
    match ty {
        Type::Boolean => json!({"type": "boolean"}),
        Type::Integer => json!({"type": "integer"}),
        Type::Ip => json!({"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]}),
        Type::Keyword => json!({"type": "string"}),
        Type::NumericKeyword => json!({"type": "string", "pattern": "^-?[0-9]+$"}),
        Type::Time => json!({"type": "string", "format": "date-time"}),
        Type::Word(words) => json!({"type": "string", "enum": words}),
    }
}

fn described(mut schema: Value, description: String) -> Value {
    if let Value::Object(members) = &mut schema {
        members.insert("description".to_owned(), Value::String(description));
    }
    schema
}

/// Both forms, of which a line has one.
fn forms(mut schema: Map<String, Value>, make: impl Fn(Form) -> Value) -> Value {
    schema.insert("anyOf".to_owned(), json!([{"$ref": "#/$defs/ours"}, {"$ref": "#/$defs/ecs"}]));
    schema.insert("$defs".to_owned(), json!({"ours": make(Form::Ours), "ecs": make(Form::Ecs)}));
    Value::Object(schema)
}
