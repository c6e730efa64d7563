//! `regex`: a regular expression matches some part of the text.

use super::{Fault, Operator, Takes, Typed, of_text};
use crate::rule::{
    ast::Literal,
    diagnostic::Diagnostic,
    pattern::Unbuilt,
    test::{Pattern, Test},
};

/// The operator.
pub(super) struct Matches;

impl Operator for Matches {
    fn word(&self) -> &'static str {
        "regex"
    }
    fn doc(&self) -> &'static str {
        "The regular expression, in the syntax of the Rust crate `regex`, matches some part of the text, in linear time; `(?i)` at its start folds case."
    }
    fn example(&self) -> &'static str {
        "process.command_line regex 'base64 +(-d|--decode)'"
    }
    fn takes(&self) -> Takes {
        Takes::One
    }
    fn test(&self, of: Typed, constants: &[Literal]) -> Result<Test, Vec<Fault>> {
        of_text(of)?;
        let Some(constant) = constants.first() else { return Err(vec![Fault::Operator(None)]) };
        match constant.text().map(Pattern::new) {
            Some(Ok(pattern)) => Ok(Test::Pattern(pattern)),
            Some(Err(why)) => {
                let error = Diagnostic::error("invalid-regex", constant.place.clone(), "invalid regular expression");
                let advice = match &why {
                    Unbuilt::Full => Unbuilt::ADVICE,
                    Unbuilt::Invalid(_) => "look-around and back-references are not supported",
                };
                let error = error.label(why.to_string()).hint(advice);
                Err(vec![Fault::Constant(Box::new(error))])
            }
            None => {
                let error =
                    Diagnostic::error("invalid-regex", constant.place.clone(), "the regular expression is not UTF-8");
                let error = error.hint("write the byte as `(?-u:\\xff)` between single quotes");
                Err(vec![Fault::Constant(Box::new(error))])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, check_refused};

    const EVENT: &str =
        r#"{"event":{"action":"exec"},"process":{"command_line":"Base64 -d /tmp/x","args":["a1","b"]}}"#;

    #[test]
    fn regular_expressions() {
        check("process.command_line regex '-d +/tmp/'", EVENT, true);
        check("process.command_line regex '^base64'", EVENT, false);
        check("process.command_line regex '(?i)^base64'", EVENT, true);
        check("process.args regex '^[a-z]$'", EVENT, true);
        check("all(process.args) regex '^[a-z]$'", EVENT, false);
        check_refused("process.command_line regex '(?=x)'", "invalid regular expression");
        check_refused("process.command_line regex '(((a{1000}){1000}){1000})'", "invalid regular expression");
        check_refused(r#"process.command_line regex "\xff""#, "the regular expression is not UTF-8");
        check_refused("process.pid regex '1'", "`regex` does not fit `process.pid`, which is a number");
    }
}
