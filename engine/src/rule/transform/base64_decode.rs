//! `base64_decode`: what a text in base64 says.

use std::sync::LazyLock;

use data_encoding::{Encoding, Specification};

use super::{Output, Transform};
use crate::event::value::Value;

/// Both alphabets, with or without padding, blanks and line breaks between.
static ENCODING: LazyLock<Option<Encoding>> = LazyLock::new(|| {
    let mut form = Specification::new();
    form.symbols.push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    form.translate.from.push_str("-_");
    form.translate.to.push_str("+/");
    form.ignore.push_str(" \t\r\n=");
    form.check_trailing_bits = false;
    form.encoding().ok()
});

/// The transform.
pub(super) struct Base64Decode;

impl Transform for Base64Decode {
    fn name(&self) -> &'static str {
        "base64_decode"
    }
    fn doc(&self) -> &'static str {
        "What the whole text says in base64, in either alphabet, with or without padding. Absent if it is none."
    }
    fn example(&self) -> &'static str {
        "base64_decode(process.args) contains /dev/tcp/"
    }
    fn apply<'v>(&self, text: &'v [u8]) -> Output<'v> {
        let decoded = ENCODING.as_ref().and_then(|encoding| encoding.decode(text).ok());
        decoded.filter(|bytes| !bytes.is_empty()).map_or(Output::Seen(Value::Absent), Output::Made)
    }
}

#[cfg(test)]
mod tests {
    use crate::rule::op::tests::check;

    #[test]
    fn both_alphabets_with_and_without_padding() {
        let event =
            |argument: &str| format!(r#"{{"event":{{"action":"exec"}},"process":{{"args":["x","{argument}"]}}}}"#);
        for (argument, says) in [
            ("aGVsbG8=", Some("hello")),
            ("aGVsbG8", Some("hello")),
            ("aGVs\\nbG8=", Some("hello")),
            ("Pz8/Pz8+", Some("?????>")),
            ("Pz8_Pz8-", Some("?????>")),
            ("aGVsbG9=", Some("hello")),
            ("a", None),
            ("hello!", None),
            ("", None),
        ] {
            let event = event(argument);
            check("base64_decode(process.args) exists", &event, says.is_some());
            if let Some(says) = says {
                check(&format!("base64_decode(process.args) = '{says}'"), &event, true);
            }
        }
        check(r#"base64_decode(process.args) contains "\xff""#, &event("//8="), true);
    }
}
