//! Strings that a text must have if a regular expression is to match some part of it.
//!
//! A matcher looks for them as a necessary condition, and asks the expression itself afterwards. As a
//! rule it looks in the folded text, so they are folded, whatever the expression says of case.

use regex_syntax::{
    ParserBuilder,
    hir::{Class, Hir, HirKind, Repetition},
};

use super::rarity::Rarity;
use crate::rule::{fold, test::Case};

/// More alternatives than these are not spelled out: white space alone has 25.
const MAX_STRINGS: usize = 64;
/// Longer strings find nothing that their start would not.
const MAX_LENGTH: usize = 64;

type Set = Vec<Vec<u8>>;

/// Strings of which a text that the pattern matches has at least one; `None` if nothing can be said. They are in the
/// text as it is or in the folded text, as `case` says.
pub(super) fn required(pattern: &str, case: Case, rarity: &Rarity) -> Option<Set> {
    // As the matching engine reads it.
    let hir = ParserBuilder::new().utf8(false).build().parse(pattern).ok()?;
    Walk { case, rarity }.part(&hir).best(rarity)
}

/// Without the strings that have another of them in them.
fn shortest(mut set: Set) -> Set {
    set.sort_by_key(Vec::len);
    let mut kept = Set::new();
    for string in set {
        if !kept.iter().any(|other| memchr::memmem::find(&string, other).is_some()) {
            kept.push(string);
        }
    }
    kept.sort();
    kept
}

/// What is known of the text that a part of an expression matches.
#[derive(Clone, Default)]
struct Part {
    /// It is one of these.
    exact: Option<Set>,
    /// It starts with one of these.
    start: Option<Set>,
    /// It ends with one of these.
    end: Option<Set>,
    /// It has one of these in it.
    inner: Option<Set>,
}

impl Part {
    fn exactly(strings: Set) -> Self {
        Self { exact: Some(strings), ..Self::default() }
    }

    fn start(&self) -> Option<&Set> {
        self.exact.as_ref().or(self.start.as_ref())
    }

    fn end(&self) -> Option<&Set> {
        self.exact.as_ref().or(self.end.as_ref())
    }

    fn best(self, rarity: &Rarity) -> Option<Set> {
        let sets = [self.exact, self.start, self.end, self.inner];
        sets.into_iter().fold(None, |best, set| rarer(best, set, rarity))
    }
}

/// The set that fewer texts have a string of. One with an empty string says nothing.
fn rarer(a: Option<Set>, b: Option<Set>, rarity: &Rarity) -> Option<Set> {
    let weigh = |set: Option<Set>| {
        let set = shortest(set.filter(|set| set.iter().all(|string| !string.is_empty()))?);
        let share: f64 = set.iter().map(|string| rarity.expected(string)).sum();
        Some((set, share))
    };
    match (weigh(a), weigh(b)) {
        (Some((a, of_a)), Some((b, of_b))) => Some(if of_a <= of_b { a } else { b }),
        (Some((one, _)), None) | (None, Some((one, _))) => Some(one),
        (None, None) => None,
    }
}

/// Every string of `heads` with every one of `tails` after it, if these are not too many.
fn cross(heads: &[Vec<u8>], tails: &[Vec<u8>]) -> Option<Set> {
    let fits = heads.len().checked_mul(tails.len())? <= MAX_STRINGS
        && heads.iter().chain(tails).map(Vec::len).max().unwrap_or(0) <= MAX_LENGTH;
    fits.then(|| heads.iter().flat_map(|head| tails.iter().map(|tail| [head.as_slice(), tail].concat())).collect())
}

struct Walk<'r> {
    case: Case,
    rarity: &'r Rarity,
}

