//! Rules in our own format.

use sha2::{Digest, Sha256};

use super::{
    ast::Text,
    check::unknown_field,
    correlate::{self, draft::Draft},
    definition::Definitions,
    diagnostic::{Diagnostic, Diagnostics, Place},
    exception,
    expr::Expr,
    lint,
    loaded::{Action, Loaded, RuleTest, State},
    overriding::Override,
    shape::{Shape, is_null, text, wrong_type},
    template::Template,
    timespan,
    yaml::{Node, Plain, Value},
};
use crate::event::{
    Data, Event, Kind,
    field::{self, Row},
    file::name_and_extension,
    json::{self, FieldError},
    process::Process,
    text as bytes_text,
    value::{Owned, Time, Type, Words},
};

/// Keys of a rule, in the order documents list them.
pub const KEYS: &[&str] = &[
    "id",
    "title",
    "description",
    "severity",
    "tags",
    "references",
    "author",
    "license",
    "lists",
    "macros",
    "when",
    "count",
    "sequence",
    "unless",
    "output",
    "respond",
    "tests",
];

/// What alerts call the set that native rules belong to.
pub const RULESET: &str = "native";

/// What `respond` may ask for.
pub const ACTIONS: &[&str] = &["block", "cut", "freeze", "kill", "refuse"];

/// Reads a rule. `None` if anything is wrong, which is then reported.
pub(super) fn read(
    node: &Node,
    definitions: &mut Definitions,
    change: Option<&Override>,
    diagnostics: &mut Diagnostics,
) -> Option<Loaded> {
    let before = diagnostics.errors();
    let shape = Shape::new(node, "a rule", KEYS, diagnostics)?;
    let id = shape.required_text("id", diagnostics).filter(|id| check_id(id, &shape, diagnostics));
    let title = shape.required_text("title", diagnostics);
    let description = shape.text("description", diagnostics).unwrap_or_default();
    let severity = shape.word("severity", diagnostics);
    let tags = shape.texts("tags", diagnostics);
    let references = shape.texts("references", diagnostics);
    let author = shape.text("author", diagnostics);
    let license = shape.text("license", diagnostics);
    definitions.enter(&node.place.source.name);
    definitions.read(&shape, diagnostics);
    if let Some(change) = change {
        change.extend_lists(definitions, diagnostics);
    }
    let condition = match shape.get("sequence") {
        // Its steps have the conditions.
        Some(_) => Some(Expr::Const(false)),
        None => shape.condition("when", diagnostics).and_then(|text| definitions.condition(&text, diagnostics)),
    };
    let draft = several_events(&shape, definitions, diagnostics);
    let unless = exception::read_all(&shape, definitions, diagnostics);
    let content_hash = content_hash(node, definitions);
    definitions.leave(diagnostics);
    let output = match shape.get("output") {
        Some(output) => {
            text(output, "output", diagnostics).map(|_| Template::parse(&Text::of_node(output), diagnostics))
        }
        None => Some(Template::plain(title.as_deref().unwrap_or_default())),
    };
    let respond = actions(&shape, diagnostics);
    let tests: Vec<_> = shape.items("tests", diagnostics).filter_map(|node| read_test(node, diagnostics)).collect();
    let place = node.get("id").map_or_else(|| node.place.clone(), |id| id.place.clone());
    if let (Some(condition), Some(when), None) = (&condition, shape.get("when"), shape.get("sequence")) {
        match shape.get("count") {
            Some(_) => lint::some_kinds(condition, when, diagnostics),
            None => lint::kinds(condition, when, diagnostics),
        }
        lint::joins(condition, when, diagnostics);
    }
    if condition.is_some() {
        lint_rule(&place, &tags, &tests, diagnostics);
    }
    if diagnostics.errors() > before {
        return None;
    }
    Some(Loaded {
        id: id?,
        name: None,
        title: title?,
        description: description.trim_end().to_owned(),
        severity: severity?,
        tags,
        references,
        author,
        license,
        ruleset: RULESET,
        logsource: None,
        content_hash,
        condition: condition?,
        draft: draft.flatten(),
        correlation: None,
        silenced: false,
        unless,
        output: output?,
        respond,
        tests,
        state: State::Active,
        place,
    })
}

