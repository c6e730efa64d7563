//! Lines that follow the grammar of JSON and that its parser refuses or rounds, made into such that it reads.
//!
//! A line that is not read is judged by no rule: whoever can put half a surrogate pair into any field of an event
//! would hide the event. So what has no exact form is replaced: a lone surrogate and bytes that are no
//! UTF-8 by U+FFFD, a number that neither 64 bits nor a float holds by a string with its digits.

/// The mark of UTF-8, which some programs put before a file's first line.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The line without the mark that some programs put before the first.
pub(super) fn without_mark(line: &[u8]) -> &[u8] {
    line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line)
}

/// The line as the parser can read it; `None` if it is that already, or is no JSON. Linear in the line.
pub(super) fn mended(line: &[u8]) -> Option<String> {
    let mut out = Vec::with_capacity(line.len());
    let mut changed = false;
    let mut rest = line;
    let mut in_string = false;
    while let Some(byte) = rest.first() {
        let taken = match byte {
            b'"' => {
                in_string = !in_string;
                1
            }
            b'\\' if in_string => match escape(rest) {
                Escape::Whole(length) => length,
                Escape::Lone(length) => {
                    changed = true;
                    out.extend_from_slice(br"\ufffd");
                    rest = rest.get(length..).unwrap_or_default();
                    continue;
                }
            },
            b'-' | b'0'..=b'9' if !in_string => {
                let number = number(rest);
                if !is_exact(number) {
                    changed = true;
                    out.push(b'"');
                    out.extend_from_slice(number);
                    out.push(b'"');
                    rest = rest.get(number.len()..).unwrap_or_default();
                    continue;
                }
                number.len()
            }
            _ => 1,
        };
        let (kept, behind) = rest.split_at(taken.min(rest.len()));
        out.extend_from_slice(kept);
        rest = behind;
    }
    match String::from_utf8(out) {
        Ok(out) => changed.then_some(out),
        Err(error) => Some(String::from_utf8_lossy(error.as_bytes()).into_owned()),
    }
}

/// An escape at the start of a text, and how long it is.
enum Escape {
    /// Half of a pair without its other half.
    Lone(usize),
    /// Any other, or none at all.
    Whole(usize),
}

/// Bytes of `\uXXXX`.
const UNIT: usize = 6;

fn escape(text: &[u8]) -> Escape {
    match unit(text) {
        None => Escape::Whole(2),
        Some(0xD800..=0xDBFF) => {
            let second = text.get(UNIT..).and_then(unit);
            if second.is_some_and(|second| (0xDC00..=0xDFFF).contains(&second)) {
                Escape::Whole(2 * UNIT)
            } else {
                Escape::Lone(UNIT)
            }
        }
        Some(0xDC00..=0xDFFF) => Escape::Lone(UNIT),
        Some(_) => Escape::Whole(UNIT),
    }
}

/// The number of `\uXXXX`.
fn unit(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(br"\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, digit| Some(unit * 16 + char::from(*digit).to_digit(16)?))
}

/// The number at the start of a text, with what may belong to one.
fn number(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    text.get(..end.unwrap_or(text.len())).unwrap_or_default()
}

/// Whether the parser reads a number as it is meant to be, or refuses it rightly.
fn is_exact(number: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(number) else { return true };
    if text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok() || !is_json(text) {
        return true;
    }
    let is_whole = !text.contains(['.', 'e', 'E']);
    !is_whole && text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// Whether it is a number of JSON: no zero before other digits, digits on both sides of a point.
fn is_json(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) =
        text.split_once(['e', 'E']).map_or((text, None), |(before, after)| (before, Some(after)));
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(before, after)| (before, Some(after)));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent = exponent.map(|text| text.strip_prefix(['+', '-']).unwrap_or(text));
    are_digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(are_digits)
        && exponent.is_none_or(are_digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &[u8], expected: Option<&str>) {
        assert_eq!(mended(line).as_deref(), expected, "{}", String::from_utf8_lossy(line));
    }

    #[test]
    fn only_what_the_parser_cannot_keep_is_changed() {
        check(br#"{"a":"\ud800"}"#, Some(r#"{"a":"\ufffd"}"#));
        check(br#"{"\uDC00":"\ud83d\ude00 \ud83dx"}"#, Some(r#"{"\ufffd":"\ud83d\ude00 \ufffdx"}"#));
        check(br#"{"a":"\ud800\ud800\udc00"}"#, Some(r#"{"a":"\ufffd\ud800\udc00"}"#));
        check(br#"{"a":1e400,"b":-1E+999}"#, Some(r#"{"a":"1e400","b":"-1E+999"}"#));
        check(br#"{"a":[18446744073709551616]}"#, Some(r#"{"a":["18446744073709551616"]}"#));
        check(b"{\"a\":\"x\xff\"}", Some("{\"a\":\"x\u{FFFD}\"}"));
        for same in [
            r#"{"a":"\\ud800","b":"\"1e400","c":18446744073709551615,"d":-5,"e":1.5e300,"f":1e-999}"#,
            r#"{"a":"1e400 \u00e4 \u{d800}"}"#,
            // No numbers of JSON: they stay what the parser refuses.
            r#"{"a":099999999999999999999999,"b":1e,"c":1.e999}"#,
            "\"\\",
            "",
        ] {
            check(same.as_bytes(), None);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_mended_once(line in proptest::collection::vec(0_u8..=255, 0..60), json in r#"["\\ud8cDC0-9eE.+-]{0,60}"#) {
            for line in [line.as_slice(), json.as_bytes()] {
                if let Some(mended_once) = mended(line) {
                    proptest::prop_assert_eq!(mended(mended_once.as_bytes()), None);
                }
            }
        }
    }
}
