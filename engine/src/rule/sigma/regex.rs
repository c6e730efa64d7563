//! Regular expressions of Sigma rules, whose flavour is PCRE's.
//!
//! They are matched by an engine whose time is linear in the text: `pcre` translates them. Here is what is Sigma's: the
//! modifiers that are flags, and the `$` that, where lines are not told apart, also matches before a newline at the very end.

use regex_syntax::ast::{self, AssertionKind, Ast};

use super::modifier::Refusal;
use crate::rule::{
    pcre::{self, Fault, Flavour},
    test::Pattern,
};

/// Compiles a pattern with its flags (`i`, `m`, `s`).
pub(super) fn compile(pattern: &str, flags: &str) -> Result<Pattern, Refusal> {
    let shown = |why| format!("the regular expression `{pattern}`: {why}");
    let translated = pcre::translate(pattern, Flavour::Pcre).map_err(|fault| match fault {
        Fault::Unsupported(why) => Refusal::Unsupported(shown(why)),
        Fault::Wrong(why) => {
            let hint = "a character that is meant as it is has a backslash before it, or no `re`";
            Refusal::Broken(shown(why), Some(hint.to_owned()))
        }
    })?;
    let translated = if flags.contains('m') { translated } else { with_last_newline(&translated) };
    let whole = if flags.is_empty() { translated } else { format!("(?{flags}){translated}") };
    // What is still refused is too large, or a property of Unicode that is unknown here.
    Pattern::new(&whole).map_err(|why| Refusal::of_unbuilt(why, shown))
}

/// The pattern with each `$` letting a last newline pass. One that sets the flag `m` itself stays as it is.
fn with_last_newline(pattern: &str) -> String {
    let Ok(ast) = ast::parse::Parser::new().parse(pattern) else { return pattern.to_owned() };
    let ends = match ast::visit(&ast, Ends::default()) {
        Ok(ends) => ends,
        Err(never) => match never {},
    };
    let mut out = String::with_capacity(pattern.len());
    let mut from = 0;
    for end in ends {
        out.push_str(pattern.get(from..end).unwrap_or_default());
        out.push_str(r"(?:\n?\z)");
        from = end + 1;
    }
    out.push_str(pattern.get(from..).unwrap_or_default());
    out
}

/// Collects where a pattern has `$`.
#[derive(Default)]
struct Ends {
    offsets: Vec<usize>,
    is_multi_line: bool,
}

impl ast::Visitor for Ends {
    type Output = Vec<usize>;
    type Err = std::convert::Infallible;

    fn finish(self) -> Result<Vec<usize>, Self::Err> {
        Ok(if self.is_multi_line { Vec::new() } else { self.offsets })
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), Self::Err> {
        if let Ast::Assertion(assertion) = ast
            && assertion.kind == AssertionKind::EndLine
        {
            self.offsets.push(assertion.span.start.offset);
        }
        let flags = if let Ast::Flags(set) = ast {
            Some(&set.flags)
        } else if let Ast::Group(group) = ast {
            group.flags()
        } else {
            None
        };
        self.is_multi_line |= flags.is_some_and(|flags| flags.flag_state(ast::Flag::MultiLine) == Some(true));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_before_a_last_newline_too() {
        for (pattern, flags, text, expected) in [
            ("bc$", "", "abc", true),
            ("bc$", "", "abc\n", true),
            ("bc$", "", "abc\n\n", false),
            ("bc$", "", "abc\nd", false),
            ("bc$", "m", "abc\nd", true),
            ("(?m)bc$", "", "abc\nd", true),
            ("(?m:bc$)", "", "abc\nd", true),
            (r"bc\z", "", "abc\n", false),
            (r"bc\$", "", "bc$", true),
            ("[$]x", "", "$x", true),
            ("^(a|b$)$", "", "b\n", true),
            ("^BC$", "i", "bc\n", true),
            ("é$", "", "é\n", true),
        ] {
            let found = compile(pattern, flags).expect("a pattern").holds(text.as_bytes());
            assert_eq!(found, expected, "{pattern} {flags} on {text:?}");
        }
        assert!(matches!(compile("(", ""), Err(Refusal::Broken(..))));
        assert!(matches!(compile("(?=a)", ""), Err(Refusal::Unsupported(_))));
        assert!(matches!(compile(r"\w{5000}", ""), Err(Refusal::Unsupported(_))));
    }
}
