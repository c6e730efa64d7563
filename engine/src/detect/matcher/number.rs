//! Numbers: equal ones by hash, bounds in order.

use ahash::AHashMap;

use super::targets::Range;

/// Numbers a value is compared with.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    pub(super) equal: AHashMap<i64, Range>,
    /// Ascending.
    pub(super) at_least: Vec<(i64, Range)>,
    /// Descending.
    pub(super) at_most: Vec<(i64, Range)>,
}

impl Numbers {
    pub(super) fn is_empty(&self) -> bool {
        self.equal.is_empty() && self.at_least.is_empty() && self.at_most.is_empty()
    }

    pub(super) fn sort(&mut self) {
        self.at_least.sort_by_key(|(bound, _)| *bound);
        self.at_most.sort_by_key(|(bound, _)| std::cmp::Reverse(*bound));
    }

    /// Gives what the comparisons that a number passes are for.
    pub(super) fn find(&self, number: i64, mut hit: impl FnMut(Range)) {
        if let Some(range) = self.equal.get(&number) {
            hit(*range);
        }
        self.at_least.iter().take_while(|(bound, _)| *bound <= number).for_each(|(_, range)| hit(*range));
        self.at_most.iter().take_while(|(bound, _)| *bound >= number).for_each(|(_, range)| hit(*range));
    }
}

impl Numbers {
    /// The same for a string, which has an order to a number if it is one itself: whatever the
    /// number, since it may have a fraction.
    pub(super) fn find_text(&self, text: &[u8], mut hit: impl FnMut(Range)) {
        if self.at_least.is_empty() && self.at_most.is_empty() || !text.iter().any(u8::is_ascii_digit) {
            return;
        }
        self.at_least.iter().chain(&self.at_most).for_each(|(_, range)| hit(*range));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::matcher::targets::{Target, Targets};

    #[test]
    fn a_number_meets_its_equal_and_the_bounds_on_its_side() {
        let mut targets = Targets::default();
        let mut numbers = Numbers::default();
        let mut range = |program| targets.add(vec![Target::new(program, 0)]);
        numbers.equal.insert(5, range(0));
        numbers.at_least.extend([(6, range(1)), (5, range(2)), (-1, range(3))]);
        numbers.at_most.extend([(4, range(4)), (5, range(5)), (i64::MAX, range(6))]);
        numbers.sort();
        let mut found = Vec::new();
        numbers.find(5, |range| found.extend_from_slice(targets.of(range)));
        found.sort_unstable();
        assert_eq!(found, [0, 2, 3, 5, 6].map(|program| Target::new(program, 0)));
    }
}
