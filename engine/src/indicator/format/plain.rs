//! One entry a line.

use super::{Collector, Detail, Place, Problem};

/// Bytes of the longest line.
const MAX_LINE: usize = 16 << 10;

pub(super) fn read(file: &[u8], collector: &mut Collector<'_>) -> Result<(), Problem> {
    let mut offset = 0;
    for line in file.split_inclusive(|byte| *byte == b'\n') {
        let place = Place::at(file, offset);
        offset += line.len();
        if line.len() > MAX_LINE {
            collector.problem(place, format!("a line of more than {MAX_LINE} bytes"));
            continue;
        }
        let Ok(line) = std::str::from_utf8(line) else {
            collector.problem(place, "a line that is not UTF-8".to_owned());
            continue;
        };
        let (entry, description) = parts(line.trim());
        if !entry.is_empty() {
            collector.add(entry, Detail { description, reference: "" }, place);
        }
    }
    Ok(())
}

/// The entry and what is said of it. A `#` or `;` inside an entry, as in a URL, is part of it.
fn parts(line: &str) -> (&str, &str) {
    if line.starts_with(['#', ';']) {
        return ("", "");
    }
    let after_blank = |at: usize| line.get(..at).is_some_and(|before| before.ends_with(char::is_whitespace));
    let comment = line.match_indices(['#', ';']).map(|(at, _)| at).find(|at| after_blank(*at));
    let (entry, comment) = line.split_at(comment.unwrap_or(line.len()));
    (entry.trim_end(), comment.trim_start_matches(['#', ';']).trim())
}
