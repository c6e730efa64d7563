//! Messages of Falco rules: `%proc.name` becomes what our events have for it.

use std::collections::BTreeMap;

use super::{
    fieldmap::{Fieldmap, Mapped},
    joined::Joined,
};
use crate::{
    event::Kind,
    rule::{
        diagnostic::{Diagnostic, Diagnostics, Place},
        expr::{Derived, Quantifier, Subject},
        template::Template,
    },
};

/// The fields of messages that nothing stands for, by name.
#[derive(Debug, Default)]
pub(super) struct Unshown(BTreeMap<String, Field>);

/// A field that nothing stands for.
#[derive(Debug)]
struct Field {
    /// Where it was found first.
    first: Place,
    /// Why our events do not have it, if they do not.
    reason: Option<String>,
    /// In how many messages it is.
    messages: usize,
}

impl Unshown {
    /// Warns of each field once: the same few are in every message of most files.
    pub(super) fn report(self, diagnostics: &mut Diagnostics) {
        for (written, Field { first, reason, messages }) in self.0 {
            let message = match reason {
                Some(reason) => format!("no event carries `{written}`: {reason}"),
                None => format!("nothing stands for `{written}` in a message"),
            };
            let hint = match messages {
                1 => "the message shows this text as it is".to_owned(),
                _ => format!("{messages} messages show this text as it is; this is the first"),
            };
            diagnostics.push(Diagnostic::warning("unknown-field", first, message).hint(hint));
        }
    }
}

/// Makes a template for a rule about some kinds of events. Fields that have no counterpart are noted and
/// stay as they are.
pub(super) fn template(text: &Joined, fields: &Fieldmap, kinds: &[Kind], unshown: &mut Unshown) -> Template {
    let mut template = Template::default();
    let mut noted: Vec<&str> = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.value().get(at..).filter(|rest| !rest.is_empty()) {
        let plain = rest.find('%').unwrap_or(rest.len());
        template.push_text(rest.get(..plain).unwrap_or_default());
        let field = rest.get(plain..).unwrap_or_default();
        let length = length(field);
        let written = field.get(..length).unwrap_or_default();
        match shown(written, fields, kinds) {
            Ok(shown) => template.push(&shown),
            Err(reason) => {
                template.push_text(written);
                if length > 1 && !noted.contains(&written) {
                    noted.push(written);
                    let first = || text.place(at + plain..at + plain + length);
                    let entry = unshown.0.entry(written.to_owned());
                    entry.or_insert_with(|| Field { first: first(), reason, messages: 0 }).messages += 1;
                }
            }
        }
        at += plain + length;
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

/// What stands for a field, or why our events do not have it.
fn shown(written: &str, fields: &Fieldmap, kinds: &[Kind]) -> Result<Template, Option<String>> {
    let name = written.strip_prefix('%').ok_or(None)?;
    let (name, argument) = match name.split_once('[') {
        Some((name, argument)) => (name, argument.strip_suffix(']')),
        None => (name, None),
    };
    let mapped = fields.field(name, argument);
    let fits = |template: &&Template| {
        let is_there = |kind: &Kind| template.fields().all(|field| field.row(*kind).is_some());
        kinds.iter().any(is_there)
    };
    let found = mapped.shown.iter().find(fits).or(mapped.shown.first()).cloned().or_else(|| value(&mapped));
    found.ok_or(mapped.missing)
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
