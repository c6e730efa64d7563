//! `basename`: the last part of a path.

use super::{Output, Transform};
use crate::event::value::Value;

/// The transform.
pub(super) struct Basename;

impl Transform for Basename {
    fn name(&self) -> &'static str {
        "basename"
    }
    fn doc(&self) -> &'static str {
        "What stands after the last `/`; the whole text if there is none. Absent if nothing stands there."
    }
    fn example(&self) -> &'static str {
        "basename(process.requested_executable) != basename(process.executable)"
    }
    fn apply<'v>(&self, text: &'v [u8]) -> Output<'v> {
        let name = text.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        Output::Seen(if name.is_empty() { Value::Absent } else { Value::Bytes(name) })
    }
}

#[cfg(test)]
mod tests {
    use crate::rule::op::tests::check;

    #[test]
    fn the_last_part_of_a_path() {
        let event = |path: &str| format!(r#"{{"event":{{"action":"file_open"}},"file":{{"path":"{path}"}}}}"#);
        check("basename(file.path) = c", &event("/a/b/c"), true);
        check("basename(file.path) = c", &event("c"), true);
        check("basename(file.path) contains b", &event("/a/b/c"), false);
        check("basename(file.path) exists", &event("/a/b/"), false);
        check("basename(file.path) startswith .", &event("/a/.b"), true);
    }
}
