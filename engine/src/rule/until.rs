//! End dates of exceptions.

use jiff::{civil::Date, tz::TimeZone};

use crate::event::value::Time;

/// The last day an exception is valid on, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Until {
    date: Date,
    /// The first nanosecond after that day.
    end_ns: i64,
}

impl Until {
    /// Reads `2027-06-30`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // A date with a time would parse too; the format is a day.
        let date: Date = (text.len() == 10).then(|| text.parse().ok()).flatten()?;
        let next = date.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok()?;
        Some(Self { date, end_ns: i64::try_from(next.timestamp().as_nanosecond()).ok()? })
    }

    /// Whether the day is over at a time. An event without a time (a rule's own test) meets every
    /// exception in force.
    #[must_use]
    pub fn is_over(&self, time: Option<Time>) -> bool {
        time.is_some_and(|Time(ns)| ns >= self.end_ns)
    }
}

impl std::fmt::Display for Until {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.date.fmt(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_itself_is_valid_to_its_last_nanosecond() {
        let until = Until::parse("2027-06-30").expect("a date");
        let end: jiff::Timestamp = "2027-07-01T00:00:00Z".parse().expect("a time");
        let end = i64::try_from(end.as_nanosecond()).expect("in range");
        assert!(!until.is_over(Some(Time(end - 1))));
        assert!(until.is_over(Some(Time(end))));
        assert!(!until.is_over(None));
        assert_eq!(until.to_string(), "2027-06-30");
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in ["", "2027-02-30", "tomorrow", "2027-06-30T12:00:00Z", "2027-6-3", "+02027-06-3"] {
            assert_eq!(Until::parse(text), None, "{text}");
        }
    }
}