impl Walk<'_> {
    // The parser bounds how deep expressions nest.
    fn part(&self, hir: &Hir) -> Part {
        match hir.kind() {
            // An assertion takes no room.
            HirKind::Empty | HirKind::Look(_) => Part::exactly(vec![Vec::new()]),
            HirKind::Literal(literal) => match (self.case, std::str::from_utf8(&literal.0)) {
                (Case::Folded, Ok(text)) => Part::exactly(vec![fold::bytes(text.as_bytes())]),
                (Case::Exact, _) => Part::exactly(vec![literal.0.to_vec()]),
                // The folded text of a part of a character is not the part of its folded text.
                (Case::Folded, Err(_)) => Part::default(),
            },
            HirKind::Class(class) => Part { exact: members(class, self.case), ..Part::default() },
            HirKind::Capture(capture) => self.part(&capture.sub),
            HirKind::Repetition(repetition) => self.repetition(repetition),
            HirKind::Concat(parts) => self.concatenation(parts),
            HirKind::Alternation(parts) => self.alternation(parts),
        }
    }

    fn repetition(&self, Repetition { min, max, sub, .. }: &Repetition) -> Part {
        let part = self.part(sub);
        match (*min, *max) {
            (0, Some(1)) => {
                let exact = part.exact.filter(|set| set.len() < MAX_STRINGS).map(|mut set| {
                    set.push(Vec::new());
                    set
                });
                Part { exact, ..Part::default() }
            }
            (0, _) => Part::default(),
            (min, max) => {
                // As many of those it has at least as can be spelled out.
                let mut times = 1;
                let mut some = part.exact.clone();
                while times < min
                    && let Some(longer) = some.as_deref().zip(part.exact.as_deref()).and_then(|(a, b)| cross(a, b))
                {
                    times += 1;
                    some = Some(longer);
                }
                if times == min && max == Some(min) {
                    return Part { exact: some, ..part };
                }
                let some = || some.clone();
                Part {
                    exact: None,
                    start: some().or_else(|| part.start().cloned()),
                    end: some().or_else(|| part.end().cloned()),
                    inner: part.inner,
                }
            }
        }
    }

    fn concatenation(&self, parts: &[Hir]) -> Part {
        let nothing = || vec![Vec::new()];
        let mut whole = Part::default();
        let mut is_exact = true;
        // What the parts so far end in.
        let mut run = nothing();
        for hir in parts {
            let part = self.part(hir);
            let longer = part.start().and_then(|start| cross(&run, start));
            if part.exact.is_some()
                && let Some(longer) = longer
            {
                run = longer;
                continue;
            }
            // It cannot be told on from here: what comes before is known no further than this.
            let before = rarer(longer, Some(run.clone()), self.rarity).unwrap_or(run);
            if is_exact {
                whole.start = Some(before.clone());
            }
            is_exact = false;
            whole.inner = rarer(whole.inner, Some(before), self.rarity);
            run = part.end().cloned().unwrap_or_else(nothing);
            whole.inner = rarer(whole.inner, part.best(self.rarity), self.rarity);
        }
        if is_exact {
            return Part::exactly(run);
        }
        Part { end: Some(run), ..whole }
    }

    fn alternation(&self, parts: &[Hir]) -> Part {
        let parts: Vec<Part> = parts.iter().map(|hir| self.part(hir)).collect();
        let join = |sets: Option<Vec<Set>>| {
            let mut all = sets?.concat();
            all.sort();
            all.dedup();
            (all.len() <= MAX_STRINGS).then_some(all)
        };
        let exact = join(parts.iter().map(|part| part.exact.clone()).collect());
        if exact.is_some() {
            return Part { exact, ..Part::default() };
        }
        Part {
            exact: None,
            start: join(parts.iter().map(|part| part.start().cloned()).collect()),
            end: join(parts.iter().map(|part| part.end().cloned()).collect()),
            inner: join(parts.into_iter().map(|part| part.best(self.rarity)).collect()),
        }
    }
}

