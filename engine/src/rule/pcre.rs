//! Regular expressions as Sigma (PCRE) and Falco (RE2) mean them, in the syntax of the engine that runs them.
//!
//! That engine reads most of what they share in the same way. Where it would read something else, silently or not,
//! the text is rewritten: set operations and nested classes, which only it has; escaped punctuation; braces that
//! repeat nothing; `\Q...\E`. What it cannot do at all is told from what is wrong in any flavour.

use regex_syntax::ast::{ErrorKind, parse::Parser};

/// Whose syntax a pattern is in. They differ in what `\v` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flavour {
    Pcre,
    Re2,
}

/// Why there is no pattern for a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It may be right, and asks for what time linear in the text does not allow, or is not known here.
    Unsupported(String),
    /// It is no regular expression.
    Wrong(String),
}

/// Spaces within a line.
const HORIZONTAL: &str = r"\t\x20\xA0\u1680\u180E\u2000-\u200A\u202F\u205F\u3000";
/// Ends of lines.
const VERTICAL: &str = r"\n\x0B\f\r\x85\u2028\u2029";
/// The classes that have a name in brackets.
pub(super) const POSIX: &[&str] = &[
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
    "xdigit",
];

/// The pattern that means here what `pattern` means there. One that means the same in both stays as it is.
pub(super) fn translate(pattern: &str, flavour: Flavour) -> Result<String, Fault> {
    let mut reader = Reader {
        rest: pattern,
        flavour,
        out: String::with_capacity(pattern.len()),
        extended: vec![false],
        before: Before::Item,
        quoting: false,
    };
    while let Some(first) = reader.rest.chars().next() {
        reader.step(first)?;
    }
    match Parser::new().parse(&reader.out) {
        Ok(_) => Ok(reader.out),
        Err(error) => Err(fault(error.kind())),
    }
}

/// Whose fault it is that the engine's parser refuses a translated pattern.
fn fault(kind: &ErrorKind) -> Fault {
    let may_be_right = matches!(
        kind,
        ErrorKind::CaptureLimitExceeded
            | ErrorKind::FlagUnrecognized
            | ErrorKind::GroupNameDuplicate { .. }
            | ErrorKind::NestLimitExceeded(_)
            | ErrorKind::UnsupportedBackreference
            | ErrorKind::UnsupportedLookAround
    );
    if may_be_right { Fault::Unsupported(kind.to_string()) } else { Fault::Wrong(kind.to_string()) }
}

fn wrong<T>(why: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Wrong(why.into()))
}

fn unsupported<T>(what: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Unsupported(format!("{} is not supported", what.into())))
}

/// What stands before the place that is read, as far as a quantifier cares.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Item,
    Lazy,
    Quantifier,
}

/// A part of a pattern that matches one character, or an assertion.
enum Element {
    /// One character: an end of a range.
    One(String),
    /// Several characters.
    Many(String),
    /// A place in the text.
    Place(String),
}

struct Reader<'p> {
    rest: &'p str,
    flavour: Flavour,
    out: String,
    /// Whether spaces mean nothing, in each group that is open and outside of all.
    extended: Vec<bool>,
    before: Before,
    /// Whether a `\Q` is open.
    quoting: bool,
}

