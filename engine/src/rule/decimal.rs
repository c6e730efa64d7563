//! Numbers as they are written: compared digit by digit, so that no size and no fraction is rounded.

use std::{cmp::Ordering, fmt};

/// A constant that is no 64-bit integer: one beyond it, or one with a fraction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal(Box<str>);

impl Decimal {
    /// The number of a text; `None` if it is none.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        Digits::read(text.as_bytes()).map(|_| Self(text.into()))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// How two numbers in decimal stand to each other; `None` if either text is no number. Linear in the texts.
pub(super) fn compare(one: &[u8], other: &[u8]) -> Option<Ordering> {
    let (one, other) = (Digits::read(one)?, Digits::read(other)?);
    Some(match (one.sign(), other.sign()) {
        (a, b) if a != b => a.cmp(&b),
        (0, _) => Ordering::Equal,
        (1, _) => one.size(&other),
        (_, _) => other.size(&one),
    })
}

impl Decimal {
    /// How a number stands to this one.
    pub(super) fn of(&self, number: &[u8]) -> Option<Ordering> {
        compare(number, self.0.as_bytes())
    }
}

/// A number in pieces: `0.DIGITS` times ten to the power of `point`, the first digit none or above zero.
struct Digits<'t> {
    is_negative: bool,
    before: &'t [u8],
    after: &'t [u8],
    point: i64,
}

impl<'t> Digits<'t> {
    /// Reads what programs write as numbers: `5`, `-5.25`, `.5`, `1e400`; not `inf`, `nan` or `0x5`.
    fn read(text: &'t [u8]) -> Option<Self> {
        let (is_negative, text) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        let exponent = text.iter().position(|byte| matches!(byte, b'e' | b'E')).unwrap_or(text.len());
        let (number, exponent) = text.split_at_checked(exponent)?;
        let exponent = match exponent.split_first() {
            None => 0,
            Some((_, exponent)) => power(exponent)?,
        };
        let dot = number.iter().position(|byte| *byte == b'.').unwrap_or(number.len());
        let (before, after) = number.split_at_checked(dot)?;
        let after = after.split_first().map_or(after, |(_, after)| after);
        let is_number = |digits: &[u8]| digits.iter().all(u8::is_ascii_digit);
        if before.is_empty() && after.is_empty() || !is_number(before) || !is_number(after) {
            return None;
        }
        let (before, _) = significant(before);
        let (after, point) = if before.is_empty() {
            let (digits, zeros) = significant(after);
            (digits, -i64::try_from(zeros).ok()?)
        } else {
            (after, i64::try_from(before.len()).ok()?)
        };
        Some(Self { is_negative, before, after, point: point.saturating_add(exponent) })
    }

    /// -1, 0 or 1.
    fn sign(&self) -> i8 {
        match (self.before.is_empty() && self.after.is_empty(), self.is_negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    /// How much is there, whatever the sign; of numbers that are not zero.
    fn size(&self, other: &Self) -> Ordering {
        self.point.cmp(&other.point).then_with(|| self.digits().cmp(other.digits()))
    }

    /// The digits without zeros behind the last one that counts.
    fn digits(&self) -> impl Iterator<Item = &u8> {
        let zeros = |digits: &[u8]| digits.iter().rev().take_while(|digit| **digit == b'0').count();
        let after = zeros(self.after);
        let before = if after == self.after.len() { zeros(self.before) } else { 0 };
        self.before.iter().take(self.before.len() - before).chain(self.after.iter().take(self.after.len() - after))
    }
}

/// Digits from the first that is above zero, and how many zeros were before it.
fn significant(digits: &[u8]) -> (&[u8], usize) {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    (digits.get(zeros..).unwrap_or_default(), zeros)
}

/// A power of ten. One beyond all bounds is as good as the largest.
fn power(text: &[u8]) -> Option<i64> {
    let (is_negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits
        .iter()
        .fold(0_i64, |value, digit| value.saturating_mul(10).saturating_add(i64::from(digit.wrapping_sub(b'0'))));
    Some(if is_negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(one: &str, other: &str, expected: Option<Ordering>) {
        assert_eq!(compare(one.as_bytes(), other.as_bytes()), expected, "{one} to {other}");
        assert_eq!(compare(other.as_bytes(), one.as_bytes()), expected.map(Ordering::reverse), "{other} to {one}");
    }

    #[test]
    fn neighbours_are_told_apart_whatever_their_size() {
        use Ordering::{Equal, Less};
        check("18446744073709551615", "18446744073709551616", Some(Less));
        check("123456789012345678901234567890", "123456789012345678901234567891", Some(Less));
        check("-18446744073709551616", "-18446744073709551615", Some(Less));
        check("9007199254740993.5", "9007199254740994", Some(Less));
        check("1e400", "1e401", Some(Less));
        check("1e-400", "0", Some(Ordering::Greater));
        check("-1", "0", Some(Less));
        check("0.05", "0.1", Some(Less));
        for (one, other) in
            [("5", "5.0"), ("5", "+005.00"), ("500", "5e2"), (".5", "0.5"), ("5.", "5"), ("-0", "0"), ("0e9", "0.00")]
        {
            check(one, other, Some(Equal));
        }
        for none in ["", "-", ".", "e5", "1e", "1e+", "inf", "nan", "0x5", "1.2.3", "5 ", "--5"] {
            check(none, "1", None);
        }
    }

    proptest::proptest! {
        #[test]
        fn small_numbers_stand_as_floats_do(a in "[+-]?[0-9]{0,4}(\\.[0-9]{0,3})?(e-?[0-9]{1,2})?", b in "-?[0-9]{0,3}(\\.[0-9]{1,2})?") {
            let float = |text: &str| text.parse::<f64>().ok();
            let expected = float(&a).zip(float(&b)).and_then(|(a, b)| a.partial_cmp(&b));
            proptest::prop_assert_eq!(compare(a.as_bytes(), b.as_bytes()), expected);
        }

        #[test]
        fn no_bytes_panic(a in proptest::collection::vec(0_u8..=255, 0..40), b in "[-+.eE0-9]{0,40}") {
            let reversed = compare(b.as_bytes(), &a).map(Ordering::reverse);
            proptest::prop_assert_eq!(compare(&a, b.as_bytes()), reversed);
        }
    }
}