/// `count` or `sequence`, if the rule has one; the inner `None` if it is broken.
fn several_events(
    shape: &Shape<'_>,
    definitions: &mut Definitions,
    diagnostics: &mut Diagnostics,
) -> Option<Option<Draft>> {
    let (count, sequence) = (shape.get("count"), shape.get("sequence"));
    for (key, node) in [("count", count), ("when", shape.get("when"))] {
        if let (Some(node), Some(_)) = (node, sequence) {
            let message = format!("a rule has `sequence` or `{key}`, not both");
            let error = Diagnostic::error("contradiction", node.place.clone(), message);
            diagnostics
                .push(error.hint("the steps of a sequence have the conditions; a step may be a rule that counts"));
        }
    }
    match (count, sequence) {
        (_, Some(node)) => Some(correlate::native::sequence(node, definitions, diagnostics)),
        (Some(node), None) => Some(correlate::native::count(node, diagnostics)),
        (None, None) => None,
    }
}

/// Whether a text can be the id of a rule.
pub(super) fn is_id(text: &str) -> bool {
    text.len() <= 128
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn check_id(id: &str, shape: &Shape<'_>, diagnostics: &mut Diagnostics) -> bool {
    let fits = is_id(id);
    if !fits && let Some(node) = shape.get("id") {
        let error = Diagnostic::error("wrong-id", node.place.clone(), format!("`{id}` is no id"));
        diagnostics.push(error.hint(
            "an id has letters, digits, `-`, `_` and `.`, starts with a letter or digit, and is at most 128 long",
        ));
    }
    fits
}

fn lint_rule(place: &Place, tags: &[String], tests: &[RuleTest], diagnostics: &mut Diagnostics) {
    lint::technique(tags, place, diagnostics);
    for (expected, what) in [(true, "an event it must alert on"), (false, "an event it must not alert on")] {
        if !tests.iter().any(|test| test.expect_alert == expected) {
            let warning = Diagnostic::warning("no-test", place.clone(), format!("the rule has no test with {what}"));
            let word = if expected { "alert" } else { "nothing" };
            diagnostics.push(warning.hint(format!("add one with `expect: {word}` below `tests`")));
        }
    }
}

/// SHA-256 over everything but the tests, and over the shared definitions it refers to.
fn content_hash(node: &Node, definitions: &Definitions) -> String {
    let mut canonical = Vec::new();
    if let Value::Mapping(entries) = &node.value {
        for (key, value) in entries.iter().filter(|(key, _)| key.text() != Some("tests")) {
            key.write_canonical(&mut canonical);
            value.write_canonical(&mut canonical);
        }
    }
    definitions.write_used(&mut canonical);
    data_encoding::HEXLOWER.encode(&Sha256::digest(&canonical))
}

/// What `respond` asks for: the names are checked, the arguments are kept for whoever carries it out.
fn actions(shape: &Shape<'_>, diagnostics: &mut Diagnostics) -> Vec<Action> {
    let mut actions = Vec::new();
    if let Some(node) = shape.get("respond") {
        Shape::new(node, "`respond`", ACTIONS, diagnostics);
    }
    let Some(Value::Mapping(entries)) = shape.get("respond").map(|node| &node.value) else { return actions };
    for (key, value) in entries {
        if matches!(value.value, Value::Sequence(_)) || is_null(value) {
            diagnostics.push(wrong_type(value, "an action takes a word or a mapping", None));
        }
        let name = key.text().unwrap_or_default().to_owned();
        actions.push(Action { name, arguments: to_json(value), place: key.place.clone() });
    }
    actions
}

fn to_json(node: &Node) -> serde_json::Value {
    match &node.value {
        Value::Mapping(entries) => entries
            .iter()
            .map(|(key, value)| (key.text().unwrap_or_default().to_owned(), to_json(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Scalar(scalar) => match scalar.plain() {
            Plain::Big(digits) => digits.parse::<u64>().map_or_else(|_| digits.as_str().into(), Into::into),
            Plain::Bool(flag) => flag.into(),
            Plain::Float(number) => number.into(),
            Plain::Int(number) => number.into(),
            Plain::Null => serde_json::Value::Null,
            Plain::Text(text) => text.into(),
        },
        Value::Sequence(items) => items.iter().map(to_json).collect(),
    }
}

fn read_test(node: &Node, diagnostics: &mut Diagnostics) -> Option<RuleTest> {
    let shape = Shape::new(node, "a test", &["name", "event", "events", "expect"], diagnostics)?;
    let name = shape.required_text("name", diagnostics);
    let expect = shape.required("expect", diagnostics).and_then(|node| match node.text() {
        Some("alert") => Some(true),
        Some("nothing") => Some(false),
        Some(_) | None => {
            let message = format!("`{}` is nothing to expect", node.text().unwrap_or("this"));
            let error = Diagnostic::error("wrong-word", node.place.clone(), message);
            diagnostics.push(error.hint("expect `alert` or `nothing`"));
            None
        }
    });
    let events = match (shape.get("event"), shape.get("events")) {
        (Some(_), Some(node)) => {
            let message = "a test has `event` or `events`, not both";
            diagnostics.push(Diagnostic::error("contradiction", node.place.clone(), message));
            None
        }
        (None, Some(_)) => read_events(&shape, diagnostics),
        (_, None) => shape.required("event", diagnostics).and_then(|node| Some(vec![read_event(node, diagnostics)?])),
    };
    Some(RuleTest { name: name?, events: events?, expect_alert: expect?, place: node.place.clone() })
}

/// Builds the events of a test of a rule over several. An event without `@timestamp` comes `after` so
/// much time after the one before, a second if it does not say.
fn read_events(shape: &Shape<'_>, diagnostics: &mut Diagnostics) -> Option<Vec<Event>> {
    // Some day: no rule may depend on which.
    let mut now = 1_767_225_600_000_000_000;
    let mut events = Vec::new();
    for (number, node) in shape.items("events", diagnostics).enumerate() {
        let after = match node.get(AFTER) {
            Some(length) => match timespan::parse(length.text().unwrap_or_default(), timespan::NATIVE) {
                Ok(ns) => Some(ns),
                Err(hint) => {
                    diagnostics.push(wrong_type(length, "`after` is a length of time", Some(hint)));
                    None
                }
            },
            None => Some(if number == 0 { 0 } else { 1_000_000_000 }),
        };
        let event = read_event(node, diagnostics);
        events.push(after.zip(event).map(|(after, mut event)| {
            now = event.time.map_or(now + after, |Time(ns)| ns);
            event.time = Some(Time(now));
            event.id = event.id.or_else(|| Some(format!("test.{number}").into_bytes().into()));
            event
        }));
    }
    if let Some(node) = shape.get("events")
        && events.is_empty()
    {
        diagnostics.push(Diagnostic::error("wrong-number", node.place.clone(), "a test needs an event"));
        return None;
    }
    events.into_iter().collect()
}

/// What an event of a test says beside its fields.
const AFTER: &str = "after";

/// Builds the event of a test from dotted or nested names.
fn read_event(node: &Node, diagnostics: &mut Diagnostics) -> Option<Event> {
    let before = diagnostics.errors();
    let mut fields = Vec::new();
    flatten("", node, &mut fields, diagnostics);
    fields.retain(|(name, _, _)| name != AFTER);
    let action = fields.iter().find(|(name, _, _)| name == "event.action");
    let kind = action.and_then(|(_, _, value)| value.text()).and_then(|text| <Kind as Words>::parse(text.as_bytes()));
    let Some(kind) = kind else {
        let place = action.map_or(&node.place, |(_, _, value)| &value.place);
        let message = "the event of a test needs `event.action`, the kind of event";
        let hint = format!("the kinds are {}", Kind::ALL_NAMES.join(", "));
        diagnostics.push(Diagnostic::error("missing-key", place.clone(), message).hint(hint));
        return None;
    };
    let mut values = Vec::new();
    for (name, key, value) in fields {
        let Some(field) = field::find(&name) else {
            diagnostics.push(unknown_field(&name, key.place.clone()));
            continue;
        };
        let pair = (name, owned(value, field.any()));
        // One by one, so that each problem is told at its own place.
        for error in json::build(kind, [pair.clone()]).1 {
            let place = match &error {
                FieldError::OtherKind { .. } | FieldError::Unknown(_) => &key.place,
                FieldError::Value { .. } => &value.place,
            };
            diagnostics.push(Diagnostic::error("wrong-event", place.clone(), error.to_string()));
        }
        values.push(pair);
    }
    if diagnostics.errors() > before {
        return None;
    }
    let given: Vec<String> = values.iter().map(|(name, _)| name.clone()).collect();
    let (mut event, _) = json::build(kind, values);
    complete(&mut event, &given);
    Some(event)
}

/// Sets what follows from other fields, as the sensor does, where the author has not set it.
fn complete(event: &mut Event, given: &[String]) {
    let fill = |process: &mut Process| {
        let (name, command_line) = (process.name.take(), process.command_line.take());
        process.derive();
        process.name = name.or(process.name.take());
        process.command_line = command_line.or(process.command_line.take());
    };
    fill(std::sync::Arc::make_mut(&mut event.process));
    for ancestor in std::sync::Arc::make_mut(&mut event.ancestors) {
        fill(std::sync::Arc::make_mut(ancestor));
    }
    let (path, name, extension) = match &mut event.data {
        Data::FileOpen(file) => (&file.path, &mut file.name, &mut file.extension),
        Data::YaraMatch(file) => (&file.path, &mut file.name, &mut file.extension),
        Data::Accept(_)
        | Data::Bind(_)
        | Data::Connect(_)
        | Data::Exec(_)
        | Data::Exit(_)
        | Data::Fork(_)
        | Data::Listen(_) => return,
    };
    let Some(path) = path else { return };
    let parts = name_and_extension(path);
    for (field, place, part) in [("file.name", name, parts.0), ("file.extension", extension, parts.1)] {
        if !given.iter().any(|given| given == field) {
            *place = part;
        }
    }
}

/// Leaves with their dotted names; depth is bounded by the YAML reader.
fn flatten<'n>(
    prefix: &str,
    node: &'n Node,
    fields: &mut Vec<(String, &'n Node, &'n Node)>,
    diagnostics: &mut Diagnostics,
) {
    let Value::Mapping(entries) = &node.value else {
        diagnostics.push(wrong_type(node, "the event of a test is a mapping", None));
        return;
    };
    for (key, value) in entries {
        let Some(key_text) = text(key, "a field name", diagnostics) else { continue };
        let name = if prefix.is_empty() { key_text } else { format!("{prefix}.{key_text}") };
        match &value.value {
            Value::Mapping(_) => flatten(&name, value, fields, diagnostics),
            Value::Scalar(_) if is_null(value) => {}
            Value::Scalar(_) | Value::Sequence(_) => fields.push((name, key, value)),
        }
    }
}

/// The value of a test's field: text stays text where the field holds text.
fn owned(node: &Node, row: &Row) -> Owned {
    match &node.value {
        Value::Sequence(items) => Owned::List(items.iter().map(|item| owned(item, row)).collect()),
        Value::Mapping(_) => Owned::List(Vec::new()),
        Value::Scalar(scalar) => match (row.ty, scalar.plain()) {
            (Type::Integer | Type::NumericKeyword, Plain::Int(number)) => Owned::Int(number),
            (Type::Boolean, Plain::Bool(flag)) => Owned::Bool(flag),
            _ => Owned::Bytes(bytes_text::decode(&scalar.text)),
        },
    }
}
