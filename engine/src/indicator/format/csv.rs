//! Columns with a line of names; fields may stand in quotes (RFC 4180). Lines that begin with `#` are
//! comments, and the line of names may be one, as several public feeds have it.

use std::borrow::Cow;

use super::{Collector, Detail, Place, Problem};

/// Bytes of the longest record.
const MAX_RECORD: usize = 64 << 10;
/// Lines in which the names are looked for.
const MAX_HEAD: usize = 100;
/// What may stand between fields.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// Numbers of the columns.
struct Head {
    delimiter: u8,
    value: usize,
    description: Option<usize>,
    reference: Option<usize>,
}

pub(super) fn read(file: &[u8], collector: &mut Collector<'_>) -> Result<(), Problem> {
    let mut head = None;
    let mut offset = 0;
    let mut lines = 0;
    while let Some(rest) = file.get(offset..).filter(|rest| !rest.is_empty()) {
        let place = Place::at(file, offset);
        let length = record_length(rest);
        offset += length;
        if length > MAX_RECORD {
            collector.problem(place, format!("a record of more than {MAX_RECORD} bytes"));
            continue;
        }
        let Some(record) = rest.get(..length).and_then(|record| std::str::from_utf8(record).ok()).map(str::trim_end)
        else {
            collector.problem(place, "a record that is not UTF-8".to_owned());
            continue;
        };
        let Some(known) = &head else {
            lines += 1;
            head = find_head(record, collector);
            if head.is_none() && lines >= MAX_HEAD {
                break;
            }
            continue;
        };
        if record.is_empty() || record.starts_with('#') {
            continue;
        }
        let fields = fields(record, known.delimiter);
        let field = |number: usize| fields.get(number).map_or("", |field| field.trim());
        let detail =
            Detail { description: known.description.map_or("", field), reference: known.reference.map_or("", field) };
        match fields.get(known.value) {
            Some(entry) if !entry.trim().is_empty() => collector.add(entry, detail, place),
            Some(_) | None => collector.problem(place, "a record without the column of the indicators".to_owned()),
        }
    }
    if head.is_some() {
        return Ok(());
    }
    let what = format!("no line names the column `{}`", collector.spec.columns.value);
    Err(Problem { line: 1, what })
}

/// Bytes of the record at the start, with its line break: one in quotes does not end it.
fn record_length(rest: &[u8]) -> usize {
    let mut quoted = false;
    for (index, byte) in rest.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            // A quote that never closes must not swallow the file.
            b'\n' if !quoted || index > MAX_RECORD => return index + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Reads the line of names, if this is it.
fn find_head(record: &str, collector: &Collector<'_>) -> Option<Head> {
    let columns = &collector.spec.columns;
    let names = record.trim_start_matches(['#', ' ']);
    DELIMITERS.iter().find_map(|delimiter| {
        let names = fields(names, *delimiter);
        let place = |wanted: &str| names.iter().position(|name| name.trim().eq_ignore_ascii_case(wanted));
        Some(Head {
            delimiter: *delimiter,
            value: place(&columns.value)?,
            description: columns.description.as_deref().and_then(place),
            reference: columns.reference.as_deref().and_then(place),
        })
    })
}

/// The fields of a record. A quote inside quotes is written twice.
fn fields(record: &str, delimiter: u8) -> Vec<Cow<'_, str>> {
    let mut fields = Vec::new();
    let mut rest = record;
    loop {
        let trimmed = rest.trim_start_matches(' ');
        let (field, after) = match trimmed.strip_prefix('"').and_then(quoted) {
            Some((field, after)) => {
                let end = after.find(char::from(delimiter)).unwrap_or(after.len());
                (field, after.get(end..).unwrap_or_default())
            }
            None => {
                let end = rest.find(char::from(delimiter)).unwrap_or(rest.len());
                let (field, after) = rest.split_at(end);
                (Cow::Borrowed(field), after)
            }
        };
        fields.push(field);
        match after.get(1..) {
            Some(next) => rest = next,
            None => return fields,
        }
    }
}

/// What stands before the closing quote, and what comes after it.
fn quoted(inner: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut from = 0;
    loop {
        let quote = from + inner.get(from..)?.find('"')?;
        let after = inner.get(quote + 1..)?;
        if after.starts_with('"') {
            from = quote + 2;
            continue;
        }
        let field = inner.get(..quote)?;
        let field = if field.contains('"') { Cow::Owned(field.replace("\"\"", "\"")) } else { Cow::Borrowed(field) };
        return Some((field, after));
    }
}
