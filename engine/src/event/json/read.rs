//! Reads events from JSON text, without a copy of it in between.
//!
//! The names of all fields form a tree; the members of an object are looked up in it as they come.

use std::{fmt, sync::LazyLock};

use ahash::AHashMap;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use super::{FieldError, ReadError};
use crate::event::{
    Event, Kind,
    field::{self, Field},
    text,
    value::{Owned, Words},
};

/// An object that events may have, or a field of theirs.
#[derive(Default)]
struct Node {
    field: Option<&'static Field>,
    members: AHashMap<&'static str, Node>,
}

/// All fields; the root is the event itself.
static TREE: LazyLock<Node> = LazyLock::new(|| {
    let mut root = Node::default();
    for field in field::all() {
        let node = field.name.split('.').fold(&mut root, |node, segment| node.members.entry(segment).or_default());
        node.field = Some(field);
    }
    root
});

/// Most members of an event have a name that is known.
enum Name {
    Known(&'static Field),
    Unknown(String),
}

impl Name {
    fn of(name: String) -> Self {
        field::find(&name).map_or(Self::Unknown(name), Self::Known)
    }
}

/// Sets fields of a new event of `kind`; what does not fit is reported and left out.
pub fn build(kind: Kind, fields: impl IntoIterator<Item = (String, Owned)>) -> (Event, Vec<FieldError>) {
    set(kind, fields.into_iter().map(|(name, value)| (Name::of(name), value)))
}

fn set(kind: Kind, fields: impl IntoIterator<Item = (Name, Owned)>) -> (Event, Vec<FieldError>) {
    let mut event = Event::new(kind);
    let mut errors = Vec::new();
    for (name, value) in fields {
        let field = match name {
            Name::Known(field) => field,
            Name::Unknown(name) => {
                errors.push(FieldError::Unknown(name));
                continue;
            }
        };
        let Some(row) = field.row(kind) else {
            errors.push(FieldError::OtherKind { name: field.name.to_owned(), kind: kind.name() });
            continue;
        };
        // `field = value` stands for a list of one, as it does in conditions.
        let is_list = matches!(value, Owned::List(_));
        let value = if row.array && !is_list { Owned::List(vec![value]) } else { value };
        if let Err(mismatch) = (row.set)(&mut event, &value) {
            errors.push(FieldError::Value { name: field.name.to_owned(), mismatch });
        }
    }
    (event, errors)
}

/// Reads an event written by [`super::write`] in our form. Members that do not fit are reported beside it.
///
/// # Errors
/// [`ReadError`] when the line is no event at all.
pub fn read(line: &[u8]) -> Result<(Event, Vec<FieldError>), ReadError> {
    let mut fields = Vec::with_capacity(64);
    let mut json = serde_json::Deserializer::from_slice(line);
    let found = Member { node: Some(&TREE), path: &Path::default(), fields: &mut fields }.deserialize(&mut json)?;
    json.end()?;
    if !matches!(found, Found::Object) {
        return Err(ReadError::NotAnObject);
    }
    // Of two members with one name the last one counts.
    let kind = fields.iter().rev().find_map(|(name, value)| match (name, value) {
        (Name::Known(field), Owned::Bytes(word)) if field.name == "event.action" => Some(<Kind as Words>::parse(word)),
        _ => None,
    });
    Ok(set(kind.flatten().ok_or(ReadError::Kind)?, fields))
}

/// The way to a member, for names that are not known.
#[derive(Default)]
struct Path<'p> {
    above: Option<&'p Path<'p>>,
    segment: &'p str,
}

impl Path<'_> {
    fn dotted(&self) -> String {
        match self.above {
            Some(above @ Path { above: Some(_), .. }) => format!("{}.{}", above.dotted(), self.segment),
            Some(_) | None => self.segment.to_owned(),
        }
    }
}

/// What a member was.
enum Found {
    /// An object, whose members were taken.
    Object,
    /// Anything else.
    Value,
}

/// The value of a member. Objects inside each other are bounded by the JSON parser (128).
struct Member<'m> {
    /// What the tree has at its place.
    node: Option<&'static Node>,
    path: &'m Path<'m>,
    fields: &'m mut Vec<(Name, Owned)>,
}

impl Member<'_> {
    fn take<E>(self, value: Owned) -> Result<Found, E> {
        let name = match self.node.and_then(|node| node.field) {
            Some(field) => Name::Known(field),
            None => Name::of(self.path.dotted()),
        };
        self.fields.push((name, value));
        Ok(Found::Value)
    }
}

