//! `intersects`: an array and a list have something in common.

use super::{Fault, Operator, Takes, Typed, is_one_of};
use crate::rule::{
    ast::Literal,
    test::{Case, Position, Relation, Test},
};

/// The operator.
pub(super) struct Intersects;

impl Operator for Intersects {
    fn word(&self) -> &'static str {
        "intersects"
    }
    fn doc(&self) -> &'static str {
        "Some element of the array is in the list."
    }
    fn example(&self) -> &'static str {
        "file.access intersects (write, create)"
    }
    fn takes(&self) -> Takes {
        Takes::List
    }
    fn relation(&self) -> Option<Relation> {
        Some(Relation::Text(Position::Whole, Case::Exact))
    }
    fn test(&self, of: Typed, constants: &[Literal]) -> Result<Test, Vec<Fault>> {
        if !of.array {
            return Err(vec![Fault::Operator(Some("it is no array: use `in`".to_owned()))]);
        }
        is_one_of(of, constants)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, check_refused};

    const EVENT: &str = r#"{"event":{"action":"file_open"},"file":{"access":["read","write"]}}"#;

    #[test]
    fn intersection() {
        check("file.access intersects (write, create)", EVENT, true);
        check("file.access intersects (truncate, create)", EVENT, false);
        check("process.args intersects (a)", EVENT, false);
        check_refused("file.path intersects (/a, /b)", "`intersects` does not fit `file.path`, which is a string");
        check_refused("file.access intersects (delete)", "`delete` is not a word of this field");
    }
}
