//! By which of its needs a program is looked up, and by what it is left alone.
//!
//! Costs are counted in looks at one fact. They are guesses, and decide on speed only.

use ahash::{AHashMap, AHashSet};

use super::{
    need::{self, Fact, Need},
    rarity::Rarity,
    targets::NEEDS,
};
use crate::rule::{Program, Table, expr::Subject};

/// Looking at one more field, which all programs share that look at it.
const FIELD_COST: f64 = 4.0;
/// Running a program, its tests aside.
const RUN_COST: f64 = 4.0;
/// The cost of a test that is one look at a fact.
const TEST_COST: f64 = 8.0;
/// A further need that more events meet is not worth its look-ups.
const MAX_SHARE: f64 = 0.5;

/// What decides whether a program is run.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    /// All have to be met. Up to [`NEEDS`].
    pub(super) needs: Vec<Need>,
    /// None may be found.
    pub(super) excluding: Vec<(Subject, Fact)>,
}

/// What it costs to look at each field, for one of those that can be looked up by it.
pub(super) fn fields_cost(needs: &[Vec<Need>]) -> AHashMap<Subject, f64> {
    let mut users: AHashMap<Subject, f64> = AHashMap::new();
    for needs in needs {
        let fields: AHashSet<&Subject> = needs.iter().flat_map(Need::subjects).collect();
        fields.into_iter().for_each(|field| *users.entry(field.clone()).or_default() += 1.0);
    }
    users.values_mut().for_each(|users| *users = FIELD_COST / *users);
    users
}

/// The need of a program that is best looked up by, then others and what excludes it, as long as each saves more
/// runs than it costs.
pub(super) fn choose(
    program: &Program,
    mut needs: Vec<Need>,
    table: &Table,
    rarity: &Rarity,
    fields_cost: &AHashMap<Subject, f64>,
) -> Chosen {
    let looking = |need: &Need| {
        let fields: AHashSet<&Subject> = need.subjects().collect();
        fields.iter().map(|field| fields_cost.get(*field).copied().unwrap_or(FIELD_COST)).sum::<f64>()
    };
    let mut chosen = Chosen::default();
    // The share of events in which it is run.
    let mut share = 1.0;
    let best = needs.iter().enumerate().map(|(place, need)| (need.share * RUN_COST + looking(need), place));
    if let Some((_, place)) = best.min_by(|a, b| a.0.total_cmp(&b.0)) {
        let need = needs.swap_remove(place);
        share = need.share.min(1.0);
        chosen.needs.push(need);
    }
    let run = RUN_COST + tests_cost(program, table);
    while chosen.needs.len() < NEEDS as usize && !chosen.needs.is_empty() {
        let saved = |need: &Need| share * (1.0 - need.share) * run - need.share - looking(need);
        let is_other =
            |need: &Need| chosen.needs.iter().all(|chosen| need.facts.iter().all(|fact| !chosen.facts.contains(fact)));
        let others =
            needs.iter().enumerate().filter(|(_, need)| need.share < MAX_SHARE && !need.is_costly() && is_other(need));
        let best = others.map(|(place, need)| (saved(need), place)).filter(|(saved, _)| *saved > 0.0);
        let Some((_, place)) = best.max_by(|a, b| a.0.total_cmp(&b.0)) else { break };
        let need = needs.swap_remove(place);
        share *= need.share;
        chosen.needs.push(need);
    }
    let mut excluding = need::exclusions(program, table, rarity);
    excluding.sort_by(|a, b| b.share.total_cmp(&a.share));
    for need in excluding {
        let found = need.share.min(0.9);
        // One short string that is mostly there is soon found.
        let is_cheap = !need.is_costly() || need.facts.len() == 1;
        if is_cheap && share * found * run > need.share + looking(&need) {
            share *= 1.0 - found;
            chosen.excluding.extend(need.facts);
        }
    }
    chosen
}

/// What the tests of a program cost: as a rule, half of them are asked.
fn tests_cost(program: &Program, table: &Table) -> f64 {
    let mut cost = 0.0;
    program.each_test(&mut |id| cost += table.get(id).map_or(0.0, |predicate| f64::from(predicate.test.cost())));
    cost / TEST_COST / 2.0
}
