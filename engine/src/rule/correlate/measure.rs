//! When a rule over several events matches: what is measured in a window, and what it is compared with.
//!
//! Numbers are integers of millionths, so that sums, means and percentiles compare exactly and the
//! same on every host.

/// Millionths in one.
pub const SCALE: i128 = 1_000_000;

/// How a measured number relates to a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// `eq`
    Equal,
    /// `gt`
    Greater,
    /// `gte`
    GreaterOrEqual,
    /// `lt`
    Less,
    /// `lte`
    LessOrEqual,
    /// `neq`
    NotEqual,
}

impl Compare {
    /// All, by their words in Sigma.
    pub(in crate::rule) const WORDS: &[(&'static str, Self)] = &[
        ("eq", Self::Equal),
        ("gt", Self::Greater),
        ("gte", Self::GreaterOrEqual),
        ("lt", Self::Less),
        ("lte", Self::LessOrEqual),
        ("neq", Self::NotEqual),
    ];

    /// Whether `measured` stands in this relation to `bound`.
    #[must_use]
    pub fn holds(self, measured: i128, bound: i128) -> bool {
        match self {
            Self::Equal => measured == bound,
            Self::Greater => measured > bound,
            Self::GreaterOrEqual => measured >= bound,
            Self::Less => measured < bound,
            Self::LessOrEqual => measured <= bound,
            Self::NotEqual => measured != bound,
        }
    }
}

/// One comparison of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The relation.
    pub compare: Compare,
    /// The bound, in millionths.
    pub value: i128,
}

impl Bound {
    /// At least so many.
    #[must_use]
    pub fn at_least(count: usize) -> Self {
        Self { compare: Compare::GreaterOrEqual, value: whole(count) }
    }

    /// Whether a fraction is within all of some bounds; the denominator is above zero.
    #[must_use]
    pub fn all_hold(bounds: &[Self], numerator: i128, denominator: i128) -> bool {
        bounds.iter().all(|bound| bound.compare.holds(numerator, bound.value.saturating_mul(denominator)))
    }
}

/// A count in millionths.
#[must_use]
pub fn whole(count: usize) -> i128 {
    i128::try_from(count).unwrap_or(i128::MAX / SCALE) * SCALE
}

/// A number written in decimal, in millionths; what is finer is rounded. `None` if it is no number,
/// or one beyond what sums can hold.
#[must_use]
pub fn number(text: &str) -> Option<i128> {
    const MOST: i128 = 1_000_000_000_000_000_000_000;
    let text = text.trim();
    let millionths = match text.parse::<i128>() {
        Ok(number) => number.checked_mul(SCALE)?,
        Err(_) => {
            let starts_like_one = text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first));
            let number: f64 = text.parse().ok().filter(|number: &f64| starts_like_one && number.is_finite())?;
            let fixed = format!("{number:.6}");
            let (before, after) = fixed.split_once('.')?;
            format!("{before}{after}").parse().ok()?
        }
    };
    (millionths.checked_abs()? <= MOST * SCALE).then_some(millionths)
}

/// Which sources have to be in a window, and which must not, by slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clause {
    /// A bit for each that has to be.
    pub present: u64,
    /// A bit for each that must not be. Then the window begins with an event and is judged once it is over.
    pub absent: u64,
}

/// How several sources have to come together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Together {
    /// Any of these clauses.
    Any(Vec<Clause>),
    /// The number of different sources in the window is within the bounds.
    Count(Vec<Bound>),
}

/// What is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Measure {
    /// The mean of the values.
    Average(Vec<Bound>),
    /// The number of different values.
    Distinct(Vec<Bound>),
    /// The number of events.
    Events(Vec<Bound>),
    /// The value below which so many percent of the values lie, interpolated between neighbours.
    Percentile(u8, Vec<Bound>),
    /// The sum of the values.
    Sum(Vec<Bound>),
    /// That sources come together.
    Together {
        /// Which of them.
        what: Together,
        /// Whether they must come in the order of the slots, each later than the one before.
        ordered: bool,
    },
}

impl Measure {
    /// Whether each event needs a number.
    #[must_use]
    pub fn is_numeric(&self) -> bool {
        match self {
            Self::Average(_) | Self::Percentile(..) | Self::Sum(_) => true,
            Self::Distinct(_) | Self::Events(_) | Self::Together { .. } => false,
        }
    }

    /// How many events must be remembered for it ever to hold.
    #[must_use]
    pub fn needs(&self) -> usize {
        let most = |bounds: &[Bound]| {
            let needed = bounds.iter().filter_map(|bound| match bound.compare {
                Compare::Equal | Compare::Greater | Compare::GreaterOrEqual => {
                    usize::try_from(bound.value / SCALE + 1).ok()
                }
                Compare::Less | Compare::LessOrEqual | Compare::NotEqual => None,
            });
            needed.max().unwrap_or(1)
        };
        match self {
            Self::Distinct(bounds) | Self::Events(bounds) => most(bounds),
            Self::Average(_) | Self::Percentile(..) | Self::Sum(_) | Self::Together { .. } => 1,
        }
    }

