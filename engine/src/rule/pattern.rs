//! Compiled regular expressions, whatever language asked for them, and the memory they take together.
//!
//! What is compiled while an [`Account`] is open is charged to it until the last copy is gone. The loader opens one for
//! each set of rules, so that a set being read does not pay for the one that it will take the place of.

use std::{
    cell::RefCell,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use regex_automata::{
    meta::{BuildError, Config, Regex},
    util::syntax,
};
use regex_syntax::ast;

use super::fold;
use crate::event::text;

/// Memory the program of one pattern may take.
const MAX_PROGRAM_BYTES: usize = 4 << 20;
/// Memory all patterns of a set may take, without what they remember of texts. The 584 of SigmaHQ take 12 MiB.
const MAX_SET_BYTES: usize = 128 << 20;
/// Memory one pattern may take for what it remembers of texts, in each direction. When that is full it forgets.
const MAX_CACHE_BYTES: usize = 1 << 20;

/// A compiled regular expression. Matching is linear in the text; copies share all memory.
#[derive(Clone, Debug)]
pub struct Pattern(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    text: Box<str>,
    regex: Regex,
    /// The same for texts of ASCII, where `\w` has 63 characters instead of 140,000 and is that much faster.
    ascii: Option<Regex>,
    /// Goes back when this goes.
    _charge: Charge,
}

/// Why a text did not become a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unbuilt {
    /// With it the patterns of the set would take more memory than all together may.
    Full,
    /// It is none, or too large by itself: why.
    Invalid(String),
}

impl Pattern {
    /// Compiles a pattern in the syntax of the `regex` crate: no look-around, no back-references.
    ///
    /// # Errors
    /// The first line that says why it is none, or that memory is used up.
    pub fn new(pattern: &str) -> Result<Self, Unbuilt> {
        let build = |unicode: bool| {
            let config = Config::new()
                .utf8_empty(false)
                .nfa_size_limit(Some(MAX_PROGRAM_BYTES))
                .hybrid_cache_capacity(MAX_CACHE_BYTES);
            let syntax = syntax::Config::new().utf8(false).unicode(unicode);
            Regex::builder().configure(config).syntax(syntax).build(pattern).map_err(Box::new)
        };
        let regex = build(true).map_err(|error| Unbuilt::Invalid(reason(&error)))?;
        // Not every pattern is one without Unicode: `\p{Greek}`. Nor does one know relatives of letters then.
        let ascii = (!has_relative_in_ascii(pattern)).then(|| build(false).ok()).flatten();
        let bytes = pattern.len() + regex.memory_usage() + ascii.as_ref().map_or(0, Regex::memory_usage);
        let charge = Charge::new(bytes)?;
        Ok(Self(Arc::new(Compiled { text: pattern.into(), regex, ascii, _charge: charge })))
    }

    /// The pattern's text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// Whether some part of `text` matches.
    #[must_use]
    pub fn holds(&self, text: &[u8]) -> bool {
        match &self.0.ascii {
            Some(ascii) if text::is_ascii(text) => ascii.is_match(text),
            Some(_) | None => self.0.regex.is_match(text),
        }
    }
}

impl Unbuilt {
    /// What to do about memory that is used up.
    pub(super) const ADVICE: &str = "repetitions of `\\w` and its like take most: `[0-9A-Za-z_]` is a hundredth";
}

impl fmt::Display for Unbuilt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => {
                write!(out, "with it the regular expressions of all rules take more than {} MiB", MAX_SET_BYTES >> 20)
            }
            Self::Invalid(why) => write!(out, "{why}"),
        }
    }
}

/// The line that says why there is no pattern.
fn reason(error: &BuildError) -> String {
    if let Some(limit) = error.size_limit() {
        return format!("it needs more than {} MiB", limit >> 20);
    }
    let text = error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string);
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

thread_local! {
    /// What the patterns take that this thread compiles.
    static OPEN: RefCell<Arc<AtomicUsize>> = RefCell::default();
}

/// While it lives, the patterns that this thread compiles have memory of their own.
pub(super) struct Account {
    before: Arc<AtomicUsize>,
}

