//! Printing: tables for people, JSON for programs, and no complaint when the reader has gone.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use serde_json::{Map, Value};

/// Prints a text. A reader that closed the pipe (`| head`) is no error.
pub(super) fn text(text: &str) -> ExitCode {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("beewolf: standard output: {error}");
            ExitCode::FAILURE
        }
        Ok(()) | Err(_) => ExitCode::SUCCESS,
    }
}

/// Prints a value as JSON.
pub(super) fn json(value: &Value) -> ExitCode {
    text(&crate::schema::text(value))
}

/// So many of something: `1 error`, `3 errors`.
pub(super) fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Widest column that others are lined up with; a longer cell pushes its own row.
const MAX_PADDING: usize = 44;

/// How a table is printed.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct As {
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

impl As {
    /// Whether JSON is wanted.
    pub(super) fn json(self) -> bool {
        self.json
    }
}

/// Rows of text under column heads; the last column may be long and is not padded.
pub(super) fn table<const N: usize>(form: As, heads: [&str; N], rows: &[[Value; N]]) -> ExitCode {
    if form.json {
        let object = |row: &[Value; N]| {
            Value::Object(heads.iter().map(|head| (*head).to_owned()).zip(row.iter().cloned()).collect::<Map<_, _>>())
        };
        return json(&Value::Array(rows.iter().map(object).collect()));
    }
    let shown: Vec<[String; N]> =
        rows.iter().map(|row| std::array::from_fn(|column| row.get(column).map_or_else(String::new, cell))).collect();
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = shown.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(heads.get(column).map(|head| head.len())).max().unwrap_or_default().min(MAX_PADDING)
    });
    let mut out = String::new();
    let heads: [String; N] = heads.map(str::to_uppercase);
    for row in std::iter::once(&heads).chain(&shown) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(&format!("{cell:width$}  "));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    text(&out)
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(","),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        other @ (Value::Number(_) | Value::Object(_)) => other.to_string(),
    }
}
