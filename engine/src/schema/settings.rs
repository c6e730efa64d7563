//! Schema of the configuration, from its tables.

use serde_json::{Value, json};

use super::{Member, described, head, object};
use crate::{
    config, indicator,
    setting::{Preset, Row, Type},
    sink,
};

pub(super) fn config() -> Value {
    let mut schema = head("config", "Beewolf configuration", "The one YAML file that `beewolf run` reads.");
    let mut members: Vec<Member> = config::ROWS.iter().map(member).collect();
    let sinks: Vec<Value> = sink::ALL
        .iter()
        .map(|sink| {
            let mut members: Vec<Member> = sink::rows(*sink).iter().map(member).collect();
            members.push(Member { name: "type".to_owned(), schema: json!({"const": sink.name()}), always: true });
            described(object(members), sink.doc().to_owned())
        })
        .collect();
    let list = object(indicator::ROWS.iter().map(member).collect());
    members.push(Member {
        name: config::INDICATORS.to_owned(),
        schema: described(json!({"type": ["object", "null"], "additionalProperties": list}), indicator::DOC.to_owned()),
        always: false,
    });
    let list = json!({"type": "array", "items": {"oneOf": sinks}});
    members.push(Member {
        name: "sinks".to_owned(),
        schema: described(list, config::SINKS_DOC.to_owned()),
        always: false,
    });
    if let Value::Object(body) = object(members) {
        schema.extend(body);
    }
    Value::Object(schema)
}

fn member(row: &Row) -> Member {
    let schema = match row.ty {
        Type::Boolean => json!({"type": "boolean"}),
        Type::Duration { .. } => json!({"anyOf": [
            {"type": "string", "pattern": "^[0-9]+ ?(ms|s|m|h|d)$"},
            {"const": 0},
        ]}),
        Type::Integer { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
        Type::Path => json!({"type": "string", "minLength": 1}),
        Type::Paths => json!({"anyOf": [
            {"type": "array", "items": {"type": "string", "minLength": 1}},
            {"type": "string", "minLength": 1},
        ]}),
        Type::Size { min, max } => json!({"anyOf": [
            {"type": "integer", "minimum": min, "maximum": max},
            {"type": "string", "pattern": "^[0-9]+ ?(B|KiB|MiB|GiB)?$"},
        ]}),
        Type::Texts => json!({"anyOf": [
            {"type": "array", "items": {"type": "string", "maxLength": 1024}},
            {"type": "string", "maxLength": 1024},
        ]}),
        Type::Text => json!({"type": "string", "maxLength": 1024}),
        Type::Word(words) => json!({"type": "string", "enum": words}),
    };
    let schema = if row.preset == Preset::Absent { json!({"anyOf": [schema, {"type": "null"}]}) } else { schema };
    let mut schema = described(schema, format!("{} Value: {}.", row.doc, row.ty.describe()));
    if let (Value::Object(members), false) = (&mut schema, matches!(row.preset, Preset::Required)) {
        members.insert("default".to_owned(), preset(row));
    }
    Member { name: row.name.to_owned(), schema, always: row.preset == Preset::Required }
}

fn preset(row: &Row) -> Value {
    match row.preset {
        Preset::Absent | Preset::Required => Value::Null,
        Preset::Boolean(flag) => json!(flag),
        Preset::Duration(time) => json!(crate::setting::duration_text(time)),
        Preset::List(items) => json!(items),
        Preset::Number(number) if matches!(row.ty, Type::Size { .. }) => json!(crate::setting::size_text(number)),
        Preset::Number(number) => json!(number),
        Preset::Text(text) => json!(text),
    }
}
