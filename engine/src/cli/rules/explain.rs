//! `beewolf rules explain`: why a rule alerts on an event, or does not.

use std::{path::Path, process::ExitCode};

use clap::Args;
use serde_json::{Value, json};

use super::given::{self, Given};
use crate::{
    cli::{
        print,
        sense::{self, Loading, Told, tell},
    },
    event::{Event, json as event_json, value::Words},
    rule::{
        Loaded,
        diagnostic::did_you_mean,
        explain::{Explained, Measured, Member, Note, Outcome, Part, Suppression, Tested, What, explain_rule},
    },
    sink::printable,
};

/// What the exit code says; part of the help.
pub(super) const EXIT_CODES: &str = "\
    Exit codes:\n\
    \x20 0  explained, whatever the outcome\n\
    \x20 1  there is no such rule or event, or it cannot be read";

/// Which rule on which event.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// Id of a rule, or a file with rules.
    rule: String,
    /// A JSON file with one event or alert, a line of such a file or of a recording as FILE:LINE, or - for standard input.
    event: String,
    #[command(flatten)]
    loading: Loading,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Told> {
    let path = Path::new(&arguments.rule);
    let mut loading = arguments.loading.clone();
    if path.is_file() && loading.rules.is_empty() {
        loading.rules = vec![path.to_owned()];
    }
    let given = Given::read(&loading)?;
    let event = given::event(&arguments.event, given.settings.recording.max_line_bytes)?;
    let wanted = chosen(&arguments.rule, &given)?;
    let explained: Vec<Explained<'_>> =
        wanted.into_iter().map(|rule| explain_rule(rule, &given.rules, &given.whitelist, &event)).collect();
    Ok(if arguments.json {
        print::json(&Value::Array(explained.iter().map(as_json).collect()))
    } else {
        let mut out = String::new();
        for (number, one) in explained.iter().enumerate() {
            out.push_str(if number > 0 { "\n" } else { "" });
            write(one, &event, &mut out);
        }
        print::text(&out)
    })
}

/// The rules that are meant: the one of an id, or all of a file.
fn chosen<'g>(name: &str, given: &'g Given) -> Result<Vec<&'g Loaded>, Told> {
    let by_id: Vec<&Loaded> = given.rules.iter().filter(|rule| rule.id == name).collect();
    if !by_id.is_empty() {
        return Ok(by_id);
    }
    if let Ok(path) = Path::new(name).canonicalize() {
        let is_in = |rule: &&Loaded| Path::new(&rule.place.source.name).canonicalize().is_ok_and(|file| file == path);
        let in_file: Vec<&Loaded> = given.rules.iter().filter(is_in).collect();
        if !in_file.is_empty() {
            return Ok(in_file);
        }
    }
    if given.problems.has_errors() {
        eprint!("{}", given.problems.render(sense::colour()));
    }
    let near = did_you_mean(name, given.rules.iter().map(|rule| rule.id.as_str()));
    let hint = near.unwrap_or_else(|| "`beewolf rules list` has the ids".to_owned());
    Err(tell(format!("no rule has the id `{name}`, and no file of that name has a rule; {hint}")))
}

// ---- for people ----

/// Columns that predicates may take before their values.
const MAX_WIDTH: usize = 72;
/// Columns that a predicate or a value may take at all.
const MAX_CELL: usize = 110;

fn write(explained: &Explained<'_>, event: &Event, out: &mut String) {
    let rule = explained.rule;
    let shown = |text: &str| printable(text.as_bytes(), MAX_CELL).into_owned();
    out.push_str(&format!("rule     {} ({}): {}\n", shown(&rule.id), rule.severity.word(), shown(&rule.title)));
    if let Some(reason) = rule.state.reason() {
        out.push_str(&format!("state    {}: {}\n", rule.state.word(), shown(&reason)));
    }
    let time = event.time.map_or_else(|| "at no time".to_owned(), |time| format!("at {}", event_json::rfc3339(time.0)));
    let executable = printable(event.process.executable.as_deref().unwrap_or(b"an unknown program"), MAX_CELL);
    out.push_str(&format!("event    {} {time}, {executable}\n", event.kind().name()));
    out.push_str(&format!("outcome  {}\n", outcome(explained)));
    tree(explained, 0, out);
}

