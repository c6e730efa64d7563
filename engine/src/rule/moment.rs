//! Tests of a part of a date: the hour of a time stamp, the week of a day.

use std::fmt;

use jiff::civil::DateTime;

use super::test::Order;
use crate::event::value::Value;

/// A part of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Day of the month, from 1.
    Day,
    /// 0 to 23.
    Hour,
    /// 0 to 59.
    Minute,
    /// 1 to 12.
    Month,
    /// Week of the year by ISO 8601: from Monday, the first has the year's first Thursday.
    Week,
    /// The year.
    Year,
}

impl Part {
    /// All, by their names.
    const ALL: [(&'static str, Self); 6] = [
        ("day", Self::Day),
        ("hour", Self::Hour),
        ("minute", Self::Minute),
        ("month", Self::Month),
        ("week", Self::Week),
        ("year", Self::Year),
    ];

    /// The part of a name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, part)| *part)
    }

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, part)| *part == self).map_or("", |(name, _)| name)
    }

    /// Its values, least and greatest.
    fn range(self) -> (i64, i64) {
        match self {
            Self::Day => (1, 31),
            Self::Hour => (0, 23),
            Self::Minute => (0, 59),
            Self::Month => (1, 12),
            Self::Week => (1, 53),
            Self::Year => (DateTime::MIN.year().into(), DateTime::MAX.year().into()),
        }
    }

    fn of(self, date: DateTime) -> i64 {
        match self {
            Self::Day => date.day().into(),
            Self::Hour => date.hour().into(),
            Self::Minute => date.minute().into(),
            Self::Month => date.month().into(),
            Self::Week => date.iso_week_date().week().into(),
            Self::Year => date.year().into(),
        }
    }
}

/// A part of a date against a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The part.
    pub part: Part,
    /// How it stands to the number; equal if there is none.
    pub order: Option<Order>,
    /// The number.
    pub number: i64,
    /// Whether an integer is a date: nanoseconds since the epoch, in UTC.
    pub counts: bool,
}

impl Moment {
    /// Why no date passes; `None` if some do.
    #[must_use]
    pub fn never(self) -> Option<String> {
        let (least, most) = self.part.range();
        let passes = match self.order {
            None => (least..=most).contains(&self.number),
            Some(order) => order.holds(least, self.number) || order.holds(most, self.number),
        };
        (!passes).then(|| format!("no date has `{self}`: `{}` is from {least} to {most}", self.part.name()))
    }

    /// Whether a value is a date that passes.
    #[must_use]
    pub fn holds(self, value: Value<'_>) -> bool {
        let date = match value {
            Value::Bytes(text) => std::str::from_utf8(text).ok().and_then(written),
            Value::Int(ns) if self.counts => jiff::Timestamp::from_nanosecond(i128::from(ns))
                .ok()
                .map(|time| time.to_zoned(jiff::tz::TimeZone::UTC).datetime()),
            Value::Absent | Value::Bool(_) | Value::Int(_) | Value::Ip(_) | Value::List(_) | Value::Null => None,
        };
        date.is_some_and(|date| {
            let part = self.part.of(date);
            self.order.map_or(part == self.number, |order| order.holds(part, self.number))
        })
    }
}

/// A date as it is written: its offset from UTC is not reckoned with.
fn written(text: &str) -> Option<DateTime> {
    let text = text.trim();
    // `2026-11-22` is ten bytes; a sign after them belongs to the offset.
    let end = text.get(10..)?.find(['Z', 'z', '+', '-']).map_or(text.len(), |at| at + 10);
    let (date, offset) = text.split_at_checked(end)?;
    let is_offset = offset.chars().skip(1).all(|c| c.is_ascii_digit() || c == ':');
    is_offset.then(|| date.trim_end().parse().ok()).flatten()
}

/// `hour >= 18`
impl fmt::Display for Moment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} {}", self.part.name(), self.order.map_or("=", Order::symbol), self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_date_has_is_known() {
        use Order::{Greater, GreaterOrEqual, Less};
        for (part, order, number, some) in [
            ("hour", None, 23, true),
            ("hour", None, 24, false),
            ("hour", Some(Less), 24, true),
            ("hour", Some(Less), 0, false),
            ("hour", Some(GreaterOrEqual), 24, false),
            ("month", None, 0, false),
            ("month", None, 13, false),
            ("day", Some(Greater), 31, false),
            ("week", None, 53, true),
            ("year", None, 1999, true),
            ("year", None, 12345, false),
        ] {
            let part = Part::find(part).expect("a part");
            assert_eq!(Moment { part, order, number, counts: false }.never().is_none(), some, "{part:?} {number}");
        }
    }

    /// The value of a part of a date.
    fn check(part: &str, date: &str, number: Option<i64>) {
        let part = Part::find(part).expect("a part");
        let holds = |order, number| Moment { part, order, number, counts: false }.holds(Value::Bytes(date.as_bytes()));
        match number {
            Some(number) => {
                assert!(holds(None, number), "{part:?} of {date}");
                assert!(holds(Some(Order::GreaterOrEqual), number) && !holds(Some(Order::Less), number), "{date}");
            }
            None => assert!(!holds(Some(Order::GreaterOrEqual), 0), "{part:?} of {date}"),
        }
    }

    #[test]
    fn parts_of_dates() {
        check("hour", "2026-11-22T15:04:05.123456789Z", Some(15));
        check("hour", "2026-11-22 15:04:05", Some(15));
        check("hour", "2026-11-22T15:04:05+02:00", Some(15));
        check("hour", "2026-11-22T15:04:05.5-0700", Some(15));
        check("hour", "2026-11-22", Some(0));
        check("minute", "2026-11-22T15:04:05Z", Some(4));
        check("day", "2026-11-22", Some(22));
        check("month", "2026-11-22", Some(11));
        check("year", "2026-11-22", Some(2026));
        check("week", "2026-11-22", Some(47));
        check("week", "2027-01-01", Some(53));
        check("week", "2024-12-30", Some(1));
        for none in ["", "yesterday", "15:04", "2026-13-01", "2026-11-22T15:04:05Zé", "\u{2028}"] {
            check("hour", none, None);
        }
    }

    #[test]
    fn only_our_own_numbers_are_dates() {
        let moment = |counts| Moment { part: Part::Year, order: None, number: 1970, counts };
        assert!(moment(true).holds(Value::Int(1)));
        assert!(!moment(false).holds(Value::Int(1)));
    }
}
