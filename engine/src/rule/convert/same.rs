//! Whether two conditions are the same, whatever way they were written.

use std::collections::BTreeSet;

use crate::{
    event::value::{Type, Value},
    rule::{
        expr::{Expr, Predicate, Subject},
        test::{Case, Position, Strings, Test},
    },
};

/// A condition without constants, and without groups that their surroundings make needless.
pub(super) fn simple(expr: &Expr) -> Expr {
    match expr {
        Expr::All(parts) => joined(parts, false),
        Expr::Any(parts) => joined(parts, true),
        Expr::Const(_) | Expr::Test { .. } => expr.clone(),
    }
}

/// Joins parts; one that is `decisive` decides alone.
fn joined(parts: &[Expr], decisive: bool) -> Expr {
    let mut kept = Vec::new();
    for part in parts {
        match (simple(part), decisive) {
            (Expr::Const(constant), _) if constant == decisive => return Expr::Const(decisive),
            (Expr::Const(_), _) => {}
            (Expr::All(inner), false) | (Expr::Any(inner), true) => kept.extend(inner),
            (part, _) => kept.push(part),
        }
    }
    match kept.len() {
        0 => Expr::Const(!decisive),
        1 => kept.swap_remove(0),
        _ if decisive => Expr::Any(kept),
        _ => Expr::All(kept),
    }
}

/// Whether two simplified conditions ask the same of every event.
pub(super) fn are(one: &Expr, other: &Expr) -> bool {
    match (one, other) {
        (Expr::All(these), Expr::All(those)) | (Expr::Any(these), Expr::Any(those)) => {
            these.len() == those.len() && these.iter().zip(those).all(|(this, that)| are(this, that))
        }
        (Expr::Const(this), Expr::Const(that)) => this == that,
        (Expr::Test { predicate: this, negated }, Expr::Test { predicate: that, negated: also }) => {
            negated == also && canonical(this) == canonical(that)
        }
        (Expr::All(_) | Expr::Any(_) | Expr::Const(_) | Expr::Test { .. }, _) => false,
    }
}

/// The text of a predicate, the same for tests that are written in several ways.
fn canonical(predicate: &Predicate) -> String {
    let test = if let Some(words) = words_that_pass(predicate) {
        let words = words.into_iter().map(Box::from);
        Test::Text(Strings::new(Position::Whole, Case::Exact, words))
    } else if let Test::Networks(networks) = &predicate.test {
        let sorted: BTreeSet<_> = networks.iter().copied().collect();
        Test::Networks(sorted.into_iter().collect())
    } else {
        predicate.test.clone()
    };
    Predicate { test, ..predicate.clone() }.to_string()
}

/// Of a field that is one of a few words: those that pass a test of its text.
pub(super) fn words_that_pass(predicate: &Predicate) -> Option<Vec<&'static [u8]>> {
    let Subject::Field(field) = &predicate.subject else { return None };
    let (Type::Word(words), Test::Text(_) | Test::Pattern(_)) = (field.any().ty, &predicate.test) else { return None };
    let passes = |word: &&'static str| predicate.test.holds(Value::Bytes(word.as_bytes()), Value::Absent);
    Some(words.iter().copied().filter(passes).map(str::as_bytes).collect())
}
