//! Shell patterns as Falco has them, as regular expressions.
//!
//! A star takes slashes too, and there are groups: `?(a|b)`, `*(a|b)`, `+(a|b)`, `@(a|b)`. What a group
//! with `!` means no regular expression says.

use crate::rule::pcre::{self, Fault};

/// What a star stands for: bytes that are no UTF-8 too.
const ANY: &str = "(?s-u:.)*";

/// The regular expression of a shell pattern.
pub(super) fn glob(pattern: &str) -> Result<String, Fault> {
    translate(pattern, ANY, "(?s:.)", true)
}

/// The regular expression of a path and all that is below it. Stars stay within one part of the path.
pub(super) fn path(pattern: &str) -> Result<String, Fault> {
    let trimmed = pattern.trim_end_matches('/');
    Ok(format!("{}(?:/{ANY})?", translate(trimmed, "(?-u:[^/])*", "[^/]", false)?))
}

fn translate(pattern: &str, star: &str, one: &str, has_groups: bool) -> Result<String, Fault> {
    let mut regex = String::new();
    // What stands behind each open group.
    let mut groups: Vec<&str> = Vec::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let mut used = first.len_utf8();
        let opens = has_groups && rest.get(used..).is_some_and(|after| after.starts_with('('));
        match first {
            '!' if opens => return Err(Fault::Unsupported(format!("the group `!(` of the pattern `{pattern}`"))),
            '?' | '*' | '+' | '@' if opens => {
                groups.push(rest.get(..1).filter(|sign| *sign != "@").unwrap_or_default());
                regex.push_str("(?:");
                used += 1;
            }
            '|' if !groups.is_empty() => regex.push('|'),
            ')' if !groups.is_empty() => {
                regex.push(')');
                regex.push_str(groups.pop().unwrap_or_default());
            }
            '*' => regex.push_str(star),
            '?' => regex.push_str(one),
            '[' => match set(rest)? {
                Some((set, length)) => {
                    regex.push_str(&set);
                    used = length;
                }
                // Without an end it stands for itself.
                None => regex.push_str("\\["),
            },
            '\\' => {
                let escaped = rest.chars().nth(1).unwrap_or(first);
                used += if rest.len() > 1 { escaped.len_utf8() } else { 0 };
                regex.push_str(&regex_syntax::escape(escaped.encode_utf8(&mut [0; 4])));
            }
            other => regex.push_str(&regex_syntax::escape(other.encode_utf8(&mut [0; 4]))),
        }
        rest = rest.get(used..).unwrap_or_default();
    }
    if groups.is_empty() {
        Ok(regex)
    } else {
        Err(Fault::Unsupported(format!("a group without an end in the pattern `{pattern}`")))
    }
}

/// `[...]` at the start of a text: its regular expression and its length. `None` if it has no end.
fn set(text: &str) -> Result<Option<(String, usize)>, Fault> {
    let inner = text.get(1..).unwrap_or_default();
    let negated = inner.starts_with(['!', '^']);
    let mut rest = inner.get(usize::from(negated)..).unwrap_or_default();
    let mut regex = if negated { "[^".to_owned() } else { "[".to_owned() };
    // A bracket at the start is a member, not the end.
    let mut is_first = true;
    while is_first || !rest.starts_with(']') {
        is_first = false;
        if let Some(name) = rest.strip_prefix("[:").and_then(|class| class.split_once(":]")).map(|(name, _)| name)
            && name.bytes().all(|byte| byte.is_ascii_alphabetic())
        {
            if !pcre::POSIX.contains(&name) {
                return Err(Fault::Wrong(format!("there is no class `[:{name}:]`")));
            }
            regex.push_str(&format!("[:{name}:]"));
            rest = rest.get(name.len() + 4..).unwrap_or_default();
            continue;
        }
        if rest.starts_with("[=") || rest.starts_with("[.") {
            return Err(Fault::Unsupported(format!("what sorts alike, `[=` or `[.`, of the pattern `{text}`")));
        }
        let Some((first, after)) = member(rest) else { return Ok(None) };
        let last = after.strip_prefix('-').filter(|last| !last.starts_with(']')).and_then(member);
        regex.push_str(&format!("\\x{{{:x}}}", u32::from(first)));
        if let Some((last, _)) = last {
            regex.push_str(&format!("-\\x{{{:x}}}", u32::from(last)));
        }
        rest = last.map_or(after, |(_, after)| after);
    }
    regex.push(']');
    Ok(Some((regex, text.len() - rest.len() + 1)))
}

