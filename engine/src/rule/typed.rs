//! What stands to the left of an operator: its type, whether there are several, and the unit of a number.
//!
//! Units let a constant be written as people think of it: `10MiB`, `5m`, `4.5`.

use crate::event::{field::Row, value::Type};

/// Decimal places a constant may have.
const MAX_PLACES: u32 = 9;

/// The type of a field, or of what a transform makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Typed {
    /// The type of the value, or of each element.
    pub ty: Type,
    /// Whether it is a list.
    pub array: bool,
    /// The unit, for numbers.
    pub unit: Unit,
}

impl Typed {
    /// The type of a field.
    #[must_use]
    pub fn of(row: &Row) -> Self {
        Self { ty: row.ty, array: row.array, unit: Unit::of(row) }
    }

    /// The type in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self.ty {
            Type::Boolean => "a boolean",
            Type::Integer | Type::NumericKeyword => self.unit.words(),
            Type::Ip => "an address",
            Type::Keyword => "a string",
            Type::Time => "a time",
            Type::Word(_) => "one of a few words",
        }
    }
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Byte,
    /// Thousandths, for numbers with a fraction: conditions write them with up to three decimals.
    Milli,
    /// Nanoseconds.
    Nanosecond,
    /// Nothing that has a unit.
    None,
}

/// Names of units with what they are worth.
const SIZES: &[(&str, i64)] = &[
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];
const TIMES: &[(&str, i64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

impl Unit {
    /// The unit of a field. The names of fields say it, as ours do, and ECS's where we use them.
    fn of(row: &Row) -> Self {
        let last = row.name.rsplit('.').next().unwrap_or(row.name);
        match row.ty {
            Type::Integer if last == "bytes" || last == "size" || last.ends_with("_bytes") => Self::Byte,
            Type::Integer if last == "duration" || last.ends_with("_ns") => Self::Nanosecond,
            Type::Boolean
            | Type::Integer
            | Type::Ip
            | Type::Keyword
            | Type::NumericKeyword
            | Type::Time
            | Type::Word(_) => Self::None,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Byte => "a number of bytes",
            Self::Milli => "a number with a fraction",
            Self::Nanosecond => "a length of time",
            Self::None => "a number",
        }
    }

    /// How its constants are written.
    #[must_use]
    pub fn form(self) -> &'static str {
        match self {
            Self::Byte => "write bytes, or a number with KB, MB, GB, KiB, MiB or GiB",
            Self::Milli => "write a number with at most three decimals, as in `4.5`",
            Self::Nanosecond => "write nanoseconds, or a number with ns, us, ms, s, m, h or d",
            Self::None => "write a whole number: decimal, `0x` hexadecimal or `0o` octal",
        }
    }

    /// Reads a constant.
    ///
    /// # Errors
    /// What it should be, to go after `is not`.
    pub fn read(self, text: &str) -> Result<i64, &'static str> {
        let radix =
            [("0x", 16), ("0o", 8)].into_iter().find_map(|(mark, radix)| Some((text.strip_prefix(mark)?, radix)));
        if let (Some((digits, radix)), true) = (radix, self != Self::Milli) {
            return i64::from_str_radix(digits, radix).map_err(|_| "a number of at most 64 bits");
        }
        let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-')).unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        let (units, plain, expected) = match self {
            Self::Byte => (SIZES, 1, "a number of bytes"),
            Self::Milli => ([].as_slice(), 1_000, "a number with at most three decimals"),
            Self::Nanosecond => (TIMES, 1, "a length of time"),
            Self::None => ([].as_slice(), 1, "a number of at most 64 bits"),
        };
        let worth = if suffix.is_empty() {
            Some(plain)
        } else {
            units.iter().find(|(name, _)| *name == suffix).map(|(_, worth)| *worth)
        };
        worth.and_then(|worth| decimal(number, worth)).ok_or(expected)
    }
}

/// A decimal number times `worth`, if that is a whole number of 64 bits.
fn decimal(number: &str, worth: i64) -> Option<i64> {
    let (negative, number) = number.strip_prefix('-').map_or((false, number), |rest| (true, rest));
    let (whole, fraction) = number.split_once('.').map_or((number, None), |(whole, part)| (whole, Some(part)));
    let fraction = fraction.unwrap_or_default();
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    let places = u32::try_from(fraction.len()).ok().filter(|places| *places <= MAX_PLACES)?;
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) || number.ends_with('.') {
        return None;
    }
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let scaled = digits.checked_mul(i128::from(worth))?;
    let divisor = 10_i128.checked_pow(places)?;
    let value = (scaled % divisor == 0).then_some(scaled / divisor)?;
    i64::try_from(if negative { -value } else { value }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::field;

    fn check(unit: Unit, text: &str, expected: Option<i64>) {
        assert_eq!(unit.read(text).ok(), expected, "{unit:?} {text}");
    }

    #[test]
    fn constants_are_read_in_their_unit() {
        check(Unit::None, "443", Some(443));
        check(Unit::None, "-1", Some(-1));
        check(Unit::None, "0x1bb", Some(443));
        check(Unit::None, "0o17", Some(15));
        check(Unit::None, "-9223372036854775808", Some(i64::MIN));
        for bad in ["", "-", "--1", "1.5", "10KB", "9223372036854775808", "1e3", "0x", "١"] {
            check(Unit::None, bad, None);
        }
        check(Unit::Byte, "4096", Some(4096));
        check(Unit::Byte, "4KB", Some(4000));
        check(Unit::Byte, "10MiB", Some(10 << 20));
        check(Unit::Byte, "1.5KiB", Some(1536));
        check(Unit::Byte, "0.3B", None);
        check(Unit::Byte, "5m", None);
        check(Unit::Byte, "9999999999GiB", None);
        check(Unit::Nanosecond, "5m", Some(300_000_000_000));
        check(Unit::Nanosecond, "1.5s", Some(1_500_000_000));
        check(Unit::Nanosecond, "250ms", Some(250_000_000));
        check(Unit::Nanosecond, "7", Some(7));
        check(Unit::Nanosecond, "1KiB", None);
        check(Unit::Milli, "4.5", Some(4500));
        check(Unit::Milli, "4", Some(4000));
        check(Unit::Milli, "4.1234", None);
        check(Unit::Milli, "4.", None);
        check(Unit::Milli, ".5", None);
        check(Unit::Milli, "0x4", None);
    }

    /// A field's sentence and its unit must not part ways.
    #[test]
    fn fields_that_say_their_unit_have_it() {
        for row in field::all().map(|field| field.any()).filter(|row| row.ty == Type::Integer) {
            let of = Unit::of(row);
            assert_eq!(row.doc.contains("nanoseconds"), of == Unit::Nanosecond, "{}: {of:?}", row.name);
            let bytes = row.doc.starts_with("Bytes ") || row.doc.contains("in bytes");
            assert!(!bytes || of == Unit::Byte, "{}: {of:?}", row.name);
        }
    }
}
