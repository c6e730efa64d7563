//! Schemas of what sinks and `trace` write: events, alerts, losses and status messages.

use serde_json::{Value, json};

use super::{Member, described, forms, head, object, value};
use crate::{
    alert,
    event::{
        Kind,
        field::{self, Field, Origin},
        json::{self, Form},
        loss::{LossSource, Lost},
        value::{Type, Words},
    },
};

/// Elements of these are `null` where an ancestor lacks the fact.
const WITH_GAPS: &str = "process.ancestors.";

pub(super) fn event() -> Value {
    let schema = head(
        "event",
        "Beewolf event, loss or status message",
        "One line of a sink with `include: events`, of `beewolf trace`, or of a recording between its first and its last line. In the form `ours` all members have the names that rules use; in the form `ecs` what the Elastic Common Schema lacks stands below `beewolf`.",
    );
    forms(schema, |form| json!({"anyOf": [plain(form), loss(form), status(form)]}))
}

pub(super) fn alert() -> Value {
    let schema = head(
        "alert",
        "Beewolf alert",
        "The members of the event that completed the match, and those of the rule. Forms as for events.",
    );
    forms(schema, |form| {
        let mut members: Vec<Member> = alert::MEMBERS
            .iter()
            .map(|row| {
                let name = if row.origin == Origin::Ours { json::ours(row.name, form) } else { row.name.to_owned() };
                let schema = if row.array { listed(value(row.ty)) } else { value(row.ty) };
                Member { name, schema: described(schema, row.doc.to_owned()), always: row.always }
            })
            .collect();
        if form == Form::Ecs {
            let version = json!({"const": alert::ECS_VERSION, "description": "Version of the Elastic Common Schema."});
            members.push(Member { name: "ecs.version".to_owned(), schema: version, always: true });
        }
        let own: Vec<String> = members.iter().map(|member| member.name.clone()).collect();
        members.extend(fields(form).filter(|member| !own.contains(&member.name)));
        object(members)
    })
}

fn plain(form: Form) -> Value {
    object(fields(form).collect())
}

fn fields(form: Form) -> impl Iterator<Item = Member> {
    field::all().map(move |field| {
        let row = field.any();
        let item = value(row.ty);
        let schema = match (row.array, row.name.starts_with(WITH_GAPS)) {
            (true, true) => listed(json!({"anyOf": [item, {"type": "null"}]})),
            (true, false) => listed(item),
            (false, _) => item,
        };
        let always = matches!(row.name, "event.kind" | "event.action");
        Member { name: json::name_in(row, form), schema: described(schema, doc(field)), always }
    })
}

/// The documentation, with the kinds that have the field if not all do.
fn doc(field: &Field) -> String {
    let kinds: Vec<&str> = field.kinds().map(Kind::name).collect();
    let doc = field.any().doc;
    if kinds.len() == Kind::ALL.len() { doc.to_owned() } else { format!("{doc} Kinds: {}.", kinds.join(", ")) }
}

fn listed(item: Value) -> Value {
    json!({"type": "array", "items": item, "minItems": 1})
}

fn loss(form: Form) -> Value {
    let ours = |name: &str, schema: Value, always: bool, doc: &str| Member {
        name: json::ours(name, form),
        schema: described(schema, doc.to_owned()),
        always,
    };
    let mut members = notice("pipeline_error", "loss", "When the last was lost.", "The loss in one sentence.");
    members.extend([
        ours("loss.source", value(Type::Word(<LossSource as Words>::ALL)), true, "The stage that lost it."),
        ours("loss.name", value(Type::Keyword), false, "Which ring, queue or sink, where there are several."),
        ours("loss.lost", value(Type::Word(<Lost as Words>::ALL)), true, "What was lost."),
        ours("loss.kind", value(Type::Word(Kind::ALL_NAMES)), false, "Kind of the events, if it is known."),
        ours("loss.count", json!({"type": "integer", "minimum": 0}), true, "How many."),
        ours("loss.first", value(Type::Time), false, "When the first was lost."),
        ours("loss.last", value(Type::Time), false, "When the last was lost."),
        ours(
            "loss.rules",
            listed(value(Type::Keyword)),
            false,
            "Ids of the rules that could not see it. Absent if unknown.",
        ),
    ]);
    object(members)
}

fn status(form: Form) -> Value {
    let mut members = notice("metric", "status", "When.", "The status in one sentence.");
    let numbers = json!({
        "type": "object",
        "description": "Numbers since the start.",
        "propertyNames": {"pattern": "^[a-z][a-z0-9_]*$"},
        "additionalProperties": {"type": "integer", "minimum": 0},
    });
    members.push(Member { name: json::ours("status", form), schema: numbers, always: false });
    object(members)
}

fn notice(kind: &str, action: &str, when: &str, message: &str) -> Vec<Member> {
    let member = |name: &str, schema: Value, always: bool| Member { name: name.to_owned(), schema, always };
    vec![
        member("@timestamp", described(value(Type::Time), when.to_owned()), false),
        member("event.kind", json!({"const": kind}), true),
        member("event.action", json!({"const": action}), true),
        member("host.name", described(value(Type::Keyword), "Name of the host.".to_owned()), false),
        member("message", described(value(Type::Keyword), message.to_owned()), true),
    ]
}
