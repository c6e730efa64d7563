//! `!=`: the value is known and differs.

use super::{Fault, Operator, Takes, Typed, is_one_of};
use crate::rule::{
    ast::Literal,
    test::{Case, Position, Relation, Test},
};

/// The operator.
pub(super) struct Differs;

impl Operator for Differs {
    fn word(&self) -> &'static str {
        "!="
    }
    fn doc(&self) -> &'static str {
        "The field is there and differs from the constant; of an array, some element does."
    }
    fn example(&self) -> &'static str {
        "user.id != 0"
    }
    fn takes(&self) -> Takes {
        Takes::One
    }
    fn differs(&self) -> bool {
        true
    }
    fn relation(&self) -> Option<Relation> {
        Some(Relation::Text(Position::Whole, Case::Exact))
    }
    fn test(&self, of: Typed, constants: &[Literal]) -> Result<Test, Vec<Fault>> {
        is_one_of(of, constants)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    const EVENT: &str = r#"{"event":{"action":"exec"},"user":{"id":"0"},"process":{"args":["a","b"],"ancestors":{"name":["sh",null]}}}"#;

    #[test]
    fn differs_needs_a_value() {
        check("user.id != 0", EVENT, false);
        check("user.id != 1", EVENT, true);
        check("user.name != root", EVENT, false);
        check("not user.name = root", EVENT, true);
        check("not user.name != root", EVENT, true);
    }

    #[test]
    fn of_an_array_one_element_has_to_differ_and_unknown_ones_do_not() {
        check("process.args != a", EVENT, true);
        check("all(process.args) != a", EVENT, false);
        check("all(process.args) != c", EVENT, true);
        check("process.ancestors.name != sh", EVENT, false);
        check("process.ancestors.name != bash", EVENT, true);
        check("all(process.ancestors.name) != bash", EVENT, false);
    }
}
