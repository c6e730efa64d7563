//! `=` and `in`: equality with one constant, or with any of a list.

use super::{Fault, Operator, Takes, Typed, is_one_of, strings};
use crate::rule::{
    ast::Literal,
    test::{Case, Position, Relation, Test},
};

/// `=`
pub(super) const EXACT: Equal = Equal {
    word: "=",
    doc: "The value equals the constant; an address may also lie in a network.",
    example: "destination.ip = 10.0.0.0/8",
    takes: Takes::One,
    case: Case::Exact,
};
/// `ieq`
pub(super) const FOLDED: Equal = Equal {
    word: "ieq",
    doc: "The text equals the string, small and capital letters being equal.",
    example: "file.name ieq payload.bin",
    takes: Takes::One,
    case: Case::Folded,
};
/// `in`
pub(super) const IN: Equal = Equal {
    word: "in",
    doc: "The value is in the list; an address may also lie in one of its networks.",
    example: "process.name in (bash, dash, sh)",
    takes: Takes::List,
    case: Case::Exact,
};
/// `iin`
pub(super) const IN_FOLDED: Equal = Equal {
    word: "iin",
    doc: "The text is in the list, small and capital letters being equal.",
    example: "file.extension iin (php, jsp)",
    takes: Takes::List,
    case: Case::Folded,
};

/// The operator in its four forms.
pub(super) struct Equal {
    word: &'static str,
    doc: &'static str,
    example: &'static str,
    takes: Takes,
    case: Case,
}

impl Operator for Equal {
    fn word(&self) -> &'static str {
        self.word
    }
    fn doc(&self) -> &'static str {
        self.doc
    }
    fn example(&self) -> &'static str {
        self.example
    }
    fn takes(&self) -> Takes {
        self.takes
    }
    fn relation(&self) -> Option<Relation> {
        Some(Relation::Text(Position::Whole, self.case))
    }
    fn test(&self, of: Typed, constants: &[Literal]) -> Result<Test, Vec<Fault>> {
        match self.case {
            Case::Exact => is_one_of(of, constants),
            Case::Folded => strings(of, constants, Position::Whole, Case::Folded),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, check_refused};

    const EVENT: &str = r#"{"@timestamp":"2026-11-22T15:04:05Z","event":{"action":"connect"},"destination":{"ip":"10.1.2.3","port":443},"user":{"id":"0","name":"Root"},"process":{"executable_memfd":true,"args":["a","b"]}}"#;

    #[test]
    fn equality_of_every_type() {
        check("event.action = connect", EVENT, true);
        check("event.action = exec", EVENT, false);
        check("destination.port = 443", EVENT, true);
        check("destination.port = 0x1bb", EVENT, true);
        check("user.id = 0", EVENT, true);
        check("destination.ip = 10.1.2.3", EVENT, true);
        check("destination.ip = 10.0.0.0/8", EVENT, true);
        check("destination.ip = ::ffff:10.1.2.3", EVENT, true);
        check("destination.ip = ::1", EVENT, false);
        check("process.executable_memfd = true", EVENT, true);
        check("process.executable_memfd = false", EVENT, false);
        check("process.executable_deleted = false", EVENT, false);
        check("@timestamp = 2026-11-22T16:04:05+01:00", EVENT, true);
        check("user.name = Root", EVENT, true);
        check("user.name = root", EVENT, false);
        check("user.name ieq root", EVENT, true);
        check("process.args = b", EVENT, true);
        check("all(process.args) = b", EVENT, false);
    }

    #[test]
    fn constants_of_another_type_are_refused() {
        check_refused("destination.port = https", "`https` is not a number of at most 64 bits");
        check_refused("destination.ip = example.org", "`example.org` is not an address or network");
        check_refused(
            "destination.ip = 10.1.2.3/8",
            "`10.1.2.3/8` is not a network: it has bits set beyond its prefix",
        );
        check_refused("process.executable_memfd = 1", "`1` is not `true` or `false`");
        check_refused("event.action = exce", "`exce` is not a word of this field");
        check_refused("@timestamp = yesterday", "`yesterday` is not an RFC 3339 time");
        check_refused("user.name = (a, b)", "`=` takes one value");
        check_refused("destination.port ieq 443", "`ieq` does not fit `destination.port`, which is a number");
    }
    #[test]
    fn membership() {
        const EVENT: &str = r#"{"event":{"action":"connect"},"destination":{"ip":"fe80::1","port":443},"user":{"name":"Root"},"process":{"args":["a","b"]}}"#;
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
