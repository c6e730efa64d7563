//! `dirname`: the folder of a path.

use super::{Output, Transform};
use crate::event::value::Value;

/// The transform.
pub(super) struct Dirname;

impl Transform for Dirname {
    fn name(&self) -> &'static str {
        "dirname"
    }
    fn doc(&self) -> &'static str {
        "What stands before the last `/`; `/` for what is in the root. Absent if the text has no `/`."
    }
    fn example(&self) -> &'static str {
        "dirname(file.path) in (/etc/pam.d, /etc/sudoers.d)"
    }
    fn apply<'v>(&self, text: &'v [u8]) -> Output<'v> {
        let slash = text.iter().rposition(|byte| *byte == b'/');
        // The root is its own folder's slash.
        let folder = slash.and_then(|slash| text.get(..slash.max(1)));
        Output::Seen(folder.map_or(Value::Absent, Value::Bytes))
    }
}

#[cfg(test)]
mod tests {
    use crate::rule::op::tests::check;

    #[test]
    fn the_folder_of_a_path() {
        let event = |path: &str| format!(r#"{{"event":{{"action":"file_open"}},"file":{{"path":"{path}"}}}}"#);
        check("dirname(file.path) = /a/b", &event("/a/b/c"), true);
        check("dirname(file.path) = /a", &event("/a/b/c"), false);
        check("dirname(file.path) = /", &event("/a"), true);
        check("dirname(file.path) = /a", &event("/a/"), true);
        check("dirname(file.path) exists", &event("a"), false);
        check("basename(dirname(file.path)) = b", &event("/a/b/c"), true);
    }
}