impl Account {
    /// Opens one.
    pub(super) fn open() -> Self {
        Self { before: OPEN.replace(Arc::default()) }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        OPEN.set(std::mem::take(&mut self.before));
    }
}

/// Memory that is taken from an account.
#[derive(Debug)]
struct Charge {
    account: Arc<AtomicUsize>,
    bytes: usize,
}

impl Charge {
    fn new(bytes: usize) -> Result<Self, Unbuilt> {
        let account = OPEN.with_borrow(Arc::clone);
        let charge = Self { account, bytes };
        let before = charge.account.fetch_add(bytes, Ordering::Relaxed);
        // One that is refused is given back here.
        if before + bytes > MAX_SET_BYTES { Err(Unbuilt::Full) } else { Ok(charge) }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.account.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Whether a pattern has the long s or the Kelvin sign, which without case are letters of ASCII. In a class neither is
/// there without Unicode.
fn has_relative_in_ascii(pattern: &str) -> bool {
    /// Looks for the two.
    struct Search(bool);

    impl ast::Visitor for Search {
        type Output = bool;
        type Err = std::convert::Infallible;

        fn finish(self) -> Result<bool, Self::Err> {
            Ok(self.0)
        }

        fn visit_pre(&mut self, ast: &ast::Ast) -> Result<(), Self::Err> {
            if let ast::Ast::Literal(literal) = ast {
                self.0 |= !literal.c.is_ascii() && fold::character(literal.c).is_ascii();
            }
            Ok(())
        }
    }

    let Ok(parsed) = ast::parse::Parser::new().parse(pattern) else { return true };
    match ast::visit(&parsed, Search(false)) {
        Ok(found) => found,
        Err(never) => match never {},
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_pattern_says_the_same_of_ascii_with_and_without_unicode(text in "[ -~\t\n]{0,30}", number in 0_usize..9) {
            let patterns = [
                r"\bk\w+\b", r"(?i)straSSE|k", r"[^\\]:\s", r"^.{3}$", r"(?m)^\d+$", r"(?s)a.b", r"\W{2}\S", r"[[:upper:]]\D", r"\x{FF}|[^\x00-~]|z",
            ];
            let pattern = Pattern::new(patterns[number]).expect("a pattern");
            prop_assert!(pattern.0.ascii.is_some());
            prop_assert_eq!(pattern.holds(text.as_bytes()), pattern.0.regex.is_match(text.as_bytes()));
        }
    }

    #[test]
    fn letters_with_a_relative_in_ascii_match_it_without_case() {
        for pattern in
            ["(?i)^x\u{17f}$", "(?i)^x\\x{17F}$", "(?i)^x(?:\u{17f}|\u{212a})$", "(?i)^.\u{17f}$", "(?i)^x[\u{17f}q]$"]
        {
            assert!(Pattern::new(pattern).expect("a pattern").holds(b"xS"), "{pattern}");
        }
        assert!(Pattern::new("(?i)^xk$").expect("a pattern").holds("X\u{212a}".as_bytes()));
        assert!(!Pattern::new("^x\u{17f}$").expect("a pattern").holds(b"xs"));
    }

    #[test]
    fn patterns_of_a_set_are_charged_until_they_are_gone() {
        let taken = || OPEN.with_borrow(|account| account.load(Ordering::Relaxed));
        let _account = Account::open();
        let small = Pattern::new("a").expect("a pattern");
        let one = taken();
        assert!(one > 0);
        let copy = small.clone();
        assert_eq!(taken(), one);
        let mut large = Vec::new();
        let full = loop {
            match Pattern::new(r"\w{50}") {
                Ok(pattern) => large.push(pattern),
                Err(error) => break error,
            }
        };
        assert_eq!(full, Unbuilt::Full);
        assert!(taken() <= MAX_SET_BYTES && taken() > MAX_SET_BYTES / 2);
        {
            let _other = Account::open();
            assert!(Pattern::new(r"\w{50}").is_ok());
        }
        drop((large, small));
        assert_eq!(taken(), one);
        drop(copy);
        assert_eq!(taken(), 0);
    }
}