impl Reader<'_> {
    /// Takes some bytes off the rest; the caller has seen that they are there.
    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn is_extended(&self) -> bool {
        self.extended.last().copied().unwrap_or_default()
    }

    /// A character that means itself, wherever it stands.
    fn plain(&self, character: char) -> String {
        if self.is_extended() && (character.is_whitespace() || character == '#') {
            return format!("\\x{{{:x}}}", u32::from(character));
        }
        regex_syntax::escape(character.encode_utf8(&mut [0; 4]))
    }

    fn step(&mut self, first: char) -> Result<(), Fault> {
        if self.quoting || first == '\\' {
            if let Some(Element::Many(text) | Element::One(text) | Element::Place(text)) = self.escape(first, false)? {
                self.out.push_str(&text);
                self.before = Before::Item;
            }
            return Ok(());
        }
        match first {
            '*' | '+' | '?' => return self.quantifier(1),
            '{' => match repetition(self.rest) {
                Some(length) => return self.quantifier(length),
                None => self.out.push_str(r"\{"),
            },
            '[' => {
                self.before = Before::Item;
                return self.class();
            }
            '(' => return self.group(),
            ')' => {
                // One that closes nothing is found when all is parsed.
                if self.extended.len() > 1 {
                    self.extended.pop();
                }
                self.out.push(first);
            }
            _ if self.is_extended() && (first.is_whitespace() || first == '#') => {
                let end = if first == '#' { self.rest.find('\n').unwrap_or(self.rest.len()) } else { first.len_utf8() };
                self.out.push_str(self.rest.get(..end).unwrap_or_default());
                // What a quantifier stands behind is before the space.
                self.skip(end);
                return Ok(());
            }
            _ => self.out.push(first),
        }
        self.before = Before::Item;
        self.skip(first.len_utf8());
        Ok(())
    }

    fn quantifier(&mut self, length: usize) -> Result<(), Fault> {
        let text = self.rest.get(..length).unwrap_or_default();
        self.before = match (self.before, text) {
            (Before::Item, _) => Before::Quantifier,
            (Before::Quantifier, "?") => Before::Lazy,
            (Before::Quantifier, "+") => return unsupported("a possessive quantifier, such as `a++`,"),
            (Before::Lazy | Before::Quantifier, _) => return wrong(format!("`{text}` stands behind a quantifier")),
        };
        self.out.push_str(text);
        self.skip(length);
        Ok(())
    }

    /// What begins with `(`.
    fn group(&mut self) -> Result<(), Fault> {
        let inner = self.rest.get(1..).unwrap_or_default();
        let is_verb = inner.strip_prefix('*').is_some_and(|verb| verb.starts_with(|c: char| c.is_ascii_alphabetic()));
        if is_verb && self.flavour == Flavour::Pcre {
            return unsupported("a verb, such as `(*SKIP)`,");
        }
        let Some(inner) = inner.strip_prefix('?') else { return self.open("(", 1, self.is_extended()) };
        let mut characters = inner.chars();
        match (characters.next(), characters.next()) {
            (Some('#'), _) => {
                let Some(end) = self.rest.find(')') else { return wrong("a comment has no end") };
                self.skip(end + 1);
                Ok(())
            }
            (Some('=' | '!'), _) | (Some('<'), Some('=' | '!')) => {
                Err(Fault::Unsupported(ErrorKind::UnsupportedLookAround.to_string()))
            }
            (Some('>'), _) => unsupported("an atomic group, `(?>`,"),
            (Some('|'), _) => unsupported("a branch reset, `(?|`,"),
            (Some('('), _) => unsupported("a conditional group, `(?(`,"),
            (Some('C'), _) => unsupported("a callout, `(?C`,"),
            (Some('R' | '&' | '+' | '0'..='9'), _) | (Some('-'), Some('0'..='9')) | (Some('P'), Some('>')) => {
                unsupported("recursion into a group")
            }
            (Some('P'), Some('=')) => Err(Fault::Unsupported(ErrorKind::UnsupportedBackreference.to_string())),
            (Some('P'), Some('<')) => self.open("(?P<", 4, self.is_extended()),
            (Some('<'), _) => self.open("(?<", 3, self.is_extended()),
            (Some('\''), _) => {
                let Some((name, _)) = inner.get(1..).and_then(|name| name.split_once('\'')) else {
                    return wrong("the name of a group has no end");
                };
                self.open(&format!("(?<{name}>"), name.len() + 4, self.is_extended())
            }
            (_, _) => self.options(inner),
        }
    }

    /// Writes the beginning of a group for some bytes of the text.
    #[expect(clippy::unnecessary_wraps, reason = "as the other ends of `group`")]
    fn open(&mut self, text: &str, length: usize, extended: bool) -> Result<(), Fault> {
        self.out.push_str(text);
        self.extended.push(extended);
        self.before = Before::Item;
        self.skip(length);
        Ok(())
    }

    /// `(?i)`, `(?i:` and `(?:`: the engine has more options and takes none twice.
    fn options(&mut self, inner: &str) -> Result<(), Fault> {
        let Some(end) = inner.find([':', ')']) else { return wrong("a group has no end") };
        let length = 2 + end + 1;
        let options = inner.get(..end).unwrap_or_default();
        let (on, off) = options.split_once('-').unwrap_or((options, ""));
        if let Some(unknown) = options.chars().find(|option| !"imsxUnJ-".contains(*option)) {
            return unsupported(format!("`(?{unknown}`"));
        }
        if off.contains('-') {
            return wrong(format!("`(?{options}` has two dashes"));
        }
        if on.contains("xx") {
            return unsupported("`(?xx`");
        }
        // Those that are about names and numbers of groups only do not matter here.
        let kept = |wanted: &str, without: &str| -> String {
            "imsxU".chars().filter(|option| wanted.contains(*option) && !without.contains(*option)).collect()
        };
        let (set, cleared) = (kept(on, off), kept(off, ""));
        let extended = (self.is_extended() || set.contains('x')) && !cleared.contains('x');
        let is_same =
            set.len() == on.len() && cleared.len() == off.len() && cleared.is_empty() != options.contains('-');
        let text = match (is_same, cleared.is_empty()) {
            (true, _) => options.to_owned(),
            (false, true) => set,
            (false, false) => format!("{set}-{cleared}"),
        };
        if inner.get(end..).is_some_and(|rest| rest.starts_with(':')) {
            return self.open(&format!("(?{text}:"), length, extended);
        }
        if let Some(innermost) = self.extended.last_mut() {
            *innermost = extended;
        }
        if !text.is_empty() {
            self.out.push_str(&format!("(?{text})"));
        }
        self.before = Before::Item;
        self.skip(length);
        Ok(())
    }

    /// What a backslash begins, or a character after `\Q`; nothing for what only begins or ends that.
    fn escape(&mut self, first: char, in_class: bool) -> Result<Option<Element>, Fault> {
        if self.quoting && !self.rest.starts_with(r"\E") {
            self.skip(first.len_utf8());
            return Ok(Some(Element::One(self.plain(first))));
        }
        let rest = self.rest;
        let Some(escaped) = rest.chars().nth(1) else { return wrong("a backslash stands at the end") };
        let after = rest.get(1 + escaped.len_utf8()..).unwrap_or_default();
        let count = |most: usize, fits: fn(&char) -> bool| after.chars().take(most).take_while(fits).count();
        let braced = match (escaped, after.strip_prefix('{')) {
            ('p' | 'P' | 'u' | 'U' | 'x', Some(inner)) => match inner.find('}') {
                Some(end) => Some(end + 2),
                None => return wrong(format!("`\\{escaped}{{` has no end")),
            },
            (_, _) => None,
        };
        let verbatim = |more: usize| rest.get(..2 + more).unwrap_or_default().to_owned();
        let class =
            |members: &str, negated: bool| Element::Many(format!("[{}{members}]", if negated { "^" } else { "" }));
        let mut more = 0;
        let element = match escaped {
            'Q' => {
                self.quoting = true;
                None
            }
            'E' => {
                self.quoting = false;
                None
            }
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => Some(Element::Many(verbatim(0))),
            'p' | 'P' => {
                more = braced.unwrap_or_else(|| after.chars().next().map_or(0, char::len_utf8));
                Some(Element::Many(match after.strip_prefix("{^") {
                    // The engine says no with the letter only.
                    Some(name) => {
                        let letter = if escaped == 'p' { 'P' } else { 'p' };
                        format!("\\{letter}{{{}", name.get(..more.saturating_sub(2)).unwrap_or_default())
                    }
                    None => verbatim(more),
                }))
            }
            'h' | 'H' => Some(class(HORIZONTAL, escaped == 'H')),
            'v' | 'V' if self.flavour == Flavour::Pcre => Some(class(VERTICAL, escaped == 'V')),
            'a' | 'f' | 'n' | 'r' | 't' | 'v' => Some(Element::One(verbatim(0))),
            'e' => Some(Element::One(r"\x1B".to_owned())),
            'b' if in_class => Some(Element::One(r"\x08".to_owned())),
            'A' | 'b' | 'B' | 'z' => Some(Element::Place(verbatim(0))),
            'Z' if !in_class => Some(Element::Place(r"(?:\n?\z)".to_owned())),
            'c' => {
                let Some(control) = after.chars().next().filter(|control| matches!(control, ' '..='~')) else {
                    return wrong(r"`\c` needs a character");
                };
                more = 1;
                Some(Element::One(format!("\\x{{{:x}}}", u32::from(control.to_ascii_uppercase()) ^ 0x40)))
            }
            '0' => {
                more = count(2, |digit| matches!(digit, '0'..='7'));
                let number = u32::from_str_radix(after.get(..more).unwrap_or_default(), 8).unwrap_or(0);
                Some(Element::One(format!("\\x{{{number:x}}}")))
            }
            'x' => {
                let digits = count(2, char::is_ascii_hexdigit);
                more = braced.unwrap_or(digits);
                Some(Element::One(match (braced, after.get(..digits)) {
                    (None, Some("")) => r"\x00".to_owned(),
                    (None, Some(digit)) if digits == 1 => format!("\\x0{digit}"),
                    (_, _) => verbatim(more),
                }))
            }
            'u' | 'U' => {
                let most = if escaped == 'u' { 4 } else { 8 };
                more = braced.unwrap_or_else(|| count(most, char::is_ascii_hexdigit));
                Some(Element::One(verbatim(more)))
            }
            // In a class `\1` is a character, seldom meant.
            '1'..='9' | 'g' | 'k' => return Err(Fault::Unsupported(ErrorKind::UnsupportedBackreference.to_string())),
            'C' | 'G' | 'K' | 'N' | 'o' | 'R' | 'X' => return unsupported(format!("`\\{escaped}`")),
            other if other.is_ascii_alphanumeric() => return wrong(format!("`\\{other}` is unknown")),
            // Any other character is itself; these the engine does not take so.
            '<' | '>' => Some(Element::One(escaped.to_string())),
            other if !other.is_ascii() => Some(Element::One(self.plain(other))),
            _ => Some(Element::One(verbatim(0))),
        };
        self.skip(1 + escaped.len_utf8() + more);
        Ok(element)
    }

    /// `[...]`.
    fn class(&mut self) -> Result<(), Fault> {
        self.out.push('[');
        self.skip(1);
        if self.rest.starts_with('^') {
            self.out.push('^');
            self.skip(1);
        }
        let mut is_first = true;
        while let Some(first) = self.rest.chars().next() {
            if first == ']' && !is_first && !self.quoting {
                self.out.push(first);
                self.skip(1);
                return Ok(());
            }
            let Some(member) = self.member(first, is_first)? else { continue };
            is_first = false;
            let last = self.range(&member)?;
            let (Element::Many(text) | Element::One(text) | Element::Place(text)) = member;
            // A dash at a border needs no backslash, but here it does.
            let is_bare = text == "-" && last.is_some();
            self.out.push_str(if is_bare { r"\-" } else { &text });
            match last {
                Some(Element::One(last)) => {
                    self.out.push('-');
                    self.out.push_str(if last == "-" { r"\-" } else { &last });
                }
                // Between what cannot be its ends a dash is a dash.
                Some(Element::Many(last) | Element::Place(last)) => {
                    self.out.push_str(r"\-");
                    self.out.push_str(&last);
                }
                None => {}
            }
        }
        wrong("a character class has no end")
    }

    /// The other end, if a member of a class begins a range.
    fn range(&mut self, member: &Element) -> Result<Option<Element>, Fault> {
        let begins = matches!(member, Element::One(_)) && !self.quoting;
        if begins {
            // One that ends no quotation says nothing.
            self.rest = self.rest.trim_start_matches(r"\E");
        }
        let is_end = |inner: &&str| inner.trim_start_matches(r"\E").starts_with(']');
        let inner = self.rest.strip_prefix('-').filter(|inner| begins && !is_end(inner));
        if inner.is_none() {
            return Ok(None);
        }
        self.skip(1);
        while let Some(first) = self.rest.chars().next() {
            if let Some(last) = self.member(first, false)? {
                return Ok(Some(last));
            }
        }
        wrong("a character class has no end")
    }

    /// A member of a class.
    fn member(&mut self, first: char, is_first: bool) -> Result<Option<Element>, Fault> {
        if self.quoting || first == '\\' {
            return self.escape(first, true);
        }
        if first == '['
            && let Some(name) = posix(self.rest)
        {
            if matches!(name, "<" | ">") {
                return unsupported(format!("`[[:{name}:]]`"));
            }
            if !POSIX.contains(&name.trim_start_matches('^')) {
                return wrong(format!("there is no class `[:{name}:]`"));
            }
            let text = format!("[:{name}:]");
            self.skip(text.len());
            return Ok(Some(Element::Many(text)));
        }
        self.skip(first.len_utf8());
        let is_last = self.rest.starts_with(']');
        let is_doubled = self.rest.trim_start_matches(r"\E").starts_with(first);
        Ok(Some(Element::One(match first {
            '[' | ']' => format!("\\{first}"),
            '-' if !is_first && !is_last => r"\-".to_owned(),
            '&' | '~' if is_doubled => format!("\\{first}"),
            ' ' | '#' => {
                if self.is_extended() {
                    self.plain(first)
                } else {
                    first.to_string()
                }
            }
            other if self.is_extended() && other.is_whitespace() => self.plain(other),
            other => other.to_string(),
        })))
    }
}