/// The members of a class. Folded, `[Kk]` and the Kelvin sign are one.
fn members(class: &Class, case: Case) -> Option<Set> {
    let mut members = Vec::new();
    let mut add = |member: Vec<u8>| {
        if !members.contains(&member) {
            members.push(member);
        }
    };
    match class {
        Class::Unicode(class) => {
            let size: u64 = class.iter().map(|range| u64::from(range.end()) - u64::from(range.start()) + 1).sum();
            if size > MAX_STRINGS as u64 {
                return None;
            }
            let characters = class.iter().flat_map(|range| range.start()..=range.end());
            let in_case = |c| if case == Case::Folded { fold::character(c) } else { c };
            characters.for_each(|c| add(in_case(c).to_string().into_bytes()));
        }
        Class::Bytes(class) => {
            let size: usize = class.iter().map(|range| usize::from(range.end() - range.start()) + 1).sum();
            if size > MAX_STRINGS || !class.is_ascii() {
                return None;
            }
            let bytes = class.iter().flat_map(|range| range.start()..=range.end());
            let in_case = |byte: u8| if case == Case::Folded { byte.to_ascii_lowercase() } else { byte };
            bytes.for_each(|byte| add(vec![in_case(byte)]));
        }
    }
    Some(members)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(pattern: &str, expected: &[&str]) {
        check_in(Case::Folded, pattern, expected);
    }

    fn check_in(case: Case, pattern: &str, expected: &[&str]) {
        let found = required(pattern, case, &Rarity::default()).unwrap_or_default();
        let found: Vec<_> = found.iter().map(|string| String::from_utf8_lossy(string)).collect();
        assert_eq!(found, expected, "{pattern}");
    }

    #[test]
    fn strings_of_expressions() {
        check("base64", &["base64"]);
        check("(?i)base64", &["base64"]);
        check("(?i)KISS", &["kiss"]);
        check("^curl.*-o +/tmp/", &[" /tmp/"]);
        check("a.*longer.*b", &["longer"]);
        check("(xmrig|minerd) +-o", &["minerd ", "xmrig "]);
        check("(?:curl|wget)zz+", &["curlzz", "wgetzz"]);
        check("colou?r", &["color", "colour"]);
        check("(?s)\\A(?:/home/(?-u:[^/])*/[.]ssh/.*)\\z", &["/home/"]);
        check("a{3}", &["aaa"]);
        check("(?:ab){2,}c", &["ababc"]);
        check("\\bnc\\b", &["nc"]);
        check("[0-9]+", &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
        check("-[wr]\\s?[\"'][0-9a-f]{2}", &["-r", "-w"]);
        check("-[WR]x?", &["-r", "-w"]);
        check_in(Case::Exact, "-[WR]x?", &["-R", "-W"]);
        check_in(Case::Exact, "(?i)-w", &["-W", "-w"]);
    }

    #[test]
    fn white_space_is_spelled_out_where_it_makes_a_string_longer() {
        let found = required("net\\s+user", Case::Folded, &Rarity::default()).unwrap_or_default();
        assert_eq!(found.len(), 25, "{found:?}");
        assert!(found.iter().any(|string| string == b" user" || string == b"net "), "{found:?}");
    }

    #[test]
    fn nothing_is_said_of_what_can_match_without() {
        for pattern in ["", ".*", "(abc)?", "abc|", "(abc)*", "(abc|.+)", "[^a]", "(?-u:\\xff)", "\\w+"] {
            check(pattern, &[]);
        }
    }

    /// Expressions whose parts may be absent, come again, or have several spellings.
    fn patterns() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "a",
            "b",
            "ab",
            "Ba",
            "-",
            "K",
            "\u{212A}",
            "ä",
            "[ab]",
            "[a-c]",
            "[Aa]",
            "\\s",
            "\\d",
            ".",
            "[^a]",
            "\\b",
            "(?i:ab)",
            "(?-u:\\xC3)",
            "^",
            "$",
        ]);
        let leaf = piece.prop_map(str::to_owned);
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                3 => proptest::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
                1 => proptest::collection::vec(inner.clone(), 1..4).prop_map(|parts| format!("(?:{})", parts.join("|"))),
                1 => (inner.clone(), prop::sample::select(vec!["?", "*", "+", "{2}", "{1,3}", "{2,}", "{0,2}"]))
                    .prop_map(|(part, times)| format!("(?:{part}){times}")),
                1 => inner.prop_map(|part| format!("(?i){part}")),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn a_text_that_matches_has_one_of_the_strings(
            pattern in patterns(),
            texts in proptest::collection::vec("[aAbBcä \t1K\u{212A}-]{0,9}", 1..20),
        ) {
            let Ok(regex) = regex::bytes::Regex::new(&pattern) else { return Ok(()) };
            let [folded, exact] = [Case::Folded, Case::Exact].map(|case| required(&pattern, case, &Rarity::default()));
            let has = |text: &[u8], set: &Option<Set>| {
                set.as_ref().is_none_or(|set| set.iter().any(|string| memchr::memmem::find(text, string).is_some()))
            };
            for text in texts.iter().filter(|text| regex.is_match(text.as_bytes())) {
                prop_assert!(has(&fold::bytes(text.as_bytes()), &folded), "{} in {:?}: {:?}", pattern, text, folded);
                prop_assert!(has(text.as_bytes(), &exact), "{} in {:?}: {:?}", pattern, text, exact);
            }
        }
    }
}
