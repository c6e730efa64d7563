//! Schemas of native rules, of files of shared definitions and of overrides, for editors. What they cannot say (fields,
//! types, names of lists), `rules check` does.

use serde_json::{Value, json};

use super::head;
use crate::{
    event::{Kind, Severity, value::Words},
    rule::correlate::{MAX_EVENTS, MAX_SLOTS},
};

/// What names of lists and macros look like.
const NAME: &str = "^[A-Za-z_][A-Za-z0-9_-]*$";

fn text(doc: &str) -> Value {
    json!({"type": "string", "minLength": 1, "description": doc})
}

fn scalar() -> Value {
    json!({"type": ["string", "integer", "boolean"]})
}

fn lists(doc: &str) -> Value {
    json!({
        "type": "object",
        "description": doc,
        "propertyNames": {"pattern": NAME},
        "additionalProperties": {"type": "array", "items": scalar()},
    })
}

fn macros() -> Value {
    json!({
        "type": "object",
        "description": "Conditions with a name, used by that name.",
        "propertyNames": {"pattern": NAME},
        "additionalProperties": {"type": "string", "minLength": 1},
    })
}

fn exceptions() -> Value {
    let date = json!({
        "type": "string",
        "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        "description": "Last day the entry counts, UTC. Absent: no end.",
    });
    let unless = json!({
        "type": "object",
        "properties": {
            "name": text("Name of the entry; a suppressed alert carries it."),
            "when": text("Condition under which the rule stays quiet."),
            "reason": text("Why."),
            "owner": text("Who answers for it."),
            "until": date,
        },
        "required": ["name", "when", "reason", "owner"],
        "additionalProperties": false,
    });
    json!({"type": "array", "items": unless, "description": "Exceptions: each says when, why, who and until when."})
}

fn with_head(name: &str, title: &str, doc: &str, body: Value) -> Value {
    let mut schema = head(name, title, doc);
    if let Value::Object(body) = body {
        schema.extend(body);
    }
    Value::Object(schema)
}

pub(super) fn definitions() -> Value {
    let body = json!({
        "type": "object",
        "properties": {
            "description": text("What they are for."),
            "lists": lists("Lists of constants, used as $name."),
            "macros": macros(),
        },
        "anyOf": [{"required": ["lists"]}, {"required": ["macros"]}],
        "additionalProperties": false,
    });
    let doc = "Lists and macros for the rules of a folder and those below it.";
    with_head("definitions", "Beewolf shared definitions", doc, body)
}

pub(super) fn overrides() -> Value {
    let (reason, owner) = (text("Why."), text("Who answers for it."));
    let changes = ["disable", "severity", "lists", "unless"].map(|key| json!({"required": [key]}));
    let rule = json!({
        "type": "object",
        "properties": {
            "rule": text("Id of the rule."),
            "disable": {"type": "boolean", "description": "Whether it is switched off."},
            "severity": {"enum": Severity::ALL, "description": "How much a match matters here."},
            "lists": lists("Constants that are added to lists the rule sees."),
            "unless": exceptions(),
            "reason": reason,
            "owner": owner,
        },
        "required": ["rule", "reason", "owner"],
        "anyOf": changes,
        "additionalProperties": false,
    });
    let list = json!({
        "type": "object",
        "properties": {
            "list": text("Name of a shared list."),
            "items": {"type": "array", "items": scalar(), "description": "Constants that are added to it, for all rules."},
            "reason": reason,
            "owner": owner,
        },
        "required": ["list", "items", "reason", "owner"],
        "additionalProperties": false,
    });
    let body = json!({
        "type": "object",
        "properties": {"overrides": {"type": "array", "items": {"oneOf": [rule, list]}}},
        "required": ["overrides"],
        "additionalProperties": false,
    });
    with_head("overrides", "Beewolf overrides", "Changes to rules of other files.", body)
}

pub(super) fn rule() -> Value {
    let texts = |doc: &str| json!({"type": "array", "items": {"type": "string", "minLength": 1}, "description": doc});
    let within = json!({"type": "string", "pattern": "^[0-9]+ ?(ms|s|m|h|d)$", "description": "Window of event time."});
    let event = json!({
        "type": "object",
        "description": "Fields of the event; `event.action` chooses its kind. Of several events one may say how long `after` the one before it comes; without that and without `@timestamp` it is a second.",
        "properties": {"event.action": {"enum": Kind::ALL_NAMES}},
        "required": ["event.action"],
        "additionalProperties": {"anyOf": [scalar(), {"type": "array", "items": {"type": ["string", "integer", "boolean", "null"]}}]},
    });
    let test = json!({
        "type": "object",
        "properties": {
            "name": text("What the event shows."),
            "event": event,
            "events": {"type": "array", "items": event, "description": "Several events, in order, for a rule over several."},
            "expect": {"enum": ["alert", "nothing"], "description": "What the rule says to it."},
        },
        "required": ["expect"],
        "oneOf": [{"required": ["event"]}, {"required": ["events"]}],
        "additionalProperties": false,
    });
    let count = json!({
        "type": "object",
        "description": "The rule alerts when so many events match within a time.",
        "properties": {
            "by": texts("Fields that tell groups apart."),
            "distinct": text("Field of which different values are counted."),
            "at_least": {"type": "integer", "minimum": 1, "maximum": MAX_EVENTS, "description": "How many."},
            "within": within,
        },
        "required": ["at_least", "within"],
        "additionalProperties": false,
    });
    let sequence = json!({
        "type": "object",
        "description": "The rule alerts when the steps happen in this order within a time.",
        "properties": {
            "within": within,
            "by": {"description": "Fields that steps must share: a list, or per name a field for each step.", "anyOf": [
                {"type": "array", "items": {"type": "string"}},
                {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": {"type": "string"}}},
            ]},
            "steps": {"type": "array", "minItems": 2, "maxItems": MAX_SLOTS, "items": {"type": "string", "minLength": 1}, "description": "Ids of rules, macros, or conditions."},
        },
        "required": ["within", "steps"],
        "additionalProperties": false,
    });
    let body = json!({
        "type": "object",
        "properties": {
            "id": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$", "description": "Unique name; alerts carry it."},
            "title": text("One line for people."),
            "description": text("What it finds, and why that matters."),
            "severity": {"enum": Severity::ALL, "description": "How much a match matters."},
            "author": text("Who wrote it; stays with its alerts."),
            "license": text("Licence of the rule's text."),
            "tags": texts("ATT&CK in Sigma's spelling (attack.execution, attack.t1059.004), and others."),
            "references": texts("Links."),
            "lists": lists("Lists of constants, used as $name."),
            "macros": macros(),
            "when": text("Condition of the match."),
            "unless": exceptions(),
            "output": text("Message of the alert; {field} is replaced by the field's value."),
            "count": count,
            "sequence": sequence,
            "respond": {"type": "object", "description": "What to do about it; obeyed in enforce mode, counted in shadow mode."},
            "tests": {"type": "array", "items": test, "description": "Events that must and must not match."},
        },
        "required": ["id", "title", "severity"],
        "anyOf": [{"required": ["when"]}, {"required": ["sequence"]}],
        "additionalProperties": false,
    });
    let doc = "One rule. Conditions are in Beewolf's condition language; `beewolf rules check` reads them.";
    with_head("rule", "Beewolf native rule", doc, body)
}
