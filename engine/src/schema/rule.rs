//! Schema of native rules, for editors. What it cannot say (fields, types, names of lists), `rules check` does.

use serde_json::{Value, json};

use super::head;
use crate::{
    event::{Kind, Severity, value::Words},
    rule::correlate::{MAX_EVENTS, MAX_SLOTS},
};

pub(super) fn rule() -> Value {
    let text = |doc: &str| json!({"type": "string", "minLength": 1, "description": doc});
    let texts = |doc: &str| json!({"type": "array", "items": {"type": "string", "minLength": 1}, "description": doc});
    let scalar = json!({"type": ["string", "integer", "boolean"]});
    let name = "^[A-Za-z_][A-Za-z0-9_-]*$";
    let date = json!({
        "type": "string",
        "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        "description": "Last day the entry counts, UTC. Absent: no end.",
    });
    let within = json!({"type": "string", "pattern": "^[0-9]+ ?(ms|s|m|h|d)$", "description": "Window of event time."});
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
    let event = json!({
        "type": "object",
        "description": "Fields of the event; `event.action` chooses its kind. Of several events one may say how long `after` the one before it comes; without that and without `@timestamp` it is a second.",
        "properties": {"event.action": {"enum": Kind::ALL_NAMES}},
        "required": ["event.action"],
        "additionalProperties": {"anyOf": [scalar, {"type": "array", "items": {"type": ["string", "integer", "boolean", "null"]}}]},
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
    let mut schema = head(
        "rule",
        "Beewolf native rule",
        "One rule. Conditions are in Beewolf's condition language; `beewolf rules check` reads them.",
    );
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
            "lists": {
                "type": "object",
                "description": "Lists of constants, used as $name.",
                "propertyNames": {"pattern": name},
                "additionalProperties": {"type": "array", "items": scalar},
            },
            "macros": {
                "type": "object",
                "description": "Conditions with a name, used by that name.",
                "propertyNames": {"pattern": name},
                "additionalProperties": {"type": "string", "minLength": 1},
            },
            "when": text("Condition of the match."),
            "unless": {"type": "array", "items": unless, "description": "Exceptions: each says when, why, who and until when."},
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
    if let Value::Object(body) = body {
        schema.extend(body);
    }
    Value::Object(schema)
}