fn outcome(explained: &Explained<'_>) -> String {
    match &explained.outcome {
        Outcome::Alerts => "an alert".to_owned(),
        Outcome::Counts if explained.members.is_empty() => "no alert of its own; other rules count it".to_owned(),
        Outcome::Counts => "the event counts".to_owned(),
        Outcome::Nothing if explained.members.is_empty() => "nothing: the condition is false".to_owned(),
        Outcome::Nothing => "nothing: the event does not count".to_owned(),
        Outcome::Suppressed(by) => {
            format!("the condition is true, and `{}` suppresses it", printable(by.as_bytes(), MAX_CELL))
        }
    }
}

fn tree(explained: &Explained<'_>, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    if let Some(condition) = &explained.condition {
        out.push_str(&format!("\n{indent}condition\n"));
        parts(condition, depth, out);
    }
    for (number, one) in explained.members.iter().enumerate() {
        out.push_str(&format!("\n{indent}{}\n", member_head(number, one, explained)));
        for (word, fields) in [("grouped by", &one.group), ("measured", &one.measured)] {
            for Measured { field, value } in fields {
                let value = value.as_deref().unwrap_or("(absent: the event cannot count)");
                out.push_str(&format!("{indent}  {word} {field}  {}\n", printable(value.as_bytes(), MAX_CELL)));
            }
        }
        if let Some(condition) = &one.condition {
            parts(condition, depth, out);
        }
        if let Some(rule) = &one.rule {
            tree(rule, depth + 1, out);
        }
    }
    for one in &explained.suppressions {
        let sort = if one.is_global { "whitelist" } else { "unless" };
        let does = match (one.suppresses(), one.is_over) {
            (true, _) => "suppresses",
            (false, true) => "is over",
            (false, false) => "does not suppress",
        };
        let name = printable(one.entry.name.as_bytes(), MAX_CELL);
        let owner = printable(one.entry.owner.as_bytes(), MAX_CELL);
        out.push_str(&format!("\n{indent}{sort} `{name}` ({owner}): {does}\n"));
        parts(&one.condition, depth, out);
    }
}

fn member_head(number: usize, member: &Member<'_>, of: &Explained<'_>) -> String {
    let name = member.rule.as_ref().map(|rule| format!(", the rule `{}`", rule.rule.id)).unwrap_or_default();
    let counts = if member.counts { "the event counts" } else { "the event does not count" };
    format!("member {} of {}{name}: {counts}", number + 1, of.members.len())
}

/// The lines of a tree: outcome, what it is, value.
fn parts(part: &Part, depth: usize, out: &mut String) {
    let mut lines = Vec::new();
    lay_out(part, depth + 1, &mut lines);
    let width = lines.iter().filter(|line| !line.2.is_empty()).map(|line| line.1.chars().count()).max();
    let width = width.unwrap_or_default().min(MAX_WIDTH);
    for (holds, text, value) in lines {
        let word = if holds { "true" } else { "false" };
        out.push_str(format!("{word:<5} {text:width$}  {value}").trim_end());
        out.push('\n');
    }
}

