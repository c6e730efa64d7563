//! `glob` and `iglob`: shell patterns over paths.
//!
//! `*` and `?` stop at `/`, `**` does not; `[abc]`, `[a-z]`, `[!a]` are sets, `{a,b}` alternatives,
//! and a backslash takes the next character as it is. The pattern has to match the whole text.

use super::{Fault, Operator, Takes, Typed, of_text};
use crate::rule::{
    ast::Literal,
    diagnostic::Diagnostic,
    test::{Case, Pattern, Test},
};

/// Compares bytes.
pub(super) const EXACT: Glob = Glob(Case::Exact);
/// Takes small and capital letters as equal.
pub(super) const FOLDED: Glob = Glob(Case::Folded);

/// The operator in both forms.
pub(super) struct Glob(Case);

impl Operator for Glob {
    fn word(&self) -> &'static str {
        match self.0 {
            Case::Exact => "glob",
            Case::Folded => "iglob",
        }
    }
    fn doc(&self) -> &'static str {
        match self.0 {
            Case::Exact => {
                "The whole text matches the shell pattern, or one of several; `*` stops at `/`, `**` does not."
            }
            Case::Folded => "As `glob`, small and capital letters being equal.",
        }
    }
    fn example(&self) -> &'static str {
        match self.0 {
            Case::Exact => "file.path glob /home/*/.ssh/**",
            Case::Folded => "file.path iglob ('/tmp/*.sh', '/tmp/*.py')",
        }
    }
    fn takes(&self) -> Takes {
        Takes::OneOrList
    }
    fn test(&self, of: Typed, constants: &[Literal]) -> Result<Test, Vec<Fault>> {
        of_text(of)?;
        let fault = |constant: &Literal, why: String| {
            let error = Diagnostic::error("invalid-glob", constant.place.clone(), "invalid shell pattern").label(why);
            Fault::Constant(Box::new(error))
        };
        let patterns =
            super::each(constants, |constant| translate(&constant.bytes).map_err(|why| fault(constant, why)))?;
        let flags = match self.0 {
            Case::Exact => "(?s)",
            Case::Folded => "(?si)",
        };
        let Some(first) = constants.first() else { return Err(vec![Fault::Operator(None)]) };
        Pattern::new(&format!("{flags}\\A(?:{})\\z", patterns.join("|")))
            .map(Test::Pattern)
            .map_err(|why| vec![fault(first, why.to_string())])
    }
}

/// The regular expression of a shell pattern.
fn translate(glob: &[u8]) -> Result<String, String> {
    let mut regex = String::new();
    let mut alternatives = 0_u32;
    for chunk in glob.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some(first) = rest.chars().next() {
            let mut used = first.len_utf8();
            match first {
                '*' if rest.starts_with("**/") => {
                    used = 3;
                    regex.push_str("(?:(?s-u:.)*/)?");
                }
                '*' if rest.starts_with("**") => {
                    used = 2;
                    regex.push_str("(?s-u:.)*");
                }
                '*' => regex.push_str("(?-u:[^/])*"),
                '?' => regex.push_str("[^/]"),
                '[' => {
                    let (set, length) = set(rest)?;
                    used = length;
                    regex.push_str(&set);
                }
                '{' => {
                    alternatives += 1;
                    regex.push_str("(?:");
                }
                '}' if alternatives > 0 => {
                    alternatives -= 1;
                    regex.push(')');
                }
                ',' if alternatives > 0 => regex.push('|'),
                '\\' => {
                    let Some(escaped) = rest.chars().nth(1) else { return Err("it ends with a backslash".to_owned()) };
                    used += escaped.len_utf8();
                    regex.push_str(&regex_syntax::escape(escaped.encode_utf8(&mut [0; 4])));
                }
                other => regex.push_str(&regex_syntax::escape(other.encode_utf8(&mut [0; 4]))),
            }
            rest = rest.get(used..).unwrap_or_default();
        }
        for byte in chunk.invalid() {
            regex.push_str(&format!("(?-u:\\x{byte:02x})"));
        }
    }
    if alternatives > 0 { Err("`{` has no `}`".to_owned()) } else { Ok(regex) }
}

