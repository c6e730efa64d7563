//! Strings that a text must have if a regular expression is to match some part of it.
//!
//! They are folded, whatever the expression says of case: a matcher looks for them in the folded
//! text, as a necessary condition, and asks the expression itself afterwards.

use regex_syntax::{
    ParserBuilder,
    hir::{Class, Hir, HirKind, Repetition},
};

use super::rarity::Rarity;
use crate::rule::fold;

/// More alternatives than these are not spelled out.
const MAX_STRINGS: usize = 24;
/// Longer strings find nothing that their start would not.
const MAX_LENGTH: usize = 64;

/// Strings of which a text that the pattern matches has at least one; `None` if nothing can be said.
pub(super) fn required(pattern: &str, rarity: &Rarity) -> Option<Vec<Vec<u8>>> {
    // As the matching engine reads it.
    let hir = ParserBuilder::new().utf8(false).build().parse(pattern).ok()?;
    let part = Walk { rarity }.part(&hir);
    part.best(rarity)
}

/// What is known of the text that a part of an expression matches.
#[derive(Default)]
struct Part {
    /// It is one of these.
    exact: Option<Vec<Vec<u8>>>,
    /// It has one of these in it.
    inner: Option<Vec<Vec<u8>>>,
}

impl Part {
    fn exactly(strings: Vec<Vec<u8>>) -> Self {
        Self { exact: Some(strings), inner: None }
    }

    fn best(self, rarity: &Rarity) -> Option<Vec<Vec<u8>>> {
        rarer(self.exact, self.inner, rarity)
    }
}

/// The set that fewer texts have a string of. One with an empty string says nothing.
fn rarer(a: Option<Vec<Vec<u8>>>, b: Option<Vec<Vec<u8>>>, rarity: &Rarity) -> Option<Vec<Vec<u8>>> {
    let weigh = |set: Option<Vec<Vec<u8>>>| {
        let set = set.filter(|set| set.iter().all(|string| !string.is_empty()))?;
        let share: f64 = set.iter().map(|string| rarity.anywhere(string)).sum();
        Some((set, share))
    };
    match (weigh(a), weigh(b)) {
        (Some((a, of_a)), Some((b, of_b))) => Some(if of_a <= of_b { a } else { b }),
        (Some((one, _)), None) | (None, Some((one, _))) => Some(one),
        (None, None) => None,
    }
}

/// Every string of `heads` with every one of `tails` after it, if these are not too many.
fn cross(heads: &[Vec<u8>], tails: &[Vec<u8>]) -> Option<Vec<Vec<u8>>> {
    let fits = heads.len().checked_mul(tails.len())? <= MAX_STRINGS
        && heads.iter().chain(tails).map(Vec::len).max().unwrap_or(0) <= MAX_LENGTH;
    fits.then(|| heads.iter().flat_map(|head| tails.iter().map(|tail| [head.as_slice(), tail].concat())).collect())
}

struct Walk<'r> {
    rarity: &'r Rarity,
}

impl Walk<'_> {
    // The parser bounds how deep expressions nest.
    fn part(&self, hir: &Hir) -> Part {
        match hir.kind() {
            // An assertion takes no room.
            HirKind::Empty | HirKind::Look(_) => Part::exactly(vec![Vec::new()]),
            HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
                Ok(text) => Part::exactly(vec![fold::bytes(text.as_bytes())]),
                Err(_) => Part::default(),
            },
            HirKind::Class(class) => Part { exact: members(class), inner: None },
            HirKind::Capture(capture) => self.part(&capture.sub),
            HirKind::Repetition(repetition) => self.repetition(repetition),
            HirKind::Concat(parts) => self.concatenation(parts),
            HirKind::Alternation(parts) => self.alternation(parts),
        }
    }

    fn repetition(&self, repetition: &Repetition) -> Part {
        let part = self.part(&repetition.sub);
        match (repetition.min, repetition.max) {
            (1, Some(1)) => part,
            (0, Some(1)) => {
                let exact = part.exact.filter(|set| set.len() < MAX_STRINGS).map(|mut set| {
                    set.push(Vec::new());
                    set
                });
                Part { exact, inner: None }
            }
            (0, _) => Part::default(),
            (_, _) => Part { exact: None, inner: part.best(self.rarity) },
        }
    }

    fn concatenation(&self, parts: &[Hir]) -> Part {
        let mut inner = None;
        // What the parts so far end in.
        let mut run = vec![Vec::new()];
        let mut whole = true;
        for hir in parts {
            let part = self.part(hir);
            let longer = part.exact.as_deref().and_then(|exact| cross(&run, exact));
            match longer {
                Some(longer) => run = longer,
                None => {
                    whole = false;
                    inner = rarer(inner, Some(std::mem::take(&mut run)), self.rarity);
                    run = part.exact.clone().unwrap_or_else(|| vec![Vec::new()]);
                    inner = rarer(inner, part.inner, self.rarity);
                }
            }
        }
        if whole {
            return Part::exactly(run);
        }
        Part { exact: None, inner: rarer(inner, Some(run), self.rarity) }
    }

    fn alternation(&self, parts: &[Hir]) -> Part {
        let parts: Vec<Part> = parts.iter().map(|hir| self.part(hir)).collect();
        let join = |sets: Option<Vec<Vec<Vec<u8>>>>| {
            let mut all = sets?.concat();
            all.sort();
            all.dedup();
            (all.len() <= MAX_STRINGS).then_some(all)
        };
        let exact = join(parts.iter().map(|part| part.exact.clone()).collect());
        if exact.is_some() {
            return Part { exact, inner: None };
        }
        Part { exact: None, inner: join(parts.into_iter().map(|part| part.best(self.rarity)).collect()) }
    }
}

/// The members of a class, folded: `[Kk]` and the Kelvin sign are one.
fn members(class: &Class) -> Option<Vec<Vec<u8>>> {
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
            characters.for_each(|c| add(fold::character(c).to_string().into_bytes()));
        }
        Class::Bytes(class) => {
            let size: usize = class.iter().map(|range| usize::from(range.end() - range.start()) + 1).sum();
            if size > MAX_STRINGS || !class.is_ascii() {
                return None;
            }
            let bytes = class.iter().flat_map(|range| range.start()..=range.end());
            bytes.for_each(|byte| add(vec![byte.to_ascii_lowercase()]));
        }
    }
    Some(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, expected: &[&str]) {
        let found = required(pattern, &Rarity::default()).unwrap_or_default();
        let found: Vec<_> = found.iter().map(|string| String::from_utf8_lossy(string)).collect();
        assert_eq!(found, expected, "{pattern}");
    }

    #[test]
    fn strings_of_expressions() {
        check("base64", &["base64"]);
        check("(?i)base64", &["base64"]);
        check("(?i)KISS", &["kiss"]);
        check("^curl.*-o +/tmp/", &["/tmp/"]);
        check("a.*longer.*b", &["longer"]);
        check("(xmrig|minerd) +-o", &["minerd", "xmrig"]);
        check("(?:curl|wget)zz+", &["curlz", "wgetz"]);
        check("colou?r", &["colour", "color"]);
        check("(?s)\\A(?:/home/(?-u:[^/])*/[.]ssh/.*)\\z", &["/home/"]);
        check("a{3}", &["a"]);
        check("\\bnc\\b", &["nc"]);
        check("[0-9]+", &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    }

    #[test]
    fn nothing_is_said_of_what_can_match_without() {
        for pattern in ["", ".*", "(abc)?", "abc|", "(abc)*", "(abc|.+)", "[^a]", "(?-u:\\xff)", "\\w+"] {
            check(pattern, &[]);
        }
    }
}
