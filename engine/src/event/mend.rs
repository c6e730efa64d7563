//! Lines of JSON that follow the grammar (RFC 8259) and that the parser refuses all the same: halves of surrogate
//! pairs, and numbers beyond what a double holds. Whoever can write them into an event must not hide it.

/// The character that stands for what is none.
const REPLACEMENT: &[u8] = b"fffd";

/// The line with halves of surrogate pairs replaced by U+FFFD and numbers beyond a double written as strings; `None`
/// if it has neither.
pub(super) fn mended(line: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(line.len() + 16);
    let mut rest = line;
    let mut changed = false;
    let mut in_string = false;
    while let Some((byte, after)) = rest.split_first() {
        match byte {
            b'"' => {
                in_string = !in_string;
                out.push(*byte);
                rest = after;
            }
            b'\\' if in_string => {
                let taken = match half(rest) {
                    None => rest.len().min(2),
                    // The other half has to follow at once.
                    Some(0xD800..0xDC00) if rest.get(6..).and_then(half).is_some_and(|low| low >= 0xDC00) => 12,
                    Some(_) => {
                        out.extend_from_slice(b"\\u");
                        out.extend_from_slice(REPLACEMENT);
                        changed = true;
                        rest = rest.get(6..).unwrap_or_default();
                        continue;
                    }
                };
                let (escape, after) = rest.split_at(taken.min(rest.len()));
                out.extend_from_slice(escape);
                rest = after;
            }
            b'-' | b'0'..=b'9' if !in_string => {
                let is_part = |byte: &u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
                let length = rest.iter().take_while(|byte| is_part(byte)).count();
                let (number, after) = rest.split_at(length);
                let value = std::str::from_utf8(number).ok().and_then(|number| number.parse::<f64>().ok());
                let is_beyond = value.is_some_and(f64::is_infinite);
                changed |= is_beyond;
                let quote: &[u8] = if is_beyond { b"\"" } else { b"" };
                [quote, number, quote].iter().for_each(|part| out.extend_from_slice(part));
                rest = after;
            }
            _ => {
                out.push(*byte);
                rest = after;
            }
        }
    }
    changed.then_some(out)
}

/// The half of a surrogate pair that is escaped at the start of a text.
fn half(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"\\u")?.get(..4).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
    let code = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    (0xD800..0xE000).contains(&code).then_some(code)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(line: &str, expected: Option<&str>) {
        let found = mended(line.as_bytes()).map(|line| String::from_utf8(line).expect("text"));
        assert_eq!(found.as_deref(), expected, "{line}");
    }

    #[test]
    fn halves_and_numbers_beyond_are_written_otherwise_and_nothing_else_is() {
        check(r#"{"a":"\ud800"}"#, Some(r#"{"a":"\ufffd"}"#));
        check(r#"{"a":"\udc00x\uD83D\n"}"#, Some(r#"{"a":"\ufffdx\ufffd\n"}"#));
        check(r#"{"a":"\ud83d\ud83d\ude00"}"#, Some(r#"{"a":"\ufffd\ud83d\ude00"}"#));
        check(r#"{"a":"\ud83d\ude00 \\ud800 \" 1e999"}"#, None);
        check(r#"{"a":1e400,"b":[-2E+999,3]}"#, Some(r#"{"a":"1e400","b":["-2E+999",3]}"#));
        check(r#"{"a":1e308,"b":-0.5e-999}"#, None);
        check(r#"{"a":"\u12"#, None);
        check("\\", None);
    }

    proptest! {
        #[test]
        fn what_is_mended_needs_no_mending_and_the_parser_takes_it(
            parts in proptest::collection::vec(
                prop::sample::select(vec!["\\ud800", "\\udfff", "\\ud83d\\ude00", "a", "\\\\", "\\\"", "\\u0041", "1e999"]), 0..12),
            number in "-?[1-9][0-9]{0,3}([.][0-9]{1,3})?([eE][+-]?[0-9]{1,4})?",
        ) {
            let line = format!("{{\"a\":\"{}\",\"b\":{number}}}", parts.concat());
            let mended_line = mended(line.as_bytes()).unwrap_or_else(|| line.clone().into_bytes());
            prop_assert!(mended(&mended_line).is_none());
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&mended_line).is_ok(), "{line}");
        }

        #[test]
        fn any_bytes_are_taken(line in proptest::collection::vec(prop::sample::select(b"\\\"ud8c0e1{}:-\xff".to_vec()), 0..40)) {
            drop(mended(&line));
        }
    }
}
