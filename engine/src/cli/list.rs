//! `beewolf list`: what there is to write rules and configurations with.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::print::{self, As};
use crate::{
    event::{Kind, field},
    rule::{op, transform},
    schema,
    setting::Preset,
    sink,
};

/// What to list.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(super) enum What {
    /// Kinds of events, with the kernel hooks they come from.
    Events(As),
    /// Fields of events, with type and meaning.
    Fields(As),
    /// Operators of the condition language.
    Operators(As),
    /// Sinks with their settings.
    Sinks(As),
    /// Transforms of the condition language.
    Transforms(As),
}

/// Prints one list.
pub(super) fn run(what: What) -> ExitCode {
    match what {
        What::Events(form) => events(form),
        What::Fields(form) => fields(form),
        What::Operators(form) => operators(form),
        What::Sinks(form) => sinks(form),
        What::Transforms(form) => transforms(form),
    }
}

fn operators(form: As) -> ExitCode {
    let rows: Vec<_> = op::ALL.iter().map(|it| [json!(it.word()), json!(it.doc()), json!(it.example())]).collect();
    print::table(form, ["operator", "meaning", "example"], &rows)
}

fn transforms(form: As) -> ExitCode {
    let rows: Vec<_> = transform::ALL
        .iter()
        .map(|it| [json!(it.name()), json!(it.gives().words()), json!(it.doc()), json!(it.example())])
        .collect();
    print::table(form, ["transform", "gives", "meaning", "example"], &rows)
}

fn events(form: As) -> ExitCode {
    let rows: Vec<_> = Kind::ALL
        .iter()
        .flat_map(|kind| kind.sources().iter().map(move |source| (kind, source)))
        .map(|(kind, source)| {
            [
                json!(kind.name()),
                json!(kind.category()),
                json!(kind.ecs_type()),
                json!(source.name),
                json!(source.hooks),
                json!(source.outcome),
                json!(source.racy),
                json!(source.absent),
                json!(source.misses),
            ]
        })
        .collect();
    print::table(form, ["event", "category", "type", "source", "hooks", "outcome", "racy", "absent", "misses"], &rows)
}

fn fields(form: As) -> ExitCode {
    let rows: Vec<_> = field::all()
        .map(|field| {
            let row = field.any();
            let kinds: Vec<_> = field.kinds().map(Kind::name).collect();
            [
                json!(field.name),
                json!(schema::type_name(row.ty, row.array)),
                json!(schema::origin(row.origin)),
                if kinds.len() == Kind::ALL.len() { json!(["all"]) } else { json!(kinds) },
                json!(row.doc),
            ]
        })
        .collect();
    print::table(form, ["field", "type", "origin", "events", "meaning"], &rows)
}

fn sinks(form: As) -> ExitCode {
    let rows: Vec<_> = sink::ALL
        .iter()
        .flat_map(|it| sink::rows(*it).into_iter().map(move |row| (it, row)))
        .map(|(it, row)| {
            let preset = match row.preset {
                Preset::Required => json!("(required)"),
                Preset::Absent => json!(null),
                Preset::Boolean(_) | Preset::Duration(_) | Preset::List(_) | Preset::Number(_) | Preset::Text(_) => {
                    json!(crate::setting::scalar(&row.preset.value(), row.ty))
                }
            };
            [json!(it.name()), json!(row.name), json!(row.ty.describe()), preset, json!(row.doc)]
        })
        .collect();
    print::table(form, ["sink", "setting", "value", "default", "meaning"], &rows)
}
