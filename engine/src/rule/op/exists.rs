//! `exists`: the event has the field.

use super::{Fault, Operator, Takes, Typed};
use crate::rule::{ast::Literal, test::Test};

/// The operator.
pub(super) struct Exists;

impl Operator for Exists {
    fn word(&self) -> &'static str {
        "exists"
    }
    fn doc(&self) -> &'static str {
        "The event has the field; nothing follows the operator."
    }
    fn example(&self) -> &'static str {
        "container.id exists"
    }
    fn takes(&self) -> Takes {
        Takes::Nothing
    }
    fn test(&self, _of: Typed, _constants: &[Literal]) -> Result<Test, Vec<Fault>> {
        Ok(Test::Exists)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    const EVENT: &str =
        r#"{"event":{"action":"exec"},"container":{"id":"c"},"process":{"ancestors":{"name":["sh",null]}}}"#;

    #[test]
    fn presence() {
        check("container.id exists", EVENT, true);
        check("process.args exists", EVENT, false);
        check("not process.args exists", EVENT, true);
        check("process.ancestors.name exists", EVENT, true);
        check("all(process.ancestors.name) exists", EVENT, false);
        check("file.path exists", EVENT, false);
    }
}
