//! Events as JSON objects nested by the dots of the field names, and back.

mod read;

use std::sync::LazyLock;

pub use read::{build, read};

use super::{
    Event, Kind,
    field::{self, Origin, Row},
    text,
    value::{Mismatch, Owned, Type, Value},
};

/// Which names an object uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// ECS names at the top, ours below `beewolf.`: what a SIEM with an ECS mapping takes.
    Ecs,
    /// The names of the field table: what rules, recordings and `trace` use.
    Ours,
}

/// The value of a member to be written.
#[derive(Clone, Copy, Debug)]
pub enum Leaf<'v> {
    /// JSON text, written as it is.
    Json(&'v str),
    /// A string.
    Text(&'v [u8]),
    /// A field's value with its type.
    Typed(Value<'v>, Type),
}

/// The rows of each kind under their names in one form, in [`order`].
type Plan = Vec<Vec<(String, &'static Row)>>;

static PLANS: LazyLock<[Plan; 2]> = LazyLock::new(|| {
    [Form::Ecs, Form::Ours].map(|form| {
        Kind::ALL
            .iter()
            .map(|kind| {
                let mut plan: Vec<_> = field::rows(*kind).map(|row| (name_in(row, form), row)).collect();
                plan.sort_by(|(a, _), (b, _)| order(a, b));
                plan
            })
            .collect()
    })
});

/// The name of a field in a form.
#[must_use]
pub fn name_in(row: &Row, form: Form) -> String {
    match (form, row.origin) {
        (Form::Ecs, Origin::Ours) => format!("beewolf.{}", row.name),
        (Form::Ecs, Origin::Ecs) | (Form::Ours, _) => row.name.to_owned(),
    }
}

/// The name, in a form, of a member that ECS does not have.
#[must_use]
pub fn ours(name: &str, form: Form) -> String {
    match form {
        Form::Ecs => format!("beewolf.{name}"),
        Form::Ours => name.to_owned(),
    }
}

/// The order of members: by the first segment that differs, so that objects stand together.
#[must_use]
pub fn order(a: &str, b: &str) -> std::cmp::Ordering {
    a.split('.').cmp(b.split('.'))
}

/// The members of an event, in [`order`], absent ones left out.
pub fn members(event: &Event, form: Form) -> impl Iterator<Item = (&'static str, Leaf<'_>)> {
    let plans: &'static [Plan; 2] = &PLANS;
    let plan =
        plans.get(form as usize).and_then(|kinds| kinds.get(event.kind() as usize)).map_or(&[][..], Vec::as_slice);
    plan.iter().filter_map(move |(name, row)| match (row.get)(event) {
        Value::Absent | Value::Null => None,
        value @ (Value::Bool(_) | Value::Bytes(_) | Value::Int(_) | Value::Ip(_) | Value::List(_)) => {
            Some((name.as_str(), Leaf::Typed(value, row.ty)))
        }
    })
}

/// Appends the event as one JSON object, without a line end.
pub fn write(out: &mut Vec<u8>, event: &Event, form: Form) {
    write_object(out, members(event, form));
}

/// Appends an object of members that come in [`order`]; of two with one name the first is written.
pub fn write_object<'n, 'v>(out: &mut Vec<u8>, members: impl Iterator<Item = (&'n str, Leaf<'v>)>) {
    let mut open: Vec<&str> = Vec::new();
    let mut previous = "";
    out.push(b'{');
    let mut first = true;
    for (name, leaf) in members {
        if name == previous {
            continue;
        }
        previous = name;
        let (folders, last) = name.rsplit_once('.').unwrap_or(("", name));
        let shared = open.iter().zip(folders.split('.')).take_while(|(a, b)| **a == *b).count();
        for _ in shared..open.len() {
            out.push(b'}');
            first = false;
        }
        open.truncate(shared);
        if !folders.is_empty() {
            for folder in folders.split('.').skip(shared) {
                key(out, folder, &mut first);
                out.push(b'{');
                first = true;
                open.push(folder);
            }
        }
        key(out, last, &mut first);
        write_leaf(out, leaf);
    }
    out.extend(std::iter::repeat_n(b'}', open.len() + 1));
}

/// Appends an object of members in any order.
pub fn write_sorted(out: &mut Vec<u8>, mut members: Vec<(String, Leaf<'_>)>) {
    members.sort_by(|(a, _), (b, _)| order(a, b));
    write_object(out, members.iter().map(|(name, leaf)| (name.as_str(), *leaf)));
}

fn key(out: &mut Vec<u8>, name: &str, first: &mut bool) {
    if !std::mem::replace(first, false) {
        out.push(b',');
    }
    text::write_json(out, name.as_bytes());
    out.push(b':');
}

fn write_leaf(out: &mut Vec<u8>, leaf: Leaf<'_>) {
    match leaf {
        Leaf::Json(json) => out.extend_from_slice(json.as_bytes()),
        Leaf::Text(bytes) => text::write_json(out, bytes),
        Leaf::Typed(Value::List(list), ty) => {
            out.push(b'[');
            for (index, item) in list.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_scalar(out, item, ty);
            }
            out.push(b']');
        }
        Leaf::Typed(value, ty) => write_scalar(out, value, ty),
    }
}

fn write_scalar(out: &mut Vec<u8>, value: Value<'_>, ty: Type) {
    match value {
        // An unknown element of a list; lists do not nest.
        Value::Absent | Value::List(_) | Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(flag) => out.extend_from_slice(if flag { b"true" } else { b"false" }),
        Value::Bytes(bytes) => text::write_json(out, bytes),
        Value::Int(number) => match ty {
            Type::NumericKeyword => out.extend_from_slice(format!("\"{number}\"").as_bytes()),
            Type::Time => out.extend_from_slice(format!("\"{}\"", rfc3339(number)).as_bytes()),
            Type::Boolean | Type::Integer | Type::Ip | Type::Keyword | Type::Word(_) => {
                out.extend_from_slice(number.to_string().as_bytes());
            }
        },
        Value::Ip(address) => out.extend_from_slice(format!("\"{address}\"").as_bytes()),
    }
}

/// A time as `2026-11-22T15:04:05.123456789Z`.
#[must_use]
pub fn rfc3339(ns: i64) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(ns)).map_or_else(|_| ns.to_string(), |time| format!("{time:.9}"))
}

/// What is wrong with one member of an event object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// No field has that name. A rule test must not name it; a recording of a newer version may.
    #[error("unknown field `{0}`")]
    Unknown(String),
    /// Events of this kind do not have the field.
    #[error("`{kind}` events have no field `{name}`")]
    OtherKind {
        /// The field.
        name: String,
        /// The event's kind.
        kind: &'static str,
    },
    /// The value does not fit.
    #[error("`{name}`: {mismatch}")]
    Value {
        /// The field.
        name: String,
        /// Why.
        mismatch: Mismatch,
    },
}

