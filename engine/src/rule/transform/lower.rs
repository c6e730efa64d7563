//! `lower`: small letters.

use super::{Output, Transform, each_character};
use crate::event::value::Value;

/// The transform.
pub(super) struct Lower;

impl Transform for Lower {
    fn name(&self) -> &'static str {
        "lower"
    }
    fn doc(&self) -> &'static str {
        "The text with capital letters made small, by Unicode; bytes that are no UTF-8 stay."
    }
    fn example(&self) -> &'static str {
        "lower(file.name) = lower(process.name)"
    }
    fn apply<'v>(&self, text: &'v [u8]) -> Output<'v> {
        if text.is_ascii() {
            return match text.iter().any(u8::is_ascii_uppercase) {
                true => Output::Made(text.to_ascii_lowercase()),
                false => Output::Seen(Value::Bytes(text)),
            };
        }
        Output::Made(each_character(text, char::to_lowercase))
    }
}

#[cfg(test)]
mod tests {
    use crate::rule::op::tests::check;

    #[test]
    fn capitals_become_small() {
        let event = |name: &str| format!(r#"{{"event":{{"action":"exec"}},"process":{{"name":"{name}"}}}}"#);
        check("lower(process.name) = abc", &event("aBc"), true);
        check("lower(process.name) = abc", &event("abc"), true);
        check("lower(process.name) = 'äσx'", &event("ÄΣX"), true);
        // A byte that is no UTF-8 stays what it is.
        check(r#"lower(process.name) = "\xffa""#, &event("\u{10FFFF}A"), true);
        check("lower(process.name) = abc", r#"{"event":{"action":"exec"}}"#, false);
    }
}
