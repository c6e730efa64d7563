//! JSON as MISP exports it: one event, `response` with several, or a list of attributes.
//!
//! Attributes that are not meant for detection (`to_ids` is false) or are deleted are left out.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Collector, Detail, Place, Problem, json, part};
use crate::indicator::Sort;

/// Lists inside each other: response, events, objects, attributes.
const MAX_DEPTH: usize = 6;

/// A level of the file: whichever of these it has. Names are MISP's.
#[derive(Deserialize)]
struct Level<'d> {
    #[serde(rename = "response", borrow, default)]
    response: Option<&'d RawValue>,
    #[serde(rename = "Event", borrow, default)]
    event: Option<&'d RawValue>,
    #[serde(rename = "Attribute", borrow, default)]
    attributes: Vec<&'d RawValue>,
    #[serde(rename = "Object", borrow, default)]
    objects: Vec<&'d RawValue>,
    #[serde(default)]
    info: Option<String>,
}

#[derive(Deserialize)]
struct Attribute {
    #[serde(rename = "type")]
    kind: String,
    value: String,
    #[serde(default)]
    comment: Option<String>,
    #[serde(default)]
    to_ids: Option<bool>,
    #[serde(default)]
    deleted: Option<bool>,
}

pub(super) fn read(file: &[u8], collector: &mut Collector<'_>) -> Result<(), Problem> {
    let root: &RawValue = json(file, "JSON")?;
    let found = walk(file, root, "", 0, collector);
    if found { Ok(()) } else { Err(Problem { line: 1, what: "no MISP event and no attributes".to_owned() }) }
}

/// Reads a level and those in it. Whether it has anything of MISP.
fn walk(file: &[u8], node: &RawValue, info: &str, depth: usize, collector: &mut Collector<'_>) -> bool {
    let place = Place::of(file, node);
    if depth > MAX_DEPTH {
        collector.problem(place, format!("more than {MAX_DEPTH} levels inside each other"));
        return true;
    }
    if node.get().starts_with('[') {
        let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(node.get()) else { return false };
        let found = items.into_iter().map(|item| walk(file, item, info, depth + 1, collector)).filter(|found| *found);
        return found.count() > 0;
    }
    let level: Level<'_> = match serde_json::from_str(node.get()) {
        Ok(level) => level,
        Err(error) => {
            collector.problem(place, error.to_string());
            return false;
        }
    };
    let info = level.info.as_deref().unwrap_or(info);
    let has_any = level.response.is_some() || level.event.is_some() || level.info.is_some();
    let found = has_any || !level.attributes.is_empty() || !level.objects.is_empty();
    for attribute in &level.attributes {
        if let Some(read) = part::<Attribute>(file, attribute, collector) {
            add(&read, info, Place::of(file, attribute), collector);
        }
    }
    for inner in level.response.into_iter().chain(level.event).chain(level.objects) {
        walk(file, inner, info, depth + 1, collector);
    }
    found
}

fn add(attribute: &Attribute, info: &str, place: Place<'_>, collector: &mut Collector<'_>) {
    if attribute.to_ids == Some(false) || attribute.deleted == Some(true) {
        collector.report.withdrawn += 1;
        return;
    }
    let comment = attribute.comment.as_deref().filter(|comment| !comment.trim().is_empty());
    let detail = Detail { description: comment.unwrap_or(info).trim(), reference: "" };
    // Composite types have as many values as names: `filename|sha256`.
    let (mut kinds, mut values) = (attribute.kind.split('|'), attribute.value.split('|'));
    let (first, second) = (kinds.next(), kinds.next());
    if second.is_none() {
        return one(&attribute.kind, &attribute.value, detail, place, collector);
    }
    for (kind, value) in [first, second].into_iter().flatten().zip(values.by_ref()) {
        // The port of `ip-dst|port` narrows the address; a list of addresses cannot say so.
        if second == Some("port") {
            collector.report.other_types += 1;
        } else {
            one(kind, value, detail, place, collector);
        }
    }
}

fn one(kind: &str, value: &str, detail: Detail<'_>, place: Place<'_>, collector: &mut Collector<'_>) {
    match sort_of(kind) {
        Some(sort) => collector.add_of(sort, value, detail, place),
        None => collector.report.other_types += 1,
    }
}

/// MISP's types that are of a type of ours.
fn sort_of(kind: &str) -> Option<Sort> {
    Some(match kind {
        "ip" | "ip-dst" | "ip-src" => Sort::Ip,
        "domain" | "hostname" => Sort::Domain,
        "uri" | "url" => Sort::Url,
        "md5" | "sha1" | "sha224" | "sha256" | "sha384" | "sha512" => Sort::Hash,
        "filename" => Sort::FileName,
        _ => return None,
    })
}
