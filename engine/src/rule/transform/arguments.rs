//! `arguments`: a command line without its first word.

use super::{Output, Transform};
use crate::event::value::Value;

/// The transform.
pub(super) struct Arguments;

impl Transform for Arguments {
    fn name(&self) -> &'static str {
        "arguments"
    }
    fn doc(&self) -> &'static str {
        "What follows the first space; an empty text if there is none."
    }
    fn example(&self) -> &'static str {
        "arguments(process.command_line) startswith '-c /dev/shm'"
    }
    fn apply<'v>(&self, text: &'v [u8]) -> Output<'v> {
        let space = text.iter().position(|byte| *byte == b' ');
        Output::Seen(Value::Bytes(space.and_then(|space| text.get(space + 1..)).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use crate::rule::op::tests::check;

    #[test]
    fn what_follows_the_first_word() {
        let event = |line: &str| format!(r#"{{"event":{{"action":"exec"}},"process":{{"command_line":"{line}"}}}}"#);
        check("arguments(process.command_line) = '-c id'", &event("sh -c id"), true);
        check("arguments(process.command_line) startswith ' '", &event("sh  x"), true);
        check("arguments(process.command_line) = ''", &event("sh"), true);
        check("arguments(process.command_line) contains sh", &event("sh -c id"), false);
    }
}
