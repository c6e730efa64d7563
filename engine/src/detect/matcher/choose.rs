//! By which of its needs a program is looked up, and by what it is left alone.
//!
//! Costs are counted in looks at one fact. They are guesses, and decide on speed only.

use ahash::{AHashMap, AHashSet};

use super::{
    need::{Fact, Need, Way},
    seen::Share,
    targets::NEEDS,
};
use crate::rule::{Program, Table, expr::Subject};

/// Looking at one more field, which all programs share that look at it.
const FIELD_COST: f64 = 4.0;
/// Finding that a program is to be run.
const FOUND_COST: f64 = 4.0;
/// Running a program, its tests aside.
const RUN_COST: f64 = 8.0;
/// The cost of a test that is one look at a fact.
const TEST_COST: f64 = 8.0;
/// A further need that more events meet is not worth its look-ups.
const MAX_SHARE: f64 = 0.5;
/// What each program adds that has the text searched at every place, however many do: strings that short pass the
/// filters of most texts once there are many of them.
const SHORT_COST: f64 = 1.0;

/// A program that is to be looked up.
pub(super) struct Candidate<'p> {
    /// It.
    pub(super) program: &'p Program,
    /// What it cannot match without.
    pub(super) needs: Vec<Need>,
    /// What it cannot match with.
    pub(super) exclusions: Vec<Need>,
}

/// What decides whether a program is run.
#[derive(Debug, Default)]
pub(super) struct Chosen<'n> {
    /// All have to be met. Up to [`NEEDS`].
    pub(super) needs: Vec<&'n Need>,
    /// None may be found.
    pub(super) excluding: Vec<&'n Need>,
}

/// What looking costs, for one of those who look there.
#[derive(Default)]
struct Costs<'n> {
    fields: AHashMap<&'n Subject, f64>,
    ways: AHashMap<(&'n Subject, Way), f64>,
}

impl Way {
    /// For one of many who look at a field in this way, at least.
    fn least_cost(self) -> f64 {
        match self {
            Self::Byte | Self::Few => 0.0,
            Self::Exact | Self::Short => SHORT_COST,
        }
    }

    /// Of looking at one field in this way.
    fn cost(self) -> f64 {
        match self {
            Self::Byte => 2.0,
            Self::Exact => 3.0,
            Self::Few => 0.0,
            Self::Short => 12.0,
        }
    }
}

impl<'n> Costs<'n> {
    /// Those who can look somewhere share what it costs.
    fn new(candidates: &'n [Candidate<'_>]) -> Self {
        let mut costs = Self::default();
        for candidate in candidates {
            let places: AHashSet<_> = candidate.needs.iter().flat_map(Need::places).collect();
            let fields: AHashSet<_> = places.iter().map(|(subject, _)| *subject).collect();
            places.into_iter().for_each(|place| *costs.ways.entry(place).or_default() += 1.0);
            fields.into_iter().for_each(|field| *costs.fields.entry(field).or_default() += 1.0);
        }
        costs.fields.values_mut().for_each(|users| *users = FIELD_COST / *users);
        costs.ways.iter_mut().for_each(|((_, way), users)| *users = (way.cost() / *users).max(way.least_cost()));
        costs
    }

    /// Of looking for a need.
    fn of(&self, need: &Need) -> f64 {
        let places = need.places();
        let fields: AHashSet<_> = places.iter().map(|(subject, _)| *subject).collect();
        let ways = places.iter().map(|place| self.ways.get(place).copied().unwrap_or_else(|| place.1.cost()));
        let fields = fields.iter().map(|field| self.fields.get(field).copied().unwrap_or(FIELD_COST));
        ways.chain(fields).sum()
    }
}

/// What every program is looked up by, in their order.
pub(super) fn choose<'c>(candidates: &'c [Candidate<'_>], table: &Table) -> Vec<Chosen<'c>> {
    let costs = Costs::new(candidates);
    candidates.iter().map(|candidate| candidate.choose(table, &costs)).collect()
}

impl Candidate<'_> {
    /// The need that it is best looked up by, then others and what excludes it, as long as each saves more
    /// runs than it costs.
    fn choose<'n>(&'n self, table: &Table, costs: &Costs<'_>) -> Chosen<'n> {
        let mut needs: Vec<(&Need, f64)> = self.needs.iter().map(|need| (need, costs.of(need))).collect();
        let mut chosen = Chosen::default();
        let run = RUN_COST + tests_cost(self.program, table);
        let mut known: AHashSet<&(Subject, Fact)> = AHashSet::new();
        // The share of events in which it is run.
        let mut share = Share::guessed(1.0);
        // Tests of all texts of an event are what nobody wants to run: of two needs that most events meet, the rarer.
        let is_anywhere = |need: &Need| need.facts.iter().all(|(subject, _)| *subject == Subject::Anywhere);
        let best = needs.iter().enumerate().map(|(place, (need, look))| {
            let found = if is_anywhere(need) { FOUND_COST + run } else { FOUND_COST };
            (need.share.value() * found + look, place)
        });
        if let Some((_, place)) = best.min_by(|a, b| a.0.total_cmp(&b.0)) {
            let (need, _) = needs.swap_remove(place);
            share = share.and(need.share);
            known.extend(&need.facts);
            chosen.needs.push(need);
        }
        while chosen.needs.len() < NEEDS as usize && !chosen.needs.is_empty() {
            let saved = |need: &Need, look: f64| {
                (share.value() - share.and(need.share).value()) * run - need.share.value() - look
            };
            let is_other = |need: &Need| need.facts.iter().all(|fact| !known.contains(fact));
            let others = needs.iter().enumerate();
            let others = others.filter(|(_, (need, _))| need.share.value() < MAX_SHARE && is_other(need));
            let best =
                others.map(|(place, (need, look))| (saved(need, *look), place)).filter(|(saved, _)| *saved > 0.0);
            let Some((_, place)) = best.max_by(|a, b| a.0.total_cmp(&b.0)) else { break };
            let (need, _) = needs.swap_remove(place);
            share = share.and(need.share);
            known.extend(&need.facts);
            chosen.needs.push(need);
        }
        let mut exclusions: Vec<&Need> = self.exclusions.iter().collect();
        exclusions.sort_by(|a, b| b.share.value().total_cmp(&a.share.value()));
        for need in exclusions {
            let rest = share.without(need.share);
            if (share.value() - rest.value()) * run > need.share.value() + costs.of(need) {
                share = rest;
                chosen.excluding.push(need);
            }
        }
        chosen
    }
}

/// What the tests of a program cost: as a rule, half of them are asked.
fn tests_cost(program: &Program, table: &Table) -> f64 {
    let mut cost = 0.0;
    program.each_test(&mut |id| cost += table.get(id).map_or(0.0, |predicate| f64::from(predicate.test.cost())));
    cost / TEST_COST / 2.0
}
