//! Events of other products: JSON objects whose fields are what they are called there.
//!
//! A member is found by its path: `{"a":{"b":1}}` and `{"a.b":1}` both have `a.b`. The elements of an
//! array, and the members of objects in an array, are all values of one field.

use std::{fmt, io::Write, ops::Range};

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

use super::{
    facts::{Facts, Name, Names},
    field::Field,
    json::ReadError,
    mend,
    text::append_decoded,
    value::{List, Value},
};

/// One value of such an event.
#[derive(Clone, Copy, Debug)]
enum Scalar {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number, however it was written.
    Int(i64),
    /// `null`, or an array without elements: the field is there and says nothing.
    Null,
    /// A string; also a number that is no 64-bit integer, as it is written. Where it is in [`Foreign::text`].
    Text { start: usize, end: usize },
}

/// Several values of one name.
#[derive(Clone, Copy, Debug)]
pub struct Scalars<'e> {
    items: &'e [Scalar],
    text: &'e [u8],
}

impl<'e> Scalars<'e> {
    /// How many they are.
    #[must_use]
    pub fn len(self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.items.is_empty()
    }

    /// The value at a place, as conditions see it.
    #[must_use]
    pub fn at(self, place: usize) -> Value<'e> {
        match self.items.get(place) {
            None => Value::Absent,
            Some(Scalar::Bool(flag)) => Value::Bool(*flag),
            Some(Scalar::Int(number)) => Value::Int(*number),
            Some(Scalar::Null) => Value::Null,
            Some(Scalar::Text { start, end }) => Value::Bytes(self.text.get(*start..*end).unwrap_or_default()),
        }
    }
}

/// An event of another product, read against the names that conditions refer to.
#[derive(Clone, Debug, Default)]
pub struct Foreign {
    /// By slot: where the values of the name are in `scalars`.
    slots: Vec<Range<usize>>,
    /// Values that have a slot, values that have none, then objects as text.
    scalars: Vec<Scalar>,
    /// How many of them are values.
    values: usize,
    /// The bytes of all texts.
    text: Vec<u8>,
    /// Room for reading the next one.
    found: Room,
}

/// What has been found in an object so far.
#[derive(Clone, Debug, Default)]
struct Room {
    /// The names on the way to the member at hand, joined by dots.
    path: String,
    /// Values with their slots.
    values: Vec<(usize, Scalar)>,
    objects: Vec<(usize, Scalar)>,
    /// Whether a number was so large that some of its digits may be lost.
    is_rounded: bool,
}

/// The slot of values that no condition names: after all others.
const NO_SLOT: usize = usize::MAX;

impl Foreign {
    /// Reads a JSON object.
    ///
    /// # Errors
    /// [`ReadError`] if the line is none.
    pub fn read(line: &[u8], names: &Names) -> Result<Self, ReadError> {
        let mut event = Self::default();
        event.read_next(line, names)?;
        Ok(event)
    }

    /// Becomes what another JSON object says: for readers of many, since memory is kept. It has no
    /// meaning after an error. A byte order mark before it is no part of it; half of a surrogate pair becomes
    /// U+FFFD, and a number beyond a double the string that shows it.
    ///
    /// # Errors
    /// [`ReadError`] if the line is none.
    pub fn read_next(&mut self, line: &[u8], names: &Names) -> Result<(), ReadError> {
        let line = mend::without_mark(line);
        let mut read = self.read_values(line, names);
        // Few lines need it; none that is JSON goes unjudged for what its parser cannot keep.
        if (read.is_err() || self.found.is_rounded)
            && let Some(mended) = mend::mended(line)
        {
            let again = self.read_values(mended.as_bytes(), names);
            // An error is about the line as it was given.
            read = if again.is_ok() { again } else { read.and(again) };
        }
        if !read? {
            return Err(ReadError::NotAnObject);
        }
        self.sort(names);
        Ok(())
    }

    /// Finds the values of a line, and whether it is an object.
    fn read_values(&mut self, line: &[u8], names: &Names) -> Result<bool, ReadError> {
        let Self { text, found, .. } = self;
        text.clear();
        found.path.clear();
        found.values.clear();
        found.objects.clear();
        found.is_rounded = false;
        let member = Member(&mut Found { names, text, room: found });
        // Checked once as a whole, a line need not be checked string by string.
        let is_object = match std::str::from_utf8(line) {
            Ok(line) => whole_of(serde_json::Deserializer::from_str(line), member),
            Err(_) => whole_of(serde_json::Deserializer::from_slice(line), member),
        }?;
        Ok(is_object)
    }

