//! `startswith` and `istartswith`: a string at the start of a text.

use super::{Fault, Operator, Takes, Typed, strings};
use crate::rule::{
    ast::Literal,
    test::{Case, Position, Relation, Test},
};

/// Compares bytes.
pub(super) const EXACT: StartsWith = StartsWith(Case::Exact);
/// Takes small and capital letters as equal.
pub(super) const FOLDED: StartsWith = StartsWith(Case::Folded);

/// The operator in both forms.
pub(super) struct StartsWith(Case);

impl Operator for StartsWith {
    fn word(&self) -> &'static str {
        match self.0 {
            Case::Exact => "startswith",
            Case::Folded => "istartswith",
        }
    }
    fn doc(&self) -> &'static str {
        match self.0 {
            Case::Exact => "The text starts with the string, or one of several.",
            Case::Folded => "As `startswith`, small and capital letters being equal.",
        }
    }
    fn example(&self) -> &'static str {
        match self.0 {
            Case::Exact => "file.path startswith /etc/",
            Case::Folded => "file.name istartswith readme",
        }
    }
    fn takes(&self) -> Takes {
        Takes::OneOrList
    }
    fn relation(&self) -> Option<Relation> {
        Some(Relation::Text(Position::Start, self.0))
    }
    fn test(&self, of: Typed, constants: &[Literal]) -> Result<Test, Vec<Fault>> {
        strings(of, constants, Position::Start, self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    const EVENT: &str = r#"{"event":{"action":"file_open"},"file":{"path":"/tmp/Run.sh"}}"#;

    #[test]
    fn startswith_looks_at_the_start_only() {
        check("file.path startswith /tmp/", EVENT, true);
        check("file.path startswith (/var/, /tmp/)", EVENT, true);
        check("file.path startswith tmp", EVENT, false);
        check("file.path istartswith /TMP/r", EVENT, true);
        check("file.path startswith /tmp/Run.sh.longer", EVENT, false);
    }
}
