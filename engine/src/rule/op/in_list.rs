//! `in` and `iin`: membership in a list.

use super::{Fault, Operator, Takes, Typed, is_one_of, strings};
use crate::rule::{
    ast::Literal,
    test::{Case, Position, Relation, Test},
};

/// `in`
pub(super) const EXACT: In = In(Case::Exact);
/// `iin`
pub(super) const FOLDED: In = In(Case::Folded);

/// The operator in both forms.
pub(super) struct In(Case);

impl Operator for In {
    fn word(&self) -> &'static str {
        match self.0 {
            Case::Exact => "in",
            Case::Folded => "iin",
        }
    }
    fn doc(&self) -> &'static str {
        match self.0 {
            Case::Exact => "The value is in the list; an address may also lie in one of its networks.",
            Case::Folded => "The text is in the list, small and capital letters being equal.",
        }
    }
    fn example(&self) -> &'static str {
        match self.0 {
            Case::Exact => "process.name in (bash, dash, sh)",
            Case::Folded => "file.extension iin (php, jsp)",
        }
    }
    fn takes(&self) -> Takes {
        Takes::List
    }
    fn relation(&self) -> Option<Relation> {
        Some(Relation::Text(Position::Whole, self.0))
    }
    fn test(&self, of: Typed, constants: &[Literal]) -> Result<Test, Vec<Fault>> {
        match self.0 {
            Case::Exact => is_one_of(of, constants),
            Case::Folded => strings(of, constants, Position::Whole, Case::Folded),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, check_refused};

    const EVENT: &str = r#"{"event":{"action":"connect"},"destination":{"ip":"fe80::1","port":443},"user":{"name":"Root"},"process":{"args":["a","b"]}}"#;

    #[test]
    fn membership() {
        check("destination.port in (80, 443)", EVENT, true);
        check("destination.port in (80, 8080)", EVENT, false);
        check("destination.ip in (10.0.0.0/8, fe80::/10)", EVENT, true);
        check("user.name in (root, admin)", EVENT, false);
        check("user.name iin (root, admin)", EVENT, true);
        check("event.action in (connect, accept)", EVENT, true);
        check("process.args in (b, x)", EVENT, true);
        check("all(process.args) in (b, x)", EVENT, false);
        check("all(process.args) in (b, a)", EVENT, true);
        check_refused("user.name in root", "`in` takes a list");
        check_refused("user.name in ()", "this list is empty");
        check_refused(
            "process.executable_memfd in (true, false)",
            "`in` does not fit `process.executable_memfd`, which is a boolean",
        );
    }
}