/// The character that a text begins with, and what is behind it. A backslash takes the next one as it is.
fn member(text: &str) -> Option<(char, &str)> {
    let text = text.strip_prefix('\\').unwrap_or(text);
    let mut characters = text.chars();
    characters.next().map(|first| (first, characters.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::test::Pattern;

    fn check(translate: fn(&str) -> Result<String, Fault>, pattern: &str, text: &str, expected: bool) {
        let regex = translate(pattern).expect(pattern);
        let compiled = Pattern::new(&format!("(?s)\\A(?:{regex})\\z")).expect(&regex);
        assert_eq!(compiled.holds(text.as_bytes()), expected, "{pattern} on {text}: {regex}");
    }

    #[test]
    fn a_star_of_a_glob_takes_slashes() {
        check(glob, "/home/*/.ssh/*", "/home/a/b/.ssh/id", true);
        check(glob, "/home/*/.ssh/*", "/root/.ssh/id", false);
        check(glob, "/etc/?", "/etc//", true);
        check(glob, "*.s[oa]", "/lib/a.so", true);
        check(glob, "*.[!a-c]", "/a.b", false);
        check(glob, "a[", "a[", true);
        check(glob, "a\\*", "a*", true);
        check(glob, "a\\*", "ab", false);
        check(glob, "a.b", "axb", false);
    }

    #[test]
    fn sets_have_classes_ranges_and_escapes() {
        check(glob, "[[:alpha:]]", "a", true);
        check(glob, "[[:alpha:]]", "1", false);
        check(glob, "[![:alpha:]]", "1", true);
        check(glob, "[^[:alpha:][:digit:]_]", "_", false);
        check(glob, "[[:digit:]a-c]x", "bx", true);
        check(glob, "[[:alpha]", ":", true);
        check(glob, "[[]", "[", true);
        check(glob, "[]-]", "]", true);
        check(glob, "[!--]", "+", true);
        check(glob, "[!--]", "-", false);
        check(glob, "[+--]", ",", true);
        check(glob, "[a-c-e]", "-", true);
        check(glob, "[a-c-e]", "d", false);
        check(glob, r"[\]x]", "]", true);
        check(glob, r"[\]x]", r"\", false);
        check(path, "/[[:digit:]]", "/1/x", true);
        check(glob, "[[:alpha:]", "[a", true);
        assert!(matches!(glob("[[:letter:]]"), Err(Fault::Wrong(_))));
        assert!(matches!(glob("[[=a=]]"), Err(Fault::Unsupported(_))));
    }

    #[test]
    fn groups_are_repeated_as_their_sign_says() {
        check(glob, "a@(b|c)d", "acd", true);
        check(glob, "a?(b)d", "ad", true);
        check(glob, "a+(b)d", "ad", false);
        check(glob, "a*(b|c)d", "abcbd", true);
        assert!(glob("!(a)").is_err());
        assert!(glob("@(a").is_err());
    }

    #[test]
    fn a_path_takes_what_is_below_it() {
        check(path, "/tmp/foo", "/tmp/foo", true);
        check(path, "/tmp/foo/", "/tmp/foo/bar/x", true);
        check(path, "/tmp/foo", "/tmp/foobar", false);
        check(path, "/", "/etc", true);
        check(path, "/home/*/x", "/home/a/x/y", true);
        check(path, "/home/*/x", "/home/a/b/x", false);
    }
}
