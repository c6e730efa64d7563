//! Lengths of time as rules write them: a number and a unit.

/// A unit of time, by its letters.
type Unit = (&'static str, i64);

const SECOND: i64 = 1_000_000_000;
/// The longest window: beyond it a mistake is likelier than a wish.
const MAX_NS: i64 = 10 * 31_556_952 * SECOND;

/// Units of the native language.
pub(super) const NATIVE: &[Unit] =
    &[("ms", 1_000_000), ("s", SECOND), ("m", 60 * SECOND), ("h", 3600 * SECOND), ("d", 86_400 * SECOND)];

/// Units of Sigma: a month is a twelfth of a year, a year has 365.2425 days.
pub(super) const SIGMA: &[Unit] = &[
    ("s", SECOND),
    ("m", 60 * SECOND),
    ("h", 3600 * SECOND),
    ("d", 86_400 * SECOND),
    ("w", 604_800 * SECOND),
    ("M", 2_629_746 * SECOND),
    ("y", 31_556_952 * SECOND),
];

/// Nanoseconds of a text such as `60s`.
///
/// # Errors
/// A hint that says what is expected.
pub(super) fn parse(text: &str, units: &[Unit]) -> Result<i64, String> {
    let expected = || {
        let letters: Vec<&str> = units.iter().map(|(letters, _)| *letters).collect();
        format!("write a number and a unit, as in `60s`; the units are {}", letters.join(", "))
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).ok_or_else(expected)?;
    let (_, length) = units.iter().find(|(letters, _)| *letters == unit.trim_start()).ok_or_else(expected)?;
    let number: i64 = number.parse().map_err(|_| expected())?;
    match number.checked_mul(*length) {
        Some(0) => Err("it must be more than nothing".to_owned()),
        Some(ns) if ns <= MAX_NS => Ok(ns),
        Some(_) | None => Err("at most ten years are allowed".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_a_number_and_a_unit() {
        for (text, native, sigma) in [
            ("60s", Some(60 * SECOND), Some(60 * SECOND)),
            ("5 m", Some(300 * SECOND), Some(300 * SECOND)),
            ("250ms", Some(250_000_000), None),
            ("1d", Some(86_400 * SECOND), Some(86_400 * SECOND)),
            ("2w", None, Some(1_209_600 * SECOND)),
            ("1M", None, Some(2_629_746 * SECOND)),
            ("10y", None, Some(MAX_NS)),
            ("11y", None, None),
            ("0s", None, None),
            ("99999999999999999999s", None, None),
            ("9223372036854775807d", None, None),
            ("s", None, None),
            ("60", None, None),
            ("-1s", None, None),
            ("1S", None, None),
            ("", None, None),
            ("é", None, None),
        ] {
            assert_eq!(parse(text, NATIVE).ok(), native, "{text}");
            assert_eq!(parse(text, SIGMA).ok(), sigma, "{text}");
        }
    }
}
