//! How much a finding matters.

use super::value::words;

words! {
    /// Severity of a rule and its alerts; ordered, so that a sink can ask for a minimum.
    Severity {
        /// Worth a record, no more.
        Informational = "informational",
        /// Unusual, rarely worth a look by itself.
        Low = "low",
        /// Worth a look during the day.
        Medium = "medium",
        /// Worth a look now.
        High = "high",
        /// Almost certainly an intrusion.
        Critical = "critical",
    }
}

impl Severity {
    /// ECS `event.severity`, 0 to 100 as Elastic's risk bands have it: 0, 21, 47, 73, 99.
    #[must_use]
    pub fn score(self) -> i64 {
        match self {
            Self::Informational => 0,
            Self::Low => 21,
            Self::Medium => 47,
            Self::High => 73,
            Self::Critical => 99,
        }
    }
}
