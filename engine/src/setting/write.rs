//! Values back to YAML, with the documentation as comments.

use super::{Row, Type, Value, Values, duration_text, size_text};

/// Appends `doc` as comment lines of at most 100 columns.
pub fn comment(out: &mut String, indent: usize, doc: &str) {
    let width = 98_usize.saturating_sub(indent);
    let mut line = String::new();
    for word in doc.split_whitespace() {
        if !line.is_empty() && line.len() + 1 + word.len() > width {
            push(out, indent, &format!("# {line}"));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        push(out, indent, &format!("# {line}"));
    }
}

fn push(out: &mut String, indent: usize, line: &str) {
    out.extend(std::iter::repeat_n(' ', indent));
    out.push_str(line);
    out.push('\n');
}

/// One value on one line.
#[must_use]
pub fn scalar(value: &Value, ty: Type) -> String {
    match value {
        Value::Absent => "null".to_owned(),
        Value::Boolean(flag) => flag.to_string(),
        Value::Duration(time) => duration_text(*time),
        Value::List(items) => format!("[{}]", items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(", ")),
        Value::Number(number) => {
            if matches!(ty, Type::Size { .. }) {
                size_text(*number)
            } else {
                number.to_string()
            }
        }
        Value::Text(text) => quoted(text),
    }
}

/// A YAML scalar that reads back as this text: plain where that is certain, else as JSON has it.
fn quoted(text: &str) -> String {
    const TAKEN: [&str; 7] = ["true", "false", "null", "yes", "no", "on", "off"];
    let plain = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte))
        && !TAKEN.contains(&text.to_ascii_lowercase().as_str());
    if plain { text.to_owned() } else { serde_json::to_string(text).unwrap_or_default() }
}

/// Appends the settings of a table as nested YAML, each below its documentation.
pub fn yaml(out: &mut String, indent: usize, rows: &[Row], values: &Values, documented: bool) {
    let mut open: Vec<&str> = Vec::new();
    for row in rows {
        let mut parts: Vec<&str> = row.name.split('.').collect();
        let last = parts.pop().unwrap_or(row.name);
        let shared = open.iter().zip(&parts).take_while(|(a, b)| a == b).count();
        open.truncate(shared);
        for part in parts.iter().skip(shared) {
            if documented {
                out.push('\n');
            }
            push(out, indent + 2 * open.len(), &format!("{part}:"));
            open.push(part);
        }
        let indent = indent + 2 * open.len();
        if documented {
            comment(out, indent, &format!("{} Value: {}.", row.doc, row.ty.describe()));
        }
        push(out, indent, &format!("{last}: {}", scalar(values.value(row.name), row.ty)));
    }
}

/// The settings of a table as nested JSON.
#[must_use]
pub fn json(rows: &[Row], values: &Values) -> serde_json::Map<String, serde_json::Value> {
    let mut object = serde_json::Map::new();
    for row in rows {
        let value = match values.value(row.name) {
            Value::Absent => serde_json::Value::Null,
            Value::Boolean(flag) => (*flag).into(),
            Value::List(items) => items.iter().map(String::as_str).collect(),
            Value::Number(number) if !matches!(row.ty, Type::Size { .. }) => (*number).into(),
            value @ (Value::Duration(_) | Value::Number(_)) => scalar(value, row.ty).into(),
            Value::Text(text) => text.as_str().into(),
        };
        match row.name.split_once('.') {
            None => drop(object.insert(row.name.to_owned(), value)),
            Some((folder, name)) => {
                let inner = object.entry(folder).or_insert_with(|| serde_json::Value::Object(serde_json::Map::new()));
                if let serde_json::Value::Object(inner) = inner {
                    inner.insert(name.to_owned(), value);
                }
            }
        }
    }
    object
}