    /// Whether it can hold if only some of its slots can ever be filled: not if what is asked for excludes itself.
    pub fn can_hold(&self, slots: usize, fillable: impl Fn(usize) -> bool) -> bool {
        match self {
            Self::Together { what: Together::Any(clauses), .. } => clauses.iter().any(|clause| {
                let holds = |slot: usize| clause.present & 1 << slot == 0 || fillable(slot);
                clause.present & clause.absent == 0 && (0..slots).all(holds)
            }),
            Self::Distinct(bounds) | Self::Events(bounds) => {
                // Where there is a number of events at all, it is around a bound.
                let near = |&bound: &Bound| (-1..=2).map(move |more| bound.value / SCALE + more);
                let counts = std::iter::once(1).chain(bounds.iter().flat_map(near)).filter(|count| *count >= 1);
                (0..slots).any(fillable) && { counts }.any(|count| Bound::all_hold(bounds, count * SCALE, 1))
            }
            Self::Average(bounds) | Self::Percentile(_, bounds) | Self::Sum(bounds) => {
                // Fractions lie between any two bounds.
                let near = |&bound: &Bound| (-1..=1).map(move |more| bound.value * 2 + more);
                (0..slots).any(fillable) && bounds.iter().flat_map(near).any(|value| Bound::all_hold(bounds, value, 2))
            }
            Self::Together { what: Together::Count(bounds), .. } => {
                let most = (0..slots).filter(|slot| fillable(*slot)).count();
                (1..=most).any(|count| Bound::all_hold(bounds, whole(count), 1))
            }
        }
    }

    /// The clauses that say what must not happen, if there are any.
    pub fn absences(&self) -> impl Iterator<Item = Clause> {
        let clauses = match self {
            Self::Together { what: Together::Any(clauses), .. } => clauses.as_slice(),
            Self::Average(_)
            | Self::Distinct(_)
            | Self::Events(_)
            | Self::Percentile(..)
            | Self::Sum(_)
            | Self::Together { what: Together::Count(_), .. } => &[],
        };
        clauses.iter().copied().filter(|clause| clause.absent != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_to_the_millionth() {
        for (text, expected) in [
            ("1", Some(1_000_000)),
            ("-3", Some(-3_000_000)),
            ("0.1", Some(100_000)),
            ("-0.5", Some(-500_000)),
            ("1e3", Some(1_000_000_000)),
            ("0.0000004", Some(0)),
            ("9223372036854775807", Some(9_223_372_036_854_775_807_000_000)),
            (" 7 ", Some(7_000_000)),
            ("1e300", None),
            ("nan", None),
            ("inf", None),
            ("0x10", None),
            ("", None),
            ("340282366920938463463374607431768211455", None),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
    }

    #[test]
    fn what_excludes_itself_can_never_hold() {
        let bounds = |text: &str| -> Vec<Bound> {
            let parse = |part: &str| {
                let (word, value) = part.split_once(' ').expect("a word and a number");
                let (_, compare) = Compare::WORDS.iter().find(|(known, _)| *known == word).expect("a word");
                Bound { compare: *compare, value: number(value).expect("a number") }
            };
            text.split(", ").map(parse).collect()
        };
        for (text, counts, measures) in [
            ("gte 5", true, true),
            ("gt 5, lt 3", false, false),
            ("gt 3, lt 5", true, true),
            ("gt 3, lt 4", false, true),
            ("gte 3, lte 4, neq 3", true, true),
            ("gte 3, lte 3, neq 3", false, false),
            ("eq 2.5", false, true),
            ("lt 0", false, true),
            ("lt 1", false, true),
            ("lte 1", true, true),
            ("eq 0", false, true),
            ("neq 1", true, true),
            ("neq 0", true, true),
            ("gt -3", true, true),
            ("gt 0.5, lt 1.5, neq 1", false, true),
        ] {
            let bounds = bounds(text);
            assert_eq!(Measure::Events(bounds.clone()).can_hold(1, |_| true), counts, "{text}");
            assert_eq!(Measure::Distinct(bounds.clone()).can_hold(1, |_| true), counts, "{text}");
            assert_eq!(Measure::Sum(bounds.clone()).can_hold(1, |_| true), measures, "{text}");
            assert_eq!(Measure::Average(bounds).can_hold(1, |_| true), measures, "{text}");
        }
        let what = Together::Any(vec![Clause { present: 3, absent: 2 }]);
        assert!(!Measure::Together { what, ordered: false }.can_hold(2, |_| true));
    }

    #[test]
    fn every_relation_is_what_its_word_says() {
        for (word, expected) in [
            ("eq", [false, true, false]),
            ("gt", [false, false, true]),
            ("gte", [false, true, true]),
            ("lt", [true, false, false]),
            ("lte", [true, true, false]),
            ("neq", [true, false, true]),
        ] {
            let (_, compare) = Compare::WORDS.iter().find(|(known, _)| *known == word).expect("a word");
            assert_eq!([4, 5, 6].map(|number| compare.holds(number, 5)), expected, "{word}");
        }
        let within =
            [Bound { compare: Compare::Greater, value: whole(1) }, Bound { compare: Compare::Less, value: whole(3) }];
        assert_eq!([2, 3, 4, 5, 6].map(|n| Bound::all_hold(&within, whole(n), 2)), [false, true, true, true, false]);
    }
}
