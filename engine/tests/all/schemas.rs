//! The published schemas and the reference are what the tables say, and what the program writes fits them.

use std::{path::PathBuf, sync::Arc};

use beewolf::{
    alert::{self, Alert},
    event::{
        Event, Kind, Severity,
        field::{self, Origin},
        json::{self, Form, build},
        value::{Owned, Type},
    },
    schema,
    sink::Record,
    store::read_text,
};
use serde_json::Value;

use crate::samples;

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn golden(path: &str, made: &str) {
    let path = root().join(path);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
        std::fs::write(&path, made).expect("written");
        return;
    }
    let committed = read_text(&path, u64::MAX).unwrap_or_default();
    assert!(committed == made, "{} is not what the tables say; UPDATE_GOLDEN=1 rewrites it", path.display());
}

#[test]
fn committed_schemas_and_reference_are_those_of_the_tables() {
    for (name, make) in schema::ALL {
        let made = make();
        jsonschema::meta::validate(&made).unwrap_or_else(|error| panic!("{name}: {error}"));
        golden(&format!("schemas/{name}.schema.json"), &schema::text(&made));
    }
    golden("docs/reference.md", &schema::reference());
}

/// Fails if a line does not fit a schema.
pub(crate) fn validate(name: &str, value: &Value) {
    validate_all(name, std::slice::from_ref(value));
}

/// Fails if one of many lines does not fit a schema.
pub(crate) fn validate_all(name: &str, values: &[Value]) {
    let schema = schema::find(name).expect("a schema");
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).expect("a good schema");
    for value in values {
        // The form that fits best is told: `anyOf` alone says only that none fits.
        if let Err(error) = validator.validate(value) {
            panic!("{name}: {error}\n{value:#}");
        }
    }
}

fn fits(name: &str, value: &Value) -> bool {
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema::find(name).expect("a schema"))
        .expect("a good schema")
        .is_valid(value)
}

fn parsed(record: &Record, form: Form) -> Value {
    let mut out = Vec::new();
    record.write(&mut out, form);
    serde_json::from_slice(&out).expect("JSON")
}

/// An event that has every field of its kind.
fn full(kind: Kind) -> Event {
    let fields = field::rows(kind)
        .filter(|row| !matches!(row.name, "event.kind" | "event.category" | "event.type"))
        .map(|row| {
            let one = match row.ty {
                _ if row.name == "event.action" => Owned::Bytes(kind.name().as_bytes().into()),
                _ if matches!(row.name, "event.cut" | "event.racy") => Owned::Bytes(b"process.args"[..].into()),
                Type::Boolean => Owned::Bool(true),
                Type::Integer | Type::NumericKeyword => Owned::Int(17),
                Type::Ip => Owned::Ip("192.0.2.1".parse().expect("an address")),
                Type::Keyword => Owned::Bytes(samples::HOSTILE.into()),
                Type::Time => Owned::Int(samples::TIME),
                Type::Word(words) => Owned::Bytes(words[0].as_bytes().into()),
            };
            (row.name.to_owned(), if row.array { Owned::List(vec![one]) } else { one })
        });
    let (event, errors) = build(kind, fields.collect::<Vec<_>>());
    assert_eq!(errors, []);
    event
}

#[test]
fn what_is_written_fits_the_schemas_in_both_forms() {
    for form in [Form::Ours, Form::Ecs] {
        for kind in Kind::ALL {
            for event in [full(*kind), Event::new(*kind), samples::event(*kind, 1)] {
                let event = Arc::new(event);
                validate("event", &parsed(&Record::Event(Arc::clone(&event)), form));
                for (suppressed_by, evidence) in
                    [(None, None), (Some("entry".to_owned()), None), (None, Some(Arc::new(samples::evidence())))]
                {
                    let alert = samples::alert_on(Event::clone(&event), Severity::High);
                    let alert = Arc::new(Alert { suppressed_by, evidence, ..alert });
                    let json = parsed(&Record::Alert(alert), form);
                    validate("alert", &json);
                    assert!(!fits("event", &json), "an alert is no event");
                }
            }
        }
        validate("event", &parsed(&Record::Loss(Arc::new(samples::loss())), form));
        validate("event", &parsed(&Record::Status(Arc::new(samples::status())), form));
    }
}

#[test]
fn what_is_not_in_the_tables_does_not_fit() {
    let good = parsed(&samples::event_record(1), Form::Ours);
    for (pointer, value) in [
        ("/process", serde_json::json!({"pid": "seven"})),
        ("/process", serde_json::json!({"pdi": 7})),
        ("/event/outcome", serde_json::json!("perhaps")),
        ("/user/id", serde_json::json!(0)),
        ("/process/stdin/peer/ip", serde_json::json!("localhost")),
        ("/@timestamp", serde_json::json!("yesterday")),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).expect(pointer) = value;
        assert!(!fits("event", &bad), "{pointer}");
    }
    let mut bad = good.clone();
    bad["event"].as_object_mut().expect("an object").remove("action");
    assert!(!fits("event", &bad));
    let mut mixed = parsed(&samples::event_record(1), Form::Ecs);
    mixed["process"]["stdin"] = serde_json::json!({"kind": "socket"});
    assert!(!fits("event", &mixed), "a line has one form");
}

