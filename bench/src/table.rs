//! Rows of a measurement: printed for people, written for machines.

use std::path::Path;

use serde_json::json;

/// What a number should be.
#[derive(Clone, Copy)]
pub(super) enum Target {
    None,
    AtMost(f64),
    AtLeast(f64),
}

pub(super) struct Row {
    case: String,
    ours: f64,
    /// The same number of another program, if there is one to compare with.
    pub(super) peer: Option<f64>,
    unit: &'static str,
    target: Target,
}

impl Row {
    pub(super) fn new(case: &str, ours: f64, unit: &'static str, target: Target) -> Self {
        Self { case: case.to_owned(), ours, peer: None, unit, target }
    }

    fn ratio(&self) -> Option<f64> {
        self.peer.map(|peer| self.ours / peer)
    }

    /// Whether the target is met; a number that could not be measured meets none.
    pub(super) fn met(&self) -> bool {
        match self.target {
            Target::None => true,
            Target::AtMost(most) => self.ours <= most,
            Target::AtLeast(least) => self.ours >= least,
        }
    }

    fn wanted(&self) -> String {
        match self.target {
            Target::None => String::new(),
            Target::AtMost(most) => format!("<= {most}"),
            Target::AtLeast(least) => format!(">= {least}"),
        }
    }
}

pub(super) fn print(rows: &[Row]) {
    for row in rows {
        let met = if row.met() { "" } else { "MISSED" };
        let peer = row.peer.zip(row.ratio()).map_or(String::new(), |(peer, ratio)| format!("{peer:.0} ({ratio:.1}x)"));
        println!("{:<60} {:>12.3} {:<12} {peer:<18} {:<10} {met}", row.case, row.ours, row.unit, row.wanted());
    }
}

pub(super) fn write(rows: &[Row], path: &Path) {
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            let target = match row.target {
                Target::None => None,
                Target::AtMost(number) | Target::AtLeast(number) => Some(number),
            };
            json!({
                "case": row.case, "ours": row.ours, "peer": row.peer, "unit": row.unit, "ratio": row.ratio(),
                "target": target, "met": row.met(),
            })
        })
        .collect();
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, serde_json::to_string_pretty(&rows).expect("JSON") + "\n").expect("the file");
}
