//! `beewolf rules cost`: what each rule costs on the events of recordings.

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Args;
use serde_json::json;

use super::{recordings, table};
use crate::{
    alert::RuleFacts,
    cli::{
        print,
        sense::{self, Loading, Told},
    },
    detect::{Cost, Costs, RuleSet},
    sink::printable,
};

/// What the exit code says; part of the help.
pub(super) const EXIT_CODES: &str = "\
    Times are those of this machine with a clock held beside every run, less what the clock itself takes; \
    of rules that share a test the first one pays for it. Numbers of runs and matches are the same everywhere.\n\n\
    Exit codes:\n\
    \x20 0  measured\n\
    \x20 1  the rules or a recording cannot be used";

/// Which recordings through which rules.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// Recordings, compressed or not.
    #[arg(required = true)]
    recordings: Vec<PathBuf>,
    #[command(flatten)]
    loading: Loading,
    /// Lists rules that were never looked at, too.
    #[arg(long)]
    all: bool,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Told> {
    let settings = arguments.loading.settings()?;
    let rules = sense::load_rules(&settings)?.rules;
    let mut costs = Costs::new(&rules);
    let start = Instant::now();
    let mut clock = || nanoseconds(start.elapsed());
    let tick_ns = tick(&mut clock);
    for path in &arguments.recordings {
        let mut state = sense::state(&settings);
        recordings::events(path, &settings, |event, _| rules.measure(&event, &mut state, &mut costs, &mut clock))?;
    }
    let report = Report::new(&rules, &costs, tick_ns);
    Ok(if arguments.json { print::json(&report.json()) } else { print::text(&report.text(arguments.all)) })
}

/// What one look at the clock takes.
fn tick(clock: &mut dyn FnMut() -> u64) -> u64 {
    const LOOKS: u64 = 10_000;
    let start = clock();
    let last = (0..LOOKS).fold(start, |_, _| clock());
    last.saturating_sub(start) / LOOKS
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

struct Report<'r> {
    /// The dearest first.
    rows: Vec<(&'r RuleFacts, Cost)>,
    costs: &'r Costs,
    routing_ns: u64,
}

impl<'r> Report<'r> {
    /// Takes the clock's own time off.
    fn new(rules: &'r RuleSet, costs: &'r Costs, tick_ns: u64) -> Self {
        let less = |cost: &Cost| Cost {
            time_ns: cost.time_ns.saturating_sub(cost.evaluations.saturating_mul(tick_ns)),
            ..*cost
        };
        let facts = rules.rules().iter().map(|rule| rule.facts.as_ref());
        let mut rows: Vec<(&RuleFacts, Cost)> = facts.zip(costs.rules.iter().map(less)).collect();
        rows.sort_by_key(|(facts, cost)| (std::cmp::Reverse((cost.time_ns, cost.evaluations)), &facts.id));
        let looks = costs.rules.iter().map(|cost| cost.evaluations).sum::<u64>().saturating_add(costs.events);
        Self { rows, costs, routing_ns: costs.routing_ns.saturating_sub(looks.saturating_mul(tick_ns)) }
    }

    fn rules_ns(&self) -> u64 {
        self.rows.iter().map(|(_, cost)| cost.time_ns).sum()
    }

    fn evaluations(&self) -> u64 {
        self.rows.iter().map(|(_, cost)| cost.evaluations).sum()
    }

    fn text(&self, all: bool) -> String {
        let shown: Vec<_> = self.rows.iter().filter(|(_, cost)| all || cost.evaluations > 0).collect();
        let heads = ["RULE", "RUNS", "SHARE", "HITS", "TIME", "SHARE", "PER RUN", "TITLE"];
        let mut rows = vec![heads.map(str::to_owned)];
        rows.extend(shown.iter().map(|(facts, cost)| {
            let per_run = cost.time_ns.checked_div(cost.evaluations);
            [
                printable(facts.id.as_bytes(), 128).into_owned(),
                cost.evaluations.to_string(),
                share(cost.evaluations, self.evaluations()),
                cost.hits.to_string(),
                length(cost.time_ns),
                share(cost.time_ns, self.rules_ns()),
                per_run.map_or_else(|| "-".to_owned(), length),
                printable(facts.title.as_bytes(), 60).into_owned(),
            ]
        }));
        let mut out = String::new();
        if rows.len() > 1 {
            out = table::lines(&rows, &[1, 2, 3, 4, 5, 6]).join("\n") + "\n\n";
        }
        let total = self.routing_ns.saturating_add(self.rules_ns()).saturating_add(self.costs.counting_ns);
        let parts = [
            ("finding the rules to run", self.routing_ns),
            ("running them", self.rules_ns()),
            ("counting over several events", self.costs.counting_ns),
        ];
        for (what, time) in parts {
            out.push_str(&format!("{:>9}  {:>6}  {what}\n", length(time), share(time, total)));
        }
        let per_event = total.checked_div(self.costs.events).unwrap_or_default();
        out.push_str(&format!(
            "{} events, {} rules ({} of them never looked at), {} an event\n",
            self.costs.events,
            self.rows.len(),
            self.rows.iter().filter(|(_, cost)| cost.evaluations == 0).count(),
            length(per_event),
        ));
        out
    }

    fn json(&self) -> serde_json::Value {
        let row = |(facts, cost): &(&RuleFacts, Cost)| json!({ "id": facts.id, "title": facts.title, "evaluations": cost.evaluations, "hits": cost.hits, "time_ns": cost.time_ns });
        json!({
            "events": self.costs.events,
            "routing_ns": self.routing_ns,
            "counting_ns": self.costs.counting_ns,
            "rules": self.rows.iter().map(row).collect::<Vec<_>>(),
        })
    }
}

/// A part of a whole, in per cent with one decimal.
fn share(part: u64, whole: u64) -> String {
    let per_mille = part.saturating_mul(1000).checked_div(whole).unwrap_or_default();
    format!("{}.{} %", per_mille / 10, per_mille % 10)
}

/// A length of time for people.
fn length(ns: u64) -> String {
    match ns {
        0..10_000 => format!("{ns} ns"),
        10_000..10_000_000 => format!("{} us", ns / 1_000),
        10_000_000.. => format!("{} ms", ns / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_lengths_are_for_people() {
        assert_eq!([share(1, 3), share(0, 0), share(5, 5)], ["33.3 %", "0.0 %", "100.0 %"]);
        assert_eq!([length(9_999), length(10_000), length(10_000_000)], ["9999 ns", "10 us", "10 ms"]);
    }
}