/// Names of the Elastic Common Schema: type and whether it is a list.
fn ecs() -> std::collections::HashMap<String, (String, bool)> {
    let text = read_text(&root().join("schemas/ecs-fields.tsv"), 1 << 20).expect("the list");
    text.lines()
        .skip(1)
        .map(|line| {
            let mut columns = line.split('\t').map(str::to_owned);
            let (name, ty) = (columns.next().expect("a name"), columns.next().expect("a type"));
            (name, (ty, columns.next().is_some_and(|it| it == "array")))
        })
        .collect()
}

#[test]
fn names_marked_as_ecs_are_those_of_ecs_and_no_others() {
    let ecs = ecs();
    assert!(ecs.len() > 1500, "the list is whole");
    let rows = field::all().map(|it| it.any()).map(|row| (row.name, row.origin, row.ty, row.array));
    let members = alert::MEMBERS.iter().map(|row| (row.name, row.origin, row.ty, row.array));
    for (name, origin, ty, array) in rows.chain(members) {
        let known = ecs.get(name);
        if origin == Origin::Ours {
            assert!(known.is_none(), "{name} is a name of ECS");
            continue;
        }
        let (ecs_type, ecs_array) = known.unwrap_or_else(|| panic!("{name} is no name of ECS"));
        let fits = match ty {
            Type::Boolean => ecs_type == "boolean",
            Type::Integer => ["long", "integer"].contains(&ecs_type.as_str()),
            Type::Ip => ecs_type == "ip",
            Type::Keyword | Type::Word(_) => ["keyword", "match_only_text", "wildcard"].contains(&ecs_type.as_str()),
            Type::NumericKeyword => ecs_type == "keyword",
            Type::Time => ecs_type == "date",
        };
        assert!(fits, "{name} has type {ecs_type} in ECS");
        // ECS takes several links of a rule, though its list does not call the field an array.
        assert!(array == *ecs_array || name == "rule.reference", "{name}: a list in only one of both");
    }
    // The rest of the ECS form lies below one name that ECS leaves free.
    assert!(!ecs.keys().any(|name| name.starts_with("beewolf")));
}

#[test]
fn shared_definitions_and_overrides_fit_their_schemas() {
    validate("overrides", &rule(beewolf::rule::overriding::EXAMPLE));
    validate("definitions", &rule("lists: { shells: [/bin/sh, 7] }\nmacros: { starts: event.action = exec }\n"));
    for (name, text) in [
        ("definitions", "lists: { 7up: [a] }"),
        ("definitions", "id: x\nlists: { a: [b] }"),
        ("overrides", "overrides: [{ rule: a, disable: true, reason: r }]"),
        ("overrides", "overrides: [{ rule: a, reason: r, owner: o }]"),
        ("overrides", "overrides: [{ list: a, lists: {}, reason: r, owner: o }]"),
    ] {
        assert!(!fits(name, &rule(text)), "{name}: {text}");
    }
}

fn rule(text: &str) -> Value {
    serde_saphyr::from_str(text).expect("YAML")
}

#[test]
fn rules_fit_the_rule_schema_and_mistakes_do_not() {
    let good = "
id: reverse-shell-stdio
title: Shell with a network socket as its standard input
severity: critical
tags: [attack.execution]
lists: { shells: [/bin/bash, /bin/sh] }
macros: { starts: event.action = exec }
when: starts and process.executable in ($shells)
unless:
  - { name: jump host, when: host.name startswith jump-, reason: login shells, owner: platform, until: '2027-06-30' }
output: '{process.executable} runs'
tests:
  - { name: bash, event: { event.action: exec, process.args: [a, 1] }, expect: alert }
";
    validate("rule", &rule(good));
    for (from, to) in [
        ("severity: critical", "severity: severe"),
        ("id: reverse", "ident: reverse"),
        ("expect: alert", "expect: silence"),
        ("reason: login shells, ", ""),
        ("2027-06-30", "next summer"),
        ("event.action: exec, ", ""),
        ("when: starts", "then: starts"),
    ] {
        assert!(good.contains(from));
        assert!(!fits("rule", &rule(&good.replace(from, to))), "{from} -> {to}");
    }
    // The shipped rules, in whatever folder they stand, and what several of them share.
    let mut folders = vec![root().join("rules")];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "yml") {
                let document = rule(&read_text(&path, 1 << 20).expect("a rule"));
                let name = if document.get("id").is_some() { "rule" } else { "definitions" };
                validate(name, &document);
            }
        }
    }
}

#[test]
fn a_recording_reads_what_the_schema_describes() {
    for kind in Kind::ALL {
        let event = full(*kind);
        let mut out = Vec::new();
        json::write(&mut out, &event, Form::Ours);
        let (again, errors) = json::read(&out).expect("an event");
        assert_eq!(errors, []);
        assert_eq!(again, event);
    }
}