fn lay_out(part: &Part, depth: usize, lines: &mut Vec<(bool, String, String)>) {
    let indent = "  ".repeat(depth);
    let mut line = |text: String, value: String| lines.push((part.holds, format!("{indent}{text}"), value));
    match &part.what {
        What::All | What::Any => line(joined(part).unwrap_or_default().to_owned(), String::new()),
        What::Const => line("always".to_owned(), String::new()),
        What::Named { name, negated } => {
            let how = part.parts.first().and_then(joined);
            let name = printable(name.as_bytes(), MAX_CELL);
            line(
                format!("{}{name}{}", not(*negated), how.map(|how| format!(": {how}")).unwrap_or_default()),
                String::new(),
            );
            // The line of the join is this one.
            if how.is_some() {
                part.parts.iter().flat_map(|join| &join.parts).for_each(|part| lay_out(part, depth + 1, lines));
                return;
            }
        }
        What::Test(tested) => {
            let text = format!("{}{}", not(tested.negated), printable(tested.text.as_bytes(), MAX_CELL));
            line(text, value(tested));
        }
    }
    part.parts.iter().for_each(|part| lay_out(part, depth + 1, lines));
}

/// How a part joins others, if it does.
fn joined(part: &Part) -> Option<&'static str> {
    match part.what {
        What::All => Some("all of"),
        What::Any => Some("any of"),
        What::Const | What::Named { .. } | What::Test(_) => None,
    }
}

fn not(negated: bool) -> &'static str {
    if negated { "not " } else { "" }
}

fn value(tested: &Tested) -> String {
    let mut text = match (&tested.value, tested.note) {
        (Some(value), Some(Note::Cut)) => format!("{} (cut)", printable(value.as_bytes(), MAX_CELL)),
        (Some(value), _) => printable(value.as_bytes(), MAX_CELL).into_owned(),
        (None, Some(note)) => format!("({})", note.word()),
        (None, None) => "(the whole event)".to_owned(),
    };
    if let Some(other) = &tested.other {
        text.push_str(&format!(" against {}", printable(other.as_bytes(), MAX_CELL)));
    }
    text
}

// ---- for programs ----

fn as_json(explained: &Explained<'_>) -> Value {
    let (word, by) = match &explained.outcome {
        Outcome::Alerts => ("alert", None),
        Outcome::Counts => ("counts", None),
        Outcome::Nothing => ("nothing", None),
        Outcome::Suppressed(by) => ("suppressed", Some(by)),
    };
    json!({
        "rule": explained.rule.id,
        "title": explained.rule.title,
        "state": explained.rule.state.word(),
        "outcome": word,
        "suppressed_by": by,
        "condition": explained.condition.as_ref().map(part_json),
        "members": explained.members.iter().map(member_json).collect::<Vec<_>>(),
        "exceptions": explained.suppressions.iter().map(suppression_json).collect::<Vec<_>>(),
    })
}

fn member_json(member: &Member<'_>) -> Value {
    let fields = |fields: &[Measured]| -> Value {
        fields.iter().map(|it| json!({ "field": it.field, "value": it.value.as_deref().map(raw) })).collect()
    };
    json!({
        "counts": member.counts,
        "condition": member.condition.as_ref().map(part_json),
        "rule": member.rule.as_deref().map(as_json),
        "group": fields(&member.group),
        "measured": fields(&member.measured),
    })
}

fn suppression_json(one: &Suppression<'_>) -> Value {
    json!({
        "name": one.entry.name,
        "owner": one.entry.owner,
        "reason": one.entry.reason,
        "whitelist": one.is_global,
        "over": one.is_over,
        "suppresses": one.suppresses(),
        "condition": part_json(&one.condition),
    })
}

fn part_json(part: &Part) -> Value {
    let parts: Vec<Value> = part.parts.iter().map(part_json).collect();
    match &part.what {
        What::All => json!({ "holds": part.holds, "all": parts }),
        What::Any => json!({ "holds": part.holds, "any": parts }),
        What::Const => json!({ "holds": part.holds, "always": part.holds }),
        What::Named { name, negated } => {
            json!({ "holds": part.holds, "name": name, "negated": negated, "part": parts.first() })
        }
        What::Test(tested) => json!({
            "holds": part.holds,
            "test": tested.text,
            "negated": tested.negated,
            "value": tested.value.as_deref().map(raw),
            "other": tested.other.as_deref().map(raw),
            "note": tested.note.map(Note::word),
        }),
    }
}

/// A value that is JSON already.
fn raw(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}
