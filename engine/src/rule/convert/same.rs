//! Whether two conditions are the same, whatever way they were written.

use std::collections::{BTreeSet, HashSet};

use crate::{
    event::value::{Type, Value},
    rule::{
        expr::{Expr, Predicate, Subject},
        test::{Case, Position, Strings, Test},
    },
};

/// A condition without names and constants, without repetitions, and without groups that their surroundings make needless.
pub(super) fn simple(expr: &Expr) -> Expr {
    match expr {
        Expr::All(parts) => joined(parts, false),
        Expr::Any(parts) => joined(parts, true),
        Expr::Named { inner, .. } => simple(inner),
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
    // What is asked twice is asked once.
    let mut asked = HashSet::new();
    kept.retain(|part| asked.insert(key(part)));
    match kept.len() {
        0 => Expr::Const(!decisive),
        1 => kept.swap_remove(0),
        _ if decisive => Expr::Any(kept),
        _ => Expr::All(kept),
    }
}

/// Whether two simplified conditions ask the same of every event.
pub(super) fn are(one: &Expr, other: &Expr) -> bool {
    key(one) == key(other)
}

/// The text of a condition; the same for equal ones only.
fn key(expr: &Expr) -> String {
    let keys = |parts: &[Expr]| parts.iter().map(key).collect::<Vec<_>>().join(", ");
    match expr {
        Expr::All(parts) => format!("all[{}]", keys(parts)),
        Expr::Any(parts) => format!("any[{}]", keys(parts)),
        Expr::Const(constant) => constant.to_string(),
        Expr::Named { inner, .. } => key(inner),
        Expr::Test { predicate, negated: false } => canonical(predicate),
        Expr::Test { predicate, negated: true } => format!("not {}", canonical(predicate)),
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
    let passes = |word: &&'static str| predicate.test.holds(Value::Bytes(word.as_bytes()));
    Some(words.iter().copied().filter(passes).map(str::as_bytes).collect())
}
