//! `upper`: capital letters.

use super::{Output, Transform, each_character};

/// The transform.
pub(super) struct Upper;

impl Transform for Upper {
    fn name(&self) -> &'static str {
        "upper"
    }
    fn doc(&self) -> &'static str {
        "The text with small letters made capital, by Unicode; bytes that are no UTF-8 stay."
    }
    fn example(&self) -> &'static str {
        "upper(file.extension) in (PHP, JSP)"
    }
    fn apply<'v>(&self, text: &'v [u8]) -> Output<'v> {
        Output::Made(if text.is_ascii() { text.to_ascii_uppercase() } else { each_character(text, char::to_uppercase) })
    }
}

#[cfg(test)]
mod tests {
    use crate::rule::op::tests::check;

    #[test]
    fn small_letters_become_capital() {
        let event = |name: &str| format!(r#"{{"event":{{"action":"exec"}},"process":{{"name":"{name}"}}}}"#);
        check("upper(process.name) = ABC", &event("aBc"), true);
        check("upper(process.name) = abc", &event("abc"), false);
        check("upper(process.name) = 'ÄΣX'", &event("äσx"), true);
        check(r#"upper(process.name) = "\xffA""#, &event("\u{10FFFF}a"), true);
        check("upper(process.name) = ABC", r#"{"event":{"action":"exec"}}"#, false);
    }
}