impl<'de> DeserializeSeed<'de> for Member<'_> {
    type Value = Found;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Member<'_> {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Found, E> {
        self.take(Owned::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Found, E> {
        self.take(Owned::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Found, E> {
        self.take(unsigned(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Found, E> {
        self.take(fraction(number))
    }

    fn visit_str<E>(self, string: &str) -> Result<Found, E> {
        self.take(Owned::Bytes(text::decode(string)))
    }

    fn visit_unit<E>(self) -> Result<Found, E> {
        Ok(Found::Value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Found, A::Error> {
        let list = Element.visit_seq(items)?;
        self.take(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Found, A::Error> {
        let Member { node, path, fields } = self;
        while let Some(Key { segment, node }) = members.next_key_seed(KeyOf(node))? {
            let segment = node.map_or_else(|| segment.as_str(), |(segment, _)| segment);
            let path = Path { above: Some(path), segment };
            members.next_value_seed(Member { node: node.map(|(_, node)| node), path: &path, fields })?;
        }
        Ok(Found::Object)
    }
}

/// The name of a member: what the tree has for it, or the name itself.
struct Key {
    segment: String,
    node: Option<(&'static str, &'static Node)>,
}

/// A key below a place of the tree.
struct KeyOf(Option<&'static Node>);

impl<'de> DeserializeSeed<'de> for KeyOf {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeyOf {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Key, E> {
        let node = self.0.and_then(|node| node.members.get_key_value(name)).map(|(segment, node)| (*segment, node));
        let segment = if node.is_some() { String::new() } else { name.to_owned() };
        Ok(Key { segment, node })
    }
}

/// An element of a list.
struct Element;

impl<'de> DeserializeSeed<'de> for Element {
    type Value = Owned;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Owned, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Element {
    type Value = Owned;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Owned, E> {
        Ok(Owned::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Owned, E> {
        Ok(Owned::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Owned, E> {
        Ok(unsigned(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Owned, E> {
        Ok(fraction(number))
    }

    fn visit_str<E>(self, string: &str) -> Result<Owned, E> {
        Ok(Owned::Bytes(text::decode(string)))
    }

    /// An unknown element.
    fn visit_unit<E>(self) -> Result<Owned, E> {
        Ok(Owned::Bytes(Box::default()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Owned, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Self)? {
            list.push(item);
        }
        Ok(Owned::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Owned, A::Error> {
        while members.next_entry::<serde::de::IgnoredAny, serde::de::IgnoredAny>()?.is_some() {}
        Ok(Owned::Bytes(Box::default()))
    }
}

fn unsigned(number: u64) -> Owned {
    i64::try_from(number).map_or_else(|_| Owned::Bytes(number.to_string().into_bytes().into()), Owned::Int)
}

/// A number that is no integer keeps its text.
fn fraction(number: f64) -> Owned {
    let text = Number::from_f64(number).map(|number| number.to_string()).unwrap_or_default();
    Owned::Bytes(text.into_bytes().into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::event::json::owned;

    /// Members by dotted name, of a whole JSON value.
    fn flatten(prefix: &str, object: serde_json::Map<String, Value>, fields: &mut Vec<(String, Owned)>) {
        for (key, value) in object {
            let name = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
            match value {
                Value::Object(inner) => flatten(&name, inner, fields),
                Value::Null => {}
                other @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
                    fields.push((name, owned(other)));
                }
            }
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e9_f64..1e9).prop_map(Value::from),
            "[a-z\u{10ff00}-\u{10ffff}\\\\\"/]{0,6}".prop_map(Value::from),
            Just(Value::from("10.0.0.1")),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            let key =
                prop_oneof!["[a-z]{1,3}", Just("pid".to_owned()), Just("args".to_owned()), Just("process".to_owned())];
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec((key, inner), 0..4).prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    proptest! {
        /// Held against reading the whole JSON first.
        #[test]
        fn the_event_is_that_of_the_whole_object(process in any_json(), other in any_json(), user in any_json()) {
            let whole = json!({
                "event": {"action": "exec"}, "process": process, "other": other, "user": {"id": user.clone(), "name": user},
            });
            let Value::Object(object) = whole.clone() else { unreachable!("it is an object") };
            let mut fields = Vec::new();
            flatten("", object, &mut fields);
            let (expected, wrong) = build(Kind::Exec, fields);
            let (event, errors) = read(whole.to_string().as_bytes()).expect("an event");
            prop_assert_eq!(event, expected);
            prop_assert_eq!(errors, wrong);
        }
    }

    #[test]
    fn what_is_no_event_is_refused() {
        let of = |line: &str| read(line.as_bytes()).map(|(event, errors)| (event.kind(), errors));
        assert!(matches!(of("[]"), Err(ReadError::NotAnObject)));
        assert!(matches!(of("7"), Err(ReadError::NotAnObject)));
        assert!(matches!(of("{}"), Err(ReadError::Kind)));
        assert!(matches!(of(r#"{"event":{"action":"nonsense"}}"#), Err(ReadError::Kind)));
        assert!(matches!(of(r#"{"event":{"action":"exec"}} x"#), Err(ReadError::Json(_))));
        assert!(matches!(of(r#"{"event":{"action":"exec"}"#), Err(ReadError::Json(_))));
        let deep = format!("{}1{}", "{\"a\":".repeat(200), "}".repeat(200));
        assert!(matches!(of(&deep), Err(ReadError::Json(_))));
    }

    #[test]
    fn dotted_names_and_the_last_of_two_members_count() {
        let (event, errors) =
            read(br#"{"event":{"action":"exec"},"process.pid":3,"user":{"id":"1"},"user":{"id":"2"}}"#)
                .expect("an event");
        assert_eq!(errors, []);
        assert_eq!(event.kind(), Kind::Exec);
        assert_eq!((find("process.pid", &event), find("user.id", &event)), ("Int(3)".into(), "Int(2)".into()));
    }

    fn find(name: &str, event: &Event) -> String {
        let row = field::find(name).and_then(|field| field.row(event.kind())).expect("a field");
        format!("{:?}", (row.get)(event))
    }
}