    /// Puts values that were found where their slots say.
    fn sort(&mut self, names: &Names) {
        let Self { slots, scalars, found, .. } = self;
        // The sort is stable: elements stay in their order.
        found.values.sort_by_key(|(slot, _)| *slot);
        slots.clear();
        slots.resize(names.len(), 0..0);
        scalars.clear();
        for (slot, scalar) in &found.values {
            add(slots, scalars, *slot, *scalar);
        }
        self.values = scalars.len();
        for (slot, scalar) in &found.objects {
            if slots.get(*slot).is_some_and(|range| range.start == range.end) {
                add(slots, scalars, *slot, *scalar);
            }
        }
    }

    /// Values by their place in [`Self::scalars`].
    fn scalars(&self, range: Range<usize>) -> Scalars<'_> {
        Scalars { items: self.scalars.get(range).unwrap_or_default(), text: &self.text }
    }
}

/// Adds a value; those of one slot come one after the other.
fn add(slots: &mut [Range<usize>], scalars: &mut Vec<Scalar>, slot: usize, scalar: Scalar) {
    let at = scalars.len();
    if let Some(range) = slots.get_mut(slot) {
        *range = if range.start == range.end { at..at + 1 } else { range.start..at + 1 };
    }
    scalars.push(scalar);
}

/// From here on a number may have been an integer that 64 bits do not hold.
const BEYOND: f64 = 9_223_372_036_854_775_808.0;

/// Reads all there is.
fn whole_of<'de, R: serde_json::de::Read<'de>>(
    mut json: serde_json::Deserializer<R>,
    member: Member<'_, '_>,
) -> Result<bool, serde_json::Error> {
    let is_object = member.deserialize(&mut json)?;
    json.end()?;
    Ok(is_object)
}

impl Facts for Foreign {
    fn field(&self, _: &Field) -> Value<'_> {
        Value::Absent
    }

    fn named(&self, name: &Name) -> Value<'_> {
        let scalars = self.scalars(self.slots.get(name.slot()).cloned().unwrap_or_default());
        if scalars.len() > 1 { Value::List(List::Foreign(scalars)) } else { scalars.at(0) }
    }

    fn anywhere(&self, passes: impl FnMut(Value<'_>) -> bool) -> bool {
        let scalars = self.scalars(0..self.values);
        (0..scalars.len()).map(|place| scalars.at(place)).any(passes)
    }

    fn cut(&self) -> &[&'static str] {
        &[]
    }
}

/// Where what is found goes.
struct Found<'n> {
    names: &'n Names,
    text: &'n mut Vec<u8>,
    room: &'n mut Room,
}

impl Found<'_> {
    /// Goes on with a member of the object at hand. Conditions name fields without spaces.
    fn enter(&mut self, key: &str) {
        let path = &mut self.room.path;
        if !path.is_empty() {
            path.push('.');
        }
        if key.contains(' ') {
            path.extend(key.chars().filter(|character| *character != ' '));
        } else {
            path.push_str(key);
        }
    }

    fn slot(&self) -> Option<usize> {
        self.names.slot(&self.room.path)
    }

    fn scalar(&mut self, scalar: Scalar) {
        self.room.values.push((self.slot().unwrap_or(NO_SLOT), scalar));
    }

    /// Keeps a text, whose bytes the closure appends.
    fn text(&mut self, append: impl FnOnce(&mut Vec<u8>)) -> Scalar {
        let start = self.text.len();
        append(self.text);
        Scalar::Text { start, end: self.text.len() }
    }

    fn string(&mut self, string: &str) -> Scalar {
        self.text(|text| append_decoded(string, text))
    }

    /// `2`, `2.0` and `2e0` are the same number.
    fn number(&mut self, number: &serde_json::Number) -> Scalar {
        if let Some(whole) = number.as_i64() {
            return Scalar::Int(whole);
        }
        match number.as_f64().filter(|_| number.is_f64()) {
            Some(float) => self.float(float),
            None => self.shown(number),
        }
    }

    fn float(&mut self, float: f64) -> Scalar {
        self.room.is_rounded |= float.abs() >= BEYOND;
        whole(float).map_or_else(|| self.shown(&float), Scalar::Int)
    }

    fn shown(&mut self, shown: &impl fmt::Display) -> Scalar {
        // Writing to memory cannot fail.
        self.text(|text| drop(write!(text, "{shown}")))
    }

    /// Walks an object that has been read; its depth is bounded by the JSON parser (128).
    fn members(&mut self, object: serde_json::Map<String, serde_json::Value>) {
        let outer = self.room.path.len();
        for (key, value) in object {
            self.enter(&key);
            self.value(value);
            self.room.path.truncate(outer);
        }
    }

    fn value(&mut self, value: serde_json::Value) {
        match value {
            serde_json::Value::Array(items) if items.is_empty() => self.scalar(Scalar::Null),
            serde_json::Value::Array(items) => items.into_iter().for_each(|item| self.value(item)),
            serde_json::Value::Bool(flag) => self.scalar(Scalar::Bool(flag)),
            serde_json::Value::Null => self.scalar(Scalar::Null),
            serde_json::Value::Number(number) => {
                let number = self.number(&number);
                self.scalar(number);
            }
            serde_json::Value::Object(object) => self.object(object),
            serde_json::Value::String(string) => {
                let string = self.string(&string);
                self.scalar(string);
            }
        }
    }

    /// An object; one that a condition names is a text, too.
    fn object(&mut self, object: serde_json::Map<String, serde_json::Value>) {
        if let Some(slot) = self.slot() {
            let text = self.shown(&serde_json::Value::Object(object.clone()));
            self.room.objects.push((slot, text));
        }
        self.members(object);
    }
}

