//! Lengths of time and sizes as people write them.

use std::time::Duration;

const TIMES: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
const SIZES: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// `10s`; the largest unit without a rest.
#[must_use]
pub fn duration_text(time: Duration) -> String {
    let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    if ms == 0 { "0s".to_owned() } else { in_units(ms, &TIMES) }
}

/// `8MiB`; the largest unit without a rest, plain bytes without one.
#[must_use]
pub fn size_text(bytes: u64) -> String {
    let text = in_units(bytes, &SIZES);
    text.strip_suffix('B').filter(|rest| rest.bytes().all(|byte| byte.is_ascii_digit())).unwrap_or(&text).to_owned()
}

fn in_units(number: u64, units: &[(&str, u64)]) -> String {
    for (unit, size) in units {
        if number >= *size && number.is_multiple_of(*size) {
            return format!("{}{unit}", number / size);
        }
    }
    number.to_string()
}

/// Reads `10s`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    parse(text, &TIMES).map(Duration::from_millis)
}

/// Reads `8MiB` or plain bytes.
pub(super) fn size(text: &str) -> Option<u64> {
    text.parse().ok().or_else(|| parse(text, &SIZES))
}

fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, size) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_and_written() {
        for (text, ms) in [("500ms", 500), ("10s", 10_000), ("5m", 300_000), ("2h", 7_200_000), ("1d", 86_400_000)] {
            assert_eq!(duration(text), Some(Duration::from_millis(ms)));
            assert_eq!(duration_text(Duration::from_millis(ms)), text);
        }
        assert_eq!(duration("10 s"), Some(Duration::from_secs(10)));
        for bad in ["", "10", "s", "1w", "-1s", "1.5s", "99999999999999999999d"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
        for (text, bytes) in [("1000", 1000), ("64KiB", 65_536), ("8MiB", 8 << 20), ("3GiB", 3 << 30), ("0", 0)] {
            assert_eq!(size(text), Some(bytes));
            assert_eq!(size_text(bytes), text);
        }
        assert_eq!(size("8MB"), None);
        assert_eq!(duration_text(Duration::ZERO), "0s");
    }
}
