//! `bare_command`: a command line that begins with the program's name, however it was called.

use super::{Output, Transform};
use crate::event::value::Value;

/// The transform.
pub(super) struct BareCommand;

impl Transform for BareCommand {
    fn name(&self) -> &'static str {
        "bare_command"
    }
    fn doc(&self) -> &'static str {
        "The text without the folders of its first word: `curl -s x` of `/usr/bin/curl -s x`."
    }
    fn example(&self) -> &'static str {
        "bare_command(process.command_line) startswith 'perl /usr/bin/updmap'"
    }
    fn apply<'v>(&self, text: &'v [u8]) -> Output<'v> {
        let word = text.split(|byte| *byte == b' ').next().unwrap_or_default();
        let start = word.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
        Output::Seen(Value::Bytes(text.get(start..).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use crate::rule::op::tests::check;

    #[test]
    fn the_folders_of_the_first_word_are_gone() {
        let event = |line: &str| format!(r#"{{"event":{{"action":"exec"}},"process":{{"command_line":"{line}"}}}}"#);
        check("bare_command(process.command_line) = 'cat /etc/passwd'", &event("/usr/bin/cat /etc/passwd"), true);
        check("bare_command(process.command_line) = 'cat /etc/passwd'", &event("cat /etc/passwd"), true);
        check("bare_command(process.command_line) = cat", &event("./cat"), true);
        check("bare_command(process.command_line) startswith /", &event("/usr/bin/cat /etc"), false);
    }
}