/// Why an object is no event.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The text is not JSON. The recording is damaged.
    #[error("not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The JSON is not an object.
    #[error("not a JSON object")]
    NotAnObject,
    /// `event.action` is missing or names no kind.
    #[error("`event.action` must be one of {}", Kind::ALL_NAMES.join(", "))]
    Kind,
}

/// A JSON value as a field's value. `null` inside a list is an unknown element; a number that is no
/// 64-bit integer keeps its text.
#[must_use]
pub fn owned(value: serde_json::Value) -> Owned {
    match value {
        serde_json::Value::Bool(flag) => Owned::Bool(flag),
        serde_json::Value::Number(number) => {
            number.as_i64().map_or_else(|| Owned::Bytes(number.to_string().into_bytes().into()), Owned::Int)
        }
        serde_json::Value::String(text) => Owned::Bytes(text::decode(&text)),
        serde_json::Value::Array(items) => Owned::List(items.into_iter().map(owned).collect()),
        serde_json::Value::Null | serde_json::Value::Object(_) => Owned::Bytes(Box::default()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn an_event_survives_the_round_trip() {
        let line = br#"{"@timestamp":"2026-11-22T15:04:05.123456789Z","event":{"action":"connect","category":["network"],"id":"a.1","kind":"event","outcome":"failure","type":["start"]},"destination":{"ip":"10.0.0.1","port":443},"error":{"code":"ECONNREFUSED"},"process":{"ancestors":{"count":3,"executable":["/bin/sh",null,"/sbin/init"],"pid":[2,null,1]},"args":["curl","-s"],"parent":{"executable":"/bin/sh","pid":2},"pid":3},"user":{"id":"0"}}"#;
        let (event, errors) = read(line).expect("an event");
        assert_eq!(errors, []);
        let mut out = Vec::new();
        write(&mut out, &event, Form::Ours);
        let (again, errors) = read(&out).expect("an event");
        assert_eq!(errors, []);
        assert_eq!(event, again);
        let (a, b): (serde_json::Value, serde_json::Value) =
            (serde_json::from_slice(line).expect("JSON"), serde_json::from_slice(&out).expect("JSON"));
        assert_eq!(a, b);
    }

    #[test]
    fn our_names_move_below_beewolf_in_the_ecs_form() {
        let mut event = Event::new(Kind::Exec);
        Arc::make_mut(&mut event.process).executable_memfd = Some(true);
        let mut out = Vec::new();
        write(&mut out, &event, Form::Ecs);
        let json: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
        assert_eq!(json["beewolf"]["process"]["executable_memfd"], true);
        assert_eq!(json["event"]["action"], "exec");
    }

    #[test]
    fn members_that_do_not_fit_are_named() {
        let (_, errors) =
            read(br#"{"event":{"action":"fork"},"file":{"path":"/x"},"nonsense":1,"process":{"pid":"x"}}"#)
                .expect("an event");
        let messages: Vec<_> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            messages,
            [
                "`fork` events have no field `file.path`",
                "unknown field `nonsense`",
                "`process.pid`: expected an integer, found a string"
            ]
        );
    }
}
