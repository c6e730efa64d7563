//! Parts of a condition that exclude each other, or leave nothing out.
//!
//! Judged on the intermediate form, so that it does not matter in which language a rule is written,
//! and only where one predicate is enough to see it: this is no solver.

use std::collections::BTreeSet;

use super::{
    expr::{Expr, Predicate, Quantifier, Subject},
    test::{Case, Position, Test},
};

/// What is wrong with how parts are joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// These can never be true together.
    Excluded(String),
    /// One of these is always true.
    Exhausted(String),
}

/// Looks at all joins of a condition.
pub(super) fn find(expr: &Expr) -> Vec<Finding> {
    let mut found = Vec::new();
    walk(expr, &mut found);
    found
}

/// Which of some parts can never be true together, whatever the event. Unlike what an author is told of, this leaves
/// out a test of a text and its opposite: both are true of a text that was cut.
pub(super) fn excluded(parts: &[Expr]) -> Option<String> {
    let tests = tests_of(parts, true);
    disjoint(&tests).or_else(|| {
        let certain: Vec<_> = tests.into_iter().filter(|(predicate, _)| !predicate.test.reads_text()).collect();
        opposites(&certain)
    })
}

fn walk(expr: &Expr, found: &mut Vec<Finding>) {
    match expr {
        Expr::All(parts) => {
            let tests = tests_of(parts, true);
            if let Some(text) = opposites(&tests).or_else(|| disjoint(&tests)) {
                found.push(Finding::Excluded(text));
                // Parts of it would be told again.
                return;
            }
            parts.iter().for_each(|part| walk(part, found));
        }
        Expr::Any(parts) => {
            if let Some(text) = opposites(&tests_of(parts, false)) {
                found.push(Finding::Exhausted(text));
                return;
            }
            parts.iter().for_each(|part| walk(part, found));
        }
        Expr::Named { inner, .. } => walk(inner, found),
        Expr::Const(_) | Expr::Test { .. } => {}
    }
}

/// The tests that are joined by the same word, those of joins within among them.
fn tests_of(parts: &[Expr], all: bool) -> Vec<(&Predicate, bool)> {
    let mut tests = Vec::new();
    for part in parts {
        gather(part, all, &mut tests);
    }
    tests
}

fn gather<'e>(part: &'e Expr, all: bool, tests: &mut Vec<(&'e Predicate, bool)>) {
    match part {
        Expr::All(parts) if all || parts.len() == 1 => parts.iter().for_each(|part| gather(part, all, tests)),
        Expr::Any(parts) if !all || parts.len() == 1 => parts.iter().for_each(|part| gather(part, all, tests)),
        Expr::Named { inner, .. } => gather(inner, all, tests),
        Expr::Test { predicate, negated } => tests.push((predicate, *negated)),
        Expr::All(_) | Expr::Any(_) | Expr::Const(_) => {}
    }
}

/// A test and its opposite. A text that was cut makes the opposite true; that is not what an author has in mind.
fn opposites(tests: &[(&Predicate, bool)]) -> Option<String> {
    let negated: BTreeSet<String> =
        tests.iter().filter(|(_, negated)| *negated).map(|(it, _)| it.to_string()).collect();
    let mut plain = tests.iter().filter(|(_, negated)| !negated).map(|(it, _)| it.to_string());
    plain.find(|text| negated.contains(text)).map(|text| format!("`{text}` and its opposite"))
}

/// Two tests of one field that no value passes.
fn disjoint(tests: &[(&Predicate, bool)]) -> Option<String> {
    let plain: Vec<(&Predicate, BTreeSet<String>)> =
        tests.iter().filter(|(_, negated)| !negated).filter_map(|(it, _)| Some((*it, values(it)?))).collect();
    for (place, (first, values)) in plain.iter().enumerate() {
        let excludes = |(other, others): &&(&Predicate, BTreeSet<String>)| {
            other.subject == first.subject && values.is_disjoint(others)
        };
        if let Some((second, _)) = plain.iter().skip(place + 1).find(excludes) {
            return Some(format!("`{first}` and `{second}`"));
        }
    }
    None
}

/// The values of a field that holds one, of which it has to have one; folded, so that spelling does not tell them apart.
fn values(predicate: &Predicate) -> Option<BTreeSet<String>> {
    let Subject::Field(field) = &predicate.subject else { return None };
    if field.any().array || predicate.differs || predicate.quantifier != Quantifier::Any {
        return None;
    }
    match &predicate.test {
        Test::Bool(flag) => Some(BTreeSet::from([flag.to_string()])),
        Test::Ints(numbers) => Some(numbers.iter().map(ToString::to_string).collect()),
        Test::Text(strings) if strings.position() == Position::Whole => {
            let fold = |needle: &[u8]| match strings.case() {
                Case::Exact | Case::Folded => String::from_utf8_lossy(&super::fold::bytes(needle)).into_owned(),
            };
            Some(strings.needles().iter().map(|needle| fold(needle)).collect())
        }
        Test::Exists
        | Test::Field(_)
        | Test::Fraction(..)
        | Test::Indicator(_)
        | Test::Int(..)
        | Test::Moment(_)
        | Test::Networks(_)
        | Test::Null
        | Test::Pattern(_)
        | Test::Text(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::{Diagnostics, ast::Text, definition::Definitions, diagnostic::Source};

    fn check(condition: &str, expected: &[Finding]) {
        let text = Text::alone(&Source::new("test", condition));
        let expr = Definitions::default().condition(&text, &mut Diagnostics::default()).expect("a condition");
        assert_eq!(find(&expr), expected, "{condition}");
    }

    #[test]
    fn what_excludes_itself_is_found_and_nothing_else() {
        let excluded = |text: &str| [Finding::Excluded(text.to_owned())];
        let exhausted = |text: &str| [Finding::Exhausted(text.to_owned())];
        check(
            "process.name = a and process.name in (b, c)",
            &excluded(r#"`process.name in ("a")` and `process.name in ("b", "c")`"#),
        );
        check("user.id = 0 and (process.pid = 1 and user.id = 7)", &excluded("`user.id in (0)` and `user.id in (7)`"));
        check(
            "process.executable_memfd = true and process.executable_memfd = false",
            &excluded("`process.executable_memfd = true` and `process.executable_memfd = false`"),
        );
        check(
            "process.name contains a and not process.name contains a",
            &excluded(r#"`process.name contains ("a")` and its opposite"#),
        );
        check(
            "user.id = 0 and (process.name = a or not process.name = a)",
            &exhausted(r#"`process.name in ("a")` and its opposite"#),
        );
        for fine in [
            "process.name = a and process.name in (a, b)",
            "process.name = a or process.name = b",
            "process.name = a and not process.name = b",
            "process.args = a and process.args = b",
            "process.name startswith a and process.name startswith b",
            "process.name = a and process.name ieq A",
            "process.name = a and process.parent.name = b",
        ] {
            check(fine, &[]);
        }
    }
}