/// Reads `[...]` at the start of `rest`: its regular expression and its length.
fn set(rest: &str) -> Result<(String, usize), String> {
    let inner = rest.get(1..).unwrap_or_default();
    let (negated, inner) = match inner.strip_prefix(['!', '^']) {
        Some(inner) => (true, inner),
        None => (false, inner),
    };
    // A bracket at the start is a member, not the end.
    let end = inner.char_indices().skip(1).find(|(_, c)| *c == ']').map(|(index, _)| index);
    let Some(members) = end.and_then(|end| inner.get(..end)) else { return Err("`[` has no `]`".to_owned()) };
    let mut regex = if negated { "[^/".to_owned() } else { "[".to_owned() };
    let mut characters = members.chars().peekable();
    while let Some(from) = characters.next() {
        let mut ahead = characters.clone();
        if let (Some('-'), Some(to)) = (ahead.next(), ahead.next()) {
            if from > to {
                return Err(format!("the range `{from}-{to}` is empty"));
            }
            regex.push_str(&format!("\\x{{{:x}}}-\\x{{{:x}}}", u32::from(from), u32::from(to)));
            characters = ahead;
        } else {
            regex.push_str(&format!("\\x{{{:x}}}", u32::from(from)));
        }
    }
    regex.push(']');
    Ok((regex, 1 + usize::from(negated) + members.len() + 1))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, check_refused};

    #[test]
    fn shell_patterns() {
        for (glob, path, expected) in [
            ("/home/*/.ssh/id_*", "/home/a/.ssh/id_rsa", true),
            ("/home/*/.ssh/id_*", "/home/a/b/.ssh/id_rsa", false),
            ("/home/**/id_*", "/home/a/b/.ssh/id_rsa", true),
            ("/home/**/id_*", "/home/id_x", true),
            ("/etc/**", "/etc/a/b", true),
            ("/etc/?", "/etc/é", true),
            ("/etc/?", "/etc//", false),
            ("/etc/[a-c]", "/etc/b", true),
            ("/etc/[!a-c]", "/etc/b", false),
            ("/etc/[]x]", "/etc/]", true),
            ("/etc/{passwd,shadow}", "/etc/shadow", true),
            ("/etc/{passwd,shadow}", "/etc/group", false),
            ("/a.b", "/axb", false),
            ("/a\\*", "/a*", true),
            ("/a\\*", "/ab", false),
            ("/tmp", "/tmp/x", false),
        ] {
            let event = format!(r#"{{"event":{{"action":"file_open"}},"file":{{"path":"{path}"}}}}"#);
            check(&format!("file.path glob '{glob}'"), &event, expected);
        }
        let event = r#"{"event":{"action":"file_open"},"file":{"path":"/TMP/a.SH"}}"#;
        check("file.path iglob ('/var/*', '/tmp/*.sh')", event, true);
        check("file.path glob ('/var/*', '/tmp/*.sh')", event, false);
        check_refused("file.path glob '/a[b'", "invalid shell pattern");
        check_refused("file.path glob '/a{b'", "invalid shell pattern");
        check_refused("file.path glob '[z-a]'", "invalid shell pattern");
    }

    #[test]
    fn a_star_takes_bytes_that_are_no_text() {
        // U+10FFxx stands for a byte in JSON, see `event::text`.
        let event = "{\"event\":{\"action\":\"file_open\"},\"file\":{\"path\":\"/tmp/\u{10FFFF}x\"}}";
        check("file.path glob /tmp/*x", event, true);
        check(r#"file.path glob "/tmp/\xff*""#, event, true);
        check(r#"file.path endswith "\xffx""#, event, true);
    }
}
