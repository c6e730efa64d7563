//! `<`, `<=`, `>`, `>=`: order of numbers and times.

use super::{Fault, Operator, Takes, Typed, number, time};
use crate::{
    event::value::Type,
    rule::{
        ast::Literal,
        test::{Order, Relation, Test},
    },
};

/// `<`
pub(super) const LESS: Ordered = Ordered(Order::Less);
/// `<=`
pub(super) const LESS_OR_EQUAL: Ordered = Ordered(Order::LessOrEqual);
/// `>`
pub(super) const GREATER: Ordered = Ordered(Order::Greater);
/// `>=`
pub(super) const GREATER_OR_EQUAL: Ordered = Ordered(Order::GreaterOrEqual);

/// The operator in its four forms.
pub(super) struct Ordered(Order);

impl Operator for Ordered {
    fn word(&self) -> &'static str {
        self.0.symbol()
    }
    fn doc(&self) -> &'static str {
        match self.0 {
            Order::Less => "The number or time is below the constant.",
            Order::LessOrEqual => "The number or time is not above the constant.",
            Order::Greater => "The number or time is above the constant.",
            Order::GreaterOrEqual => "The number or time is not below the constant.",
        }
    }
    fn example(&self) -> &'static str {
        match self.0 {
            Order::Less => "destination.port < 1024",
            Order::LessOrEqual => "process.args_count <= 1",
            Order::Greater => "process.args_bytes > 32768",
            Order::GreaterOrEqual => "user.id >= 1000",
        }
    }
    fn takes(&self) -> Takes {
        Takes::One
    }
    fn relation(&self) -> Option<Relation> {
        Some(Relation::Order(self.0))
    }
    fn test(&self, of: Typed, constants: &[Literal]) -> Result<Test, Vec<Fault>> {
        let read = |constant: &Literal| match of.ty {
            Type::Integer | Type::NumericKeyword => number(constant, of.unit),
            Type::Time => time(constant),
            Type::Boolean | Type::Ip | Type::Keyword | Type::Word(_) => {
                Err(Fault::Operator(Some("only numbers and times have an order".to_owned())))
            }
        };
        let mut bound = None;
        for constant in constants {
            bound = Some(read(constant).map_err(|fault| vec![fault])?);
        }
        bound.map(|bound| Test::Int(self.0, bound)).ok_or_else(|| vec![Fault::Operator(None)])
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, check_refused};

    const EVENT: &str = r#"{"@timestamp":"2026-11-22T15:04:05Z","event":{"action":"connect"},"destination":{"port":443},"process":{"ancestors":{"pid":[7,1]}}}"#;

    #[test]
    fn order_of_numbers_and_times() {
        for (operator, outcomes) in [
            ("<", [false, false, true]),
            ("<=", [false, true, true]),
            (">", [true, false, false]),
            (">=", [true, true, false]),
        ] {
            for (constant, expected) in [442, 443, 444].into_iter().zip(outcomes) {
                check(&format!("destination.port {operator} {constant}"), EVENT, expected);
            }
        }
        check("@timestamp > 2026-01-01T00:00:00Z", EVENT, true);
        check("process.ancestors.pid < 2", EVENT, true);
        check("all(process.ancestors.pid) < 2", EVENT, false);
        check("source.port < 1024", EVENT, false);
        check_refused("user.name > a", "`>` does not fit `user.name`, which is a string");
    }
}
