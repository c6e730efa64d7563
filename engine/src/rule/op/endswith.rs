//! `endswith` and `iendswith`: a string at the end of a text.

use super::{Fault, Operator, Takes, Typed, strings};
use crate::rule::{
    ast::Literal,
    test::{Case, Position, Relation, Test},
};

/// Compares bytes.
pub(super) const EXACT: EndsWith = EndsWith(Case::Exact);
/// Takes small and capital letters as equal.
pub(super) const FOLDED: EndsWith = EndsWith(Case::Folded);

/// The operator in both forms.
pub(super) struct EndsWith(Case);

impl Operator for EndsWith {
    fn word(&self) -> &'static str {
        match self.0 {
            Case::Exact => "endswith",
            Case::Folded => "iendswith",
        }
    }
    fn doc(&self) -> &'static str {
        match self.0 {
            Case::Exact => "The text ends with the string, or one of several.",
            Case::Folded => "As `endswith`, small and capital letters being equal.",
        }
    }
    fn example(&self) -> &'static str {
        match self.0 {
            Case::Exact => "process.executable endswith /bash",
            Case::Folded => "file.name iendswith (.php, .jsp)",
        }
    }
    fn takes(&self) -> Takes {
        Takes::OneOrList
    }
    fn relation(&self) -> Option<Relation> {
        Some(Relation::Text(Position::End, self.0))
    }
    fn test(&self, of: Typed, constants: &[Literal]) -> Result<Test, Vec<Fault>> {
        strings(of, constants, Position::End, self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    const EVENT: &str = r#"{"event":{"action":"file_open"},"file":{"path":"/tmp/Run.SH"}}"#;

    #[test]
    fn endswith_looks_at_the_end_only() {
        check("file.path endswith .SH", EVENT, true);
        check("file.path endswith (.py, .SH)", EVENT, true);
        check("file.path endswith .sh", EVENT, false);
        check("file.path iendswith run.sh", EVENT, true);
        check("file.path endswith /tmp", EVENT, false);
    }
}