/// The length of the repetition that a text begins with: `{2}`, `{2,}` or `{2,3}`.
fn repetition(text: &str) -> Option<usize> {
    let digits = |from: usize| text.bytes().skip(from).take_while(u8::is_ascii_digit).count();
    let least = 1 + digits(1);
    let end = if text.get(least..)?.starts_with(',') { least + 1 + digits(least + 1) } else { least };
    (least > 1 && text.get(end..)?.starts_with('}')).then_some(end + 1)
}

/// The name of the class that a text begins with: `[:alpha:]`.
fn posix(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("[:")?;
    // Another bracket before its end ends or begins something else.
    let (name, end) = inner.split_at_checked(inner.find(['[', ']', '\\'])?)?;
    name.strip_suffix(':').filter(|_| end.starts_with(']'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rule::test::Pattern;

    fn compile(pattern: &str, flavour: Flavour) -> Pattern {
        let translated = translate(pattern, flavour).unwrap_or_else(|fault| panic!("{pattern}: {fault:?}"));
        Pattern::new(&translated).unwrap_or_else(|why| panic!("{pattern} as {translated}: {why}"))
    }

    #[test]
    fn what_both_read_alike_stays_as_it_is() {
        for pattern in [
            "",
            r"(?i)\\cmd\.exe\s+(/c|-c)\s+[a-z0-9_./:-]{2,}$",
            r#"^[^\\]*\.(?:exe|dll)["']?$"#,
            r"[-+a-f\d]+?\b\x41[\x{42}[:alpha:][:^digit:]_.-]{1,3}?",
            r"(?P<a>x)(?<b>y)(?s-i:.)\p{Greek}\pL\u0041[\w.-]\/\-\_\ \#",
            "(?x) a + # [ ( {\n b",
            "[^^a]é+ſ}]",
        ] {
            assert_eq!(translate(pattern, Flavour::Pcre).as_deref(), Ok(pattern));
            assert_eq!(translate(pattern, Flavour::Re2).as_deref(), Ok(pattern));
        }
    }

    #[test]
    fn patterns_mean_what_they_mean_to_pcre() {
        // Each with texts that it matches some part of, and texts that it does not. GNU grep -P says the same of all.
        for (pattern, hits, misses) in [
            ("^whoami[;&&|]$", &["whoami;", "whoami&", "whoami|"][..], &["whoami", "whoamix"][..]),
            ("^[a&&b]$", &["a", "b", "&"], &["c"]),
            ("^[a~~b]$", &["a", "b", "~"], &["c"]),
            ("^[a-&&]$", &[], &[]),
            ("^[%-&&]$", &["%", "&"], &["a", "-"]),
            ("^[!--]$", &["!", "-", "+"], &["."]),
            ("^[--/]$", &["-", ".", "/"], &[",", "0"]),
            ("^[a--]$", &[], &[]),
            ("^[--]$", &["-"], &["a"]),
            ("^[x--]$", &[], &[]),
            ("^[a-c--]$", &["a", "b", "-"], &["d"]),
            ("^[a[b]$", &["a", "[", "b"], &["a]", "c"]),
            ("^[a[b]]$", &["a]", "[]", "b]"], &["a", "b", "]"]),
            ("^[[x]$", &["[", "x"], &["[x"]),
            ("^[]x]$", &["]", "x"], &["a"]),
            ("^[]-a]$", &["]", "^", "_", "a"], &["-", "b"]),
            ("^[^]x]$", &["a", "["], &["]", "x"]),
            (r"^[a\E-\Ec\E-\E]$", &["b", "-"], &["E"]),
            ("^[[:alpha:]_[:digit:]]$", &["a", "_", "1"], &["[", ":", "-"]),
            ("^[[:^alpha:]]$", &["1"], &["a"]),
            ("^[[:alpha]$", &["[", ":", "a", "p"], &["b"]),
            ("^[a:]$", &["a", ":"], &["b"]),
            (r"^[\w.-]$", &["a", ".", "-"], &["+"]),
            (r"^[a-c-e]$", &["a", "-", "e"], &["d"]),
            (r"\<script\>", &["<script>"], &["script"]),
            (r"^\!\@\%\,\:\;\=\`\'\~\_$", &["!@%,:;=`'~_"], &[""]),
            (r"\${jndi:", &["${jndi:x"], &["$jndi"]),
            ("^x{,2}y$", &["x{,2}y"], &["xxy", "y"]),
            ("^x{a}{1,y}$", &["x{a}{1,y}"], &["x"]),
            ("^a{2}b{1,}c{0,1}$", &["aabb", "aabc"], &["abc"]),
            (r"\b{start}", &["a{start}"], &["start"]),
            (r"^\Qa.b[\E+$", &["a.b[[["], &["axb["]),
            (r"^[\Q]-^\E]$", &["]", "-", "^"], &["a", "E"]),
            (r"^[\b]$", &["\u{8}"], &["b"]),
            (r"^\e\cA\0\012\x4$", &["\u{1b}\u{1}\u{0}\n\u{4}"], &["e"]),
            (r"^\h[\h]\H$", &["\t x"], &["\n x", " \t "]),
            (r"^\v\V$", &["\nx", "\rx"], &["x\n", "\tx"]),
            (r"a\Z", &["a", "a\n"], &["a\n\n", "ab"]),
            ("^a(?#any ( text)+$", &["aa"], &["a("]),
            ("^(?'name'a)$", &["a"], &["b"]),
            ("^(?ii)A(?)$", &["a"], &["b"]),
            ("^(?i-i)A$", &["A"], &["a"]),
            ("^(?x) a [ b] # comment [ (\n$", &["a ", "ab"], &["a", "b"]),
            ("^(?x:a b) c$", &["ab c"], &["a b c"]),
            (r"(?x)^\Qa b#\E$", &["a b#"], &["ab"]),
            (r"^\p{^Lu}$", &["a"], &["A"]),
            (r"^\é$", &["é"], &["e"]),
        ] {
            if hits.is_empty() {
                assert!(matches!(translate(pattern, Flavour::Pcre), Err(Fault::Wrong(_))), "{pattern}");
                continue;
            }
            let compiled = compile(pattern, Flavour::Pcre);
            for (texts, expected) in [(hits, true), (misses, false)] {
                for text in texts {
                    assert_eq!(compiled.holds(text.as_bytes()), expected, "{pattern} on {text:?}");
                }
            }
        }
        // PCRE refuses these two, earlier versions and RE2 have a plain dash.
        assert!(compile(r"^[\w-.]$", Flavour::Re2).holds(b"-"));
        assert!(!compile(r"^[\w-.]$", Flavour::Re2).holds(b"+"));
        assert!(compile(r"^[a-\d]$", Flavour::Pcre).holds(b"-"));
        assert!(!compile(r"^\v$", Flavour::Re2).holds(b"\n"));
        assert!(compile(r"^\v$", Flavour::Re2).holds(b"\x0b"));
    }

    #[test]
    fn what_cannot_be_done_is_told_from_what_is_wrong() {
        for pattern in [
            "a++",
            "a*+",
            "a?+",
            "a{2}+",
            "(?x)a+ +",
            "a(?=b)",
            "(?<!a)b",
            r"(a)\1",
            r"(?<n>a)\k<n>",
            "(?P<n>a)(?P=n)",
            "(?>a)",
            "(?|a)",
            "(?R)",
            "(?1)",
            "(?-1)",
            "(?&n)",
            "(?P>n)",
            "(?(1)a)",
            "(?C1)a",
            "(*UTF8)a",
            r"a\Kb",
            r"\Ra",
            r"\Xa",
            "[[:<:]]a",
            "(?xx)a",
            "(?u)a",
            "(?J)(?<n>a)(?<n>b)",
        ] {
            assert!(matches!(translate(pattern, Flavour::Pcre), Err(Fault::Unsupported(_))), "{pattern}");
        }
        for pattern in [
            "(x",
            "x)",
            "[a",
            "[",
            "[]",
            "[^]",
            "[a-",
            "*a",
            "a|*",
            "(+a)",
            "a**",
            "a+*",
            "a{2}{3}",
            "a+?+",
            "a??*",
            "a\\",
            "[z-a]",
            r"\y",
            r"[\y]",
            "[[:foo:]]",
            "a{3,2}",
            r"\x{zz}",
            r"\x{41",
            r"\p{L",
            "(?#a",
            "(?i",
            "(?",
            "(?'a",
            "(?<>a)",
            r"[\B]",
            "(?i--s)",
            r"\c",
        ] {
            assert!(
                matches!(translate(pattern, Flavour::Pcre), Err(Fault::Wrong(_))),
                "{pattern}: {:?}",
                translate(pattern, Flavour::Pcre)
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_translated_or_refused(pattern in r"([ -~é\n]|[\[\]()\\&~^:x*+?{}|,#-]|\[\[:alpha:\]|\\[QEbdwxpehv]|\(\?[ixs#:-]){0,24}") {
            for flavour in [Flavour::Pcre, Flavour::Re2] {
                if let Ok(translated) = translate(&pattern, flavour) {
                    prop_assert!(Parser::new().parse(&translated).is_ok());
                }
            }
        }

        #[test]
        fn a_pattern_of_common_parts_stays_as_it_is(
            parts in proptest::collection::vec(
                r"[a-z/ \x22']{1,3}|\\[wsdb.\\]|\.[*+?]|[a-z]\{[1-3](,[4-6])?\}|\[\^?[a-c][.,/]?[x-z]-?\]|\([a-z]\|[a-z]\)\??|[$^]",
                0..12,
            )
        ) {
            let pattern = parts.concat();
            prop_assert_eq!(translate(&pattern, Flavour::Pcre), Ok(pattern.clone()));
        }

        #[test]
        fn a_class_has_the_characters_that_stand_in_it(members in r"[\[&~|;:a^.=]{1,6}", text in "[ -~]") {
            // No dash, no backslash and no bracket that ends: each stands for itself.
            let expected = members.contains(&text);
            let starts_with_a_class = members.contains("[:") || members.contains("[.") || members.contains("[=");
            if !starts_with_a_class {
                let pattern = format!(r"\A[x{members}]\z");
                prop_assert_eq!(compile(&pattern, Flavour::Pcre).holds(text.as_bytes()), expected || text == "x");
            }
        }
    }
}
