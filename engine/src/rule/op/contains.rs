//! `contains` and `icontains`: a string anywhere in a text.

use super::{Fault, Operator, Takes, Typed, strings};
use crate::rule::{
    ast::Literal,
    test::{Case, Position, Relation, Test},
};

/// Compares bytes.
pub(super) const EXACT: Contains = Contains(Case::Exact);
/// Takes small and capital letters as equal.
pub(super) const FOLDED: Contains = Contains(Case::Folded);

/// The operator in both forms.
pub(super) struct Contains(Case);

impl Operator for Contains {
    fn word(&self) -> &'static str {
        match self.0 {
            Case::Exact => "contains",
            Case::Folded => "icontains",
        }
    }
    fn doc(&self) -> &'static str {
        match self.0 {
            Case::Exact => "The text contains the string, or one of several.",
            Case::Folded => "As `contains`, small and capital letters being equal.",
        }
    }
    fn example(&self) -> &'static str {
        match self.0 {
            Case::Exact => "process.command_line contains /dev/tcp/",
            Case::Folded => "process.command_line icontains (xmrig, minerd)",
        }
    }
    fn takes(&self) -> Takes {
        Takes::OneOrList
    }
    fn relation(&self) -> Option<Relation> {
        Some(Relation::Text(Position::Anywhere, self.0))
    }
    fn test(&self, of: Typed, constants: &[Literal]) -> Result<Test, Vec<Fault>> {
        strings(of, constants, Position::Anywhere, self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, check_refused};

    const EVENT: &str =
        r#"{"event":{"action":"exec"},"process":{"command_line":"Bash -c id","args":["Bash","-c"],"pid":7}}"#;

    #[test]
    fn contains_finds_a_string_anywhere() {
        check("process.command_line contains -c", EVENT, true);
        check("process.command_line contains (x, 'c id')", EVENT, true);
        check("process.command_line contains bash", EVENT, false);
        check("process.command_line icontains bash", EVENT, true);
        check("process.args contains as", EVENT, true);
        check("all(process.args) contains as", EVENT, false);
        check("process.working_directory contains ''", EVENT, false);
        check_refused("process.pid contains 7", "`contains` does not fit `process.pid`, which is a number");
    }
}
