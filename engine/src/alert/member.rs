//! What an alert has besides the members of its event, for schema and reference.

use crate::event::{
    Severity,
    field::Origin,
    value::{Type, Words},
};

/// One member of an alert's JSON.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Dotted name.
    pub name: &'static str,
    /// Whose name it is.
    pub origin: Origin,
    /// Type of the value, or of each element.
    pub ty: Type,
    /// Whether it is a list.
    pub array: bool,
    /// Whether every alert has it.
    pub always: bool,
    /// Meaning, and what absent means.
    pub doc: &'static str,
}

const fn text(name: &'static str, origin: Origin, always: bool, doc: &'static str) -> Member {
    Member { name, origin, ty: Type::Keyword, array: false, always, doc }
}

const fn list(name: &'static str, doc: &'static str) -> Member {
    Member { name, origin: Origin::Ecs, ty: Type::Keyword, array: true, always: false, doc }
}

const fn ours(name: &'static str, ty: Type, always: bool, doc: &'static str) -> Member {
    Member { name, origin: Origin::Ours, ty, array: false, always, doc }
}

/// The members, by name; those of the event come beside them. `event.kind` is `alert` here.
pub const MEMBERS: &[Member] = &[
    ours(
        "alert.count",
        Type::Integer,
        true,
        "How often the finding was made so far: 1 in the first alert, more in updates.",
    ),
    ours(
        "alert.evidence.count",
        Type::Integer,
        false,
        "How many matches made the alert of a rule over several events. Absent if one event did.",
    ),
    Member {
        name: "alert.evidence.events",
        origin: Origin::Ours,
        ty: Type::Keyword,
        array: true,
        always: false,
        doc: "Ids of the events behind it, in order of time: at most 64, the first ones and the last. Absent if one event made the alert.",
    },
    ours(
        "alert.evidence.first",
        Type::Time,
        false,
        "When the first match behind it was. Absent if one event made the alert.",
    ),
    ours(
        "alert.evidence.last",
        Type::Time,
        false,
        "When the last match behind it was. Absent if one event made the alert.",
    ),
    ours("alert.first", Type::Time, false, "When the finding was first made. Absent if the event has no time."),
    Member {
        name: "alert.group",
        origin: Origin::Ours,
        ty: Type::Keyword,
        array: true,
        always: false,
        doc: "The values by which a rule over several events groups them, in the order of the rule. Absent if it does not.",
    },
    text(
        "alert.id",
        Origin::Ours,
        true,
        "Hash of rule id, rule content and evidence: the same whenever the same event is judged by the same rule.",
    ),
    ours("alert.last", Type::Time, false, "When the finding was last made. Absent if the event has no time."),
    ours("alert.severity", Type::Word(<Severity as Words>::ALL), true, "Severity of the rule, as a word."),
    text(
        "alert.suppressed_by",
        Origin::Ours,
        false,
        "Name of the `unless` or whitelist entry that suppressed the alert. Absent if none did.",
    ),
    ours(
        "alert.update",
        Type::Boolean,
        false,
        "True if an alert with this id was sent before and this one tells of repeats: `alert.count` and `alert.last` are new, the event is that of the last repeat. Absent otherwise.",
    ),
    Member {
        name: "event.kind",
        origin: Origin::Ecs,
        ty: Type::Word(&["alert"]),
        array: false,
        always: true,
        doc: "`alert`.",
    },
    Member {
        name: "event.severity",
        origin: Origin::Ecs,
        ty: Type::Integer,
        array: false,
        always: true,
        doc: "Severity as a number: 0, 21, 47, 73 or 99.",
    },
    text("message", Origin::Ecs, true, "The rule's output with its fields filled in, or its title."),
    list("rule.author", "Author of the rule, as the rule names it."),
    text("rule.content_hash", Origin::Ours, true, "SHA-256 over the rule's content."),
    text("rule.description", Origin::Ecs, false, "What the rule finds and why that matters."),
    text(
        "rule.generation",
        Origin::Ours,
        false,
        "Which rules, whitelists and maps of names were in force: a hash over all their texts, the same on every host that has the same. Absent outside `run` and `replay`.",
    ),
    text("rule.id", Origin::Ecs, true, "Id of the rule."),
    text("rule.license", Origin::Ecs, false, "Licence of the rule's text."),
    text("rule.name", Origin::Ecs, true, "Title of the rule."),
    list("rule.reference", "Links of the rule."),
    text("rule.ruleset", Origin::Ecs, true, "`native`, `sigma` or `falco`."),
    list("tags", "Tags of the rule."),
    text(
        "threat.feed.name",
        Origin::Ecs,
        false,
        "Indicator list by which the event matched: `NAME` of `ioc:NAME`. Absent if it did by none.",
    ),
    text("threat.indicator.description", Origin::Ecs, false, "What the list says of the indicator."),
    text("threat.indicator.name", Origin::Ecs, false, "The indicator, as the list has it."),
    text("threat.indicator.reference", Origin::Ecs, false, "Link that the list gives with the indicator."),
    list("threat.tactic.name", "ATT&CK tactics that the tags name."),
    list("threat.technique.id", "ATT&CK techniques that the tags name, those above a sub-technique included."),
    list("threat.technique.subtechnique.id", "ATT&CK sub-techniques that the tags name."),
];
