//! Messages of Falco rules: `%proc.name` becomes what our events have for it.

use super::{
    fieldmap::{Fieldmap, Mapped},
    joined::Joined,
};
use crate::{
    event::Kind,
    rule::{
        diagnostic::{Diagnostic, Diagnostics},
        expr::{Derived, Quantifier, Subject},
        template::Template,
    },
};

/// Makes a template for a rule about some kinds of events. Fields that have no counterpart are named in
/// a warning and stay as they are.
pub(super) fn template(text: &Joined, fields: &Fieldmap, kinds: &[Kind], diagnostics: &mut Diagnostics) -> Template {
    let mut template = Template::default();
    let mut unknown: Vec<&str> = Vec::new();
    let mut first = None;
    let mut at = 0;
    while let Some(rest) = text.value().get(at..).filter(|rest| !rest.is_empty()) {
        let plain = rest.find('%').unwrap_or(rest.len());
        template.push_text(rest.get(..plain).unwrap_or_default());
        let field = rest.get(plain..).unwrap_or_default();
        let length = length(field);
        let written = field.get(..length).unwrap_or_default();
        match shown(written, fields, kinds) {
            Some(shown) => template.push(&shown),
            None => {
                template.push_text(written);
                if length > 1 && !unknown.contains(&written) {
                    first = first.or(Some(at + plain..at + plain + length));
                    unknown.push(written);
                }
            }
        }
        at += plain + length;
    }
    if let Some(range) = first {
        let verb = if unknown.len() > 1 { "are no fields" } else { "is no field" };
        let message = format!("{} {verb} of our events", unknown.join(" "));
        diagnostics.push(
            Diagnostic::warning("unknown-field", text.place(range), message)
                .hint("the message shows this text as it is"),
        );
    }
    template
}

/// The length of `%field` or `%field[argument]`, of a percent sign alone, or 0.
fn length(text: &str) -> usize {
    let Some(inner) = text.strip_prefix('%') else { return 0 };
    let is_part = |character: char| character.is_ascii_alphanumeric() || "._".contains(character);
    let name = inner.find(|character| !is_part(character)).unwrap_or(inner.len());
    // A full stop behind a field ends a sentence.
    let name = inner.get(..name).unwrap_or_default().trim_end_matches('.').len();
    if !inner.get(..name).unwrap_or_default().contains('.') {
        return 1;
    }
    let after = inner.get(name..).unwrap_or_default();
    let argument = after.strip_prefix('[').and_then(|rest| rest.find(']')).map_or(0, |end| end + 2);
    1 + name + argument
}

fn shown(written: &str, fields: &Fieldmap, kinds: &[Kind]) -> Option<Template> {
    let name = written.strip_prefix('%')?;
    let (name, argument) = match name.split_once('[') {
        Some((name, argument)) => (name, argument.strip_suffix(']')),
        None => (name, None),
    };
    let mapped = fields.field(name, argument);
    let fits = |template: &&Template| {
        let is_there = |kind: &Kind| template.fields().all(|field| field.row(*kind).is_some());
        kinds.iter().any(is_there)
    };
    mapped.shown.iter().find(fits).or(mapped.shown.first()).cloned().or_else(|| value(&mapped))
}

/// The value of the field it is made of.
fn value(mapped: &Mapped) -> Option<Template> {
    let term = &mapped.alternatives.first().filter(|_| mapped.missing.is_none())?.term;
    match (&term.subject, term.quantifier) {
        (Subject::Field(field) | Subject::Derived(Derived { field, .. }), Quantifier::Any | Quantifier::All) => {
            Some(Template::field(field, None))
        }
        (Subject::Field(field) | Subject::Derived(Derived { field, .. }), Quantifier::At(at)) => {
            Some(Template::field(field, Some(at)))
        }
        (Subject::Anywhere | Subject::Named(_), _) => None,
    }
}
