//! `len`: the length of a text.

use super::{Output, Transform};
use crate::{
    event::value::{Type, Value},
    rule::typed::{Typed, Unit},
};

/// The transform.
pub(super) struct Len;

impl Transform for Len {
    fn name(&self) -> &'static str {
        "len"
    }
    fn doc(&self) -> &'static str {
        "The length of the text in bytes."
    }
    fn example(&self) -> &'static str {
        "len(process.command_line) > 4KiB"
    }
    fn gives(&self) -> Typed {
        Typed { ty: Type::Integer, array: false, unit: Unit::Byte }
    }
    fn apply<'v>(&self, text: &'v [u8]) -> Output<'v> {
        Output::Seen(Value::Int(i64::try_from(text.len()).unwrap_or(i64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use crate::rule::op::tests::check;

    #[test]
    fn length_in_bytes() {
        let event = r#"{"event":{"action":"exec"},"process":{"name":"äb","args":["a","bcd"],"args_bytes":3}}"#;
        check("len(process.name) = 3", event, true);
        check("len(process.name) >= 1KiB", event, false);
        check("len(process.args) in (3, 4)", event, true);
        check("all(len(process.args)) = 3", event, false);
        check("len(process.name) = process.args_bytes", event, true);
    }
}