/// A value, taken as it is read; says whether it was an object.
struct Member<'f, 'n>(&'f mut Found<'n>);

impl Member<'_, '_> {
    fn take<E>(self, scalar: Scalar) -> Result<bool, E> {
        self.0.scalar(scalar);
        Ok(false)
    }
}

impl<'de> DeserializeSeed<'de> for Member<'_, '_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Member<'_, '_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<bool, E> {
        self.take(Scalar::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<bool, E> {
        self.take(Scalar::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<bool, E> {
        let number = self.0.number(&number.into());
        self.take(number)
    }

    fn visit_f64<E>(self, float: f64) -> Result<bool, E> {
        let float = self.0.float(float);
        self.take(float)
    }

    fn visit_str<E>(self, string: &str) -> Result<bool, E> {
        let string = self.0.string(string);
        self.take(string)
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        self.take(Scalar::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<bool, A::Error> {
        let mut is_empty = true;
        while items.next_element_seed(Member(&mut *self.0))?.is_some() {
            is_empty = false;
        }
        if is_empty { self.take(Scalar::Null) } else { Ok(false) }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<bool, A::Error> {
        let found = self.0;
        if !found.room.path.is_empty() && found.slot().is_some() {
            let object = serde_json::Map::deserialize(MapAccessDeserializer::new(members))?;
            found.object(object);
            return Ok(true);
        }
        let outer = found.room.path.len();
        while members.next_key_seed(Key(&mut *found))?.is_some() {
            members.next_value_seed(Member(&mut *found))?;
            found.room.path.truncate(outer);
        }
        Ok(true)
    }
}

/// The name of a member, which becomes the last part of the path.
struct Key<'f, 'n>(&'f mut Found<'n>);

impl<'de> DeserializeSeed<'de> for Key<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<(), E> {
        self.0.enter(name);
        Ok(())
    }
}

/// The integer a float is, if it is one that both hold exactly.
#[must_use]
pub fn whole(float: f64) -> Option<i64> {
    /// Beyond it not every integer is a float.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    // Through the text: there is no conversion that cannot lose.
    (float.fract() == 0.0 && float.abs() <= EXACT).then(|| format!("{float:.0}").parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of a name in an event, as text.
    fn check(line: &str, name: &str, expected: &[&str]) {
        let mut names = Names::default();
        let name = names.intern(name);
        let event = Foreign::read(line.as_bytes(), &names).expect("an event");
        let show = |value: Value<'_>| match value {
            Value::Absent => "absent".to_owned(),
            Value::Bool(flag) => flag.to_string(),
            Value::Bytes(bytes) => format!("'{}'", String::from_utf8_lossy(bytes)),
            Value::Int(number) => number.to_string(),
            Value::Ip(_) | Value::List(_) => "other".to_owned(),
            Value::Null => "null".to_owned(),
        };
        let values: Vec<String> = match event.named(&name) {
            Value::List(list) => list.iter().map(show).collect(),
            scalar
            @ (Value::Absent | Value::Bool(_) | Value::Bytes(_) | Value::Int(_) | Value::Ip(_) | Value::Null) => {
                vec![show(scalar)]
            }
        };
        assert_eq!(values, expected, "{line}");
    }

    #[test]
    fn members_are_found_by_their_path() {
        check(r#"{"a":{"b":1}}"#, "a.b", &["1"]);
        check(r#"{"a.b":1}"#, "a.b", &["1"]);
        check(r#"{"a.b":{"c":"x"},"a":{"b.c":"y"}}"#, "a.b.c", &["'x'", "'y'"]);
        check(r#"{"a":[{"b":1},{"b":[2,3]},{"c":4}]}"#, "a.b", &["1", "2", "3"]);
        check(r#"{"Event ID":1}"#, "EventID", &["1"]);
        check(r#"{"A":1}"#, "a", &["absent"]);
    }

    #[test]
    fn values_keep_what_they_are() {
        check(r#"{"a":true}"#, "a", &["true"]);
        check(r#"{"a":null}"#, "a", &["null"]);
        check(r#"{"a":[]}"#, "a", &["null"]);
        check(r#"{"a":[null,"x"]}"#, "a", &["null", "'x'"]);
        check(r#"{"a":2.0}"#, "a", &["2"]);
        check(r#"{"a":2.5}"#, "a", &["'2.5'"]);
        check(r#"{"a":18446744073709551615}"#, "a", &["'18446744073709551615'"]);
        check(r#"{"a":18446744073709551616}"#, "a", &["'18446744073709551616'"]);
        check(
            r#"{"a":[-9223372036854775809,-9223372036854775808]}"#,
            "a",
            &["'-9223372036854775809'", "-9223372036854775808"],
        );
        check(r#"{"a":123456789012345678901234567891}"#, "a", &["'123456789012345678901234567891'"]);
        check(r#"{"a":1e20}"#, "a", &["'100000000000000000000'"]);
        check(r#"{"a":{"b":1}}"#, "a", &[r#"'{"b":1}'"#]);
        check(r#"{"a":[7,{"b":1}]}"#, "a", &["7"]);
    }

    #[test]
    fn what_the_parser_of_json_cannot_keep_hides_no_event() {
        check("\u{FEFF}{\"a\":\"x\"}", "a", &["'x'"]);
        check(r#"{"a":"x","b":"\ud800"}"#, "a", &["'x'"]);
        check(r#"{"a":"x","b":"\ud800"}"#, "b", &["'\u{FFFD}'"]);
        check(r#"{"a":"x","b":1e400}"#, "a", &["'x'"]);
        check(r#"{"a":"x","b":1e400}"#, "b", &["'1e400'"]);
        let mut names = Names::default();
        let name = names.intern("a");
        let event = Foreign::read(b"{\"a\":\"x\",\"b\":\"\xff\"}", &names).expect("an event");
        assert!(matches!(event.named(&name), Value::Bytes(b"x")));
    }

    #[test]
    fn keywords_see_every_value_once_and_no_name() {
        let mut names = Names::default();
        names.intern("a");
        let event = Foreign::read(br#"{"a":{"b":"x"},"c":[1,"y"],"d":null}"#, &names).expect("an event");
        let mut seen = 0;
        assert!(!event.anywhere(|_| {
            seen += 1;
            false
        }));
        assert_eq!(seen, 4);
    }

    proptest::proptest! {
        #[test]
        fn any_line_is_read_or_refused(line in r#"[\[\]{}",:0-9a-c.e -]{0,60}"#) {
            let mut names = Names::default();
            names.intern("a");
            if let Ok(event) = Foreign::read(line.as_bytes(), &names) {
                // What has a slot is seen by keywords as well, and nothing else has one.
                let name = names.intern("a");
                let mut values = 0;
                event.anywhere(|_| { values += 1; false });
                let is_object = matches!(event.named(&name), Value::Bytes(text) if text.starts_with(b"{"));
                let named = usize::from(!matches!(event.named(&name), Value::Absent) && !is_object);
                proptest::prop_assert!(values >= named);
            }
        }
    }

    #[test]
    fn nothing_is_left_of_the_event_before() {
        let lines = [
            r#"{"a":[1,"two",{"c":"three"}],"b":"long text","d":null}"#,
            r#"{"a":"x"}"#,
            r#"{"a":{"c":"#,
            r#"{"b":{"c":[true,2.5]}}"#,
            "{}",
            r#"{"d":"ä","a":["x","y"]}"#,
        ];
        let mut names = Names::default();
        let slots: Vec<_> = ["a", "b", "a.c", "b.c"].map(|name| names.intern(name)).into();
        let shown = |event: &Foreign| {
            let values: Vec<_> = slots.iter().map(|name| format!("{:?}", event.named(name))).collect();
            let mut anywhere = Vec::new();
            event.anywhere(|value| {
                anywhere.push(format!("{value:?}"));
                false
            });
            (values, anywhere)
        };
        let values =
            |line: &str, event: &mut Foreign| event.read_next(line.as_bytes(), &names).ok().map(|()| shown(event));
        let mut event = Foreign::default();
        for line in lines {
            assert_eq!(values(line, &mut event), values(line, &mut Foreign::default()), "{line}");
        }
    }

    #[test]
    fn only_objects_are_events() {
        for line in ["", "[]", "1", "{"] {
            assert!(Foreign::read(line.as_bytes(), &Names::default()).is_err(), "{line}");
        }
    }
}
