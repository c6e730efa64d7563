//! Measures the matcher beside other engines: `make bench-matcher`.
//!
//! The same rules and the same events, made beforehand, in one process and one thread, in turns. What
//! counts is the thread's CPU time, since others use this machine as well. Prints a table and writes
//! `bench/matcher.json` below the target folder. Ends with an error if a target is missed.
mod corpus;
mod engine;
mod reload;
mod rules;
mod table;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use beewolf::{
    detect::ForeignRules,
    event::Foreign,
    rule::sigma::{Fieldmap, Placeholders},
};
use corpus::Record;
use engine::{Matcher, Ours, Routing, Rsigma, SigmaRust};
use rsigma_eval::JsonEvent;
use table::{Row, Target};

/// Events of each corpus: few enough to be in the second-level cache (some 3 KiB each), where the decoder leaves a
/// live event.
const EVENTS: usize = 200;
/// So many that each has to be fetched from memory.
const COLD_EVENTS: usize = 20_000;
/// Events that the matchers are made for, as a host has them before: drawn like those that are judged, none of these.
const EARLIER: usize = 4_096;
/// Events for an engine that needs a millisecond for each.
const FEW_EVENTS: usize = 100;
/// Turns of each engine; the median counts.
const TURNS: usize = 25;

/// Rules whose cost is held against that of a hundred.
const MOST_RULES: usize = 1_600;

type Case = fn(&Path, &Path) -> Vec<Row>;

/// What is measured.
const CASES: &[(&str, Case)] = &[
    ("linux", linux),
    ("whole", whole),
    ("growth", growth),
    ("hostile", hostile),
    ("json", from_json),
    ("compile", compile),
    ("reload", exchange),
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [tree, out, cases @ ..] = words.as_slice() else { panic!("beewolf-bench-matcher SIGMAHQ OUT [CASE...]") };
    let tree = Path::new(tree);
    let folder = tempfile::tempdir().expect("a folder");
    let mut rows = Vec::new();
    for (name, case) in CASES {
        if cases.is_empty() || cases.iter().any(|wanted| wanted == name) {
            rows.extend(case(tree, folder.path()));
        }
    }
    table::write(&rows, &Path::new(out).join("matcher.json"));
    table::print(&rows);
    if rows.iter().any(|row| !row.met()) {
        std::process::exit(1);
    }
}

/// Events to judge, and some that came before them.
fn events(corpus: fn(usize) -> Vec<Record>, count: usize) -> (Vec<Record>, Vec<Record>) {
    let mut records = corpus(count + EARLIER);
    let earlier = records.split_off(count);
    (records, earlier)
}

/// CPU time of this thread.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).expect("positive"), u32::try_from(time.tv_nsec).expect("below a second"))
}

/// Nanoseconds per event of each of some engines, in turns.
fn race(engines: &mut [&mut dyn Matcher]) -> Vec<f64> {
    let mut times = vec![Vec::new(); engines.len()];
    for engine in engines.iter_mut() {
        engine.run();
    }
    for _ in 0..TURNS {
        for (engine, times) in engines.iter_mut().zip(&mut times) {
            let before = cpu_time();
            let mut runs = 0;
            // Long enough for the clock, and for the caches to settle after the other engine.
            while runs == 0 || cpu_time() - before < Duration::from_millis(30) {
                std::hint::black_box(engine.run());
                runs += 1;
            }
            let events = runs * engine.events();
            times.push((cpu_time() - before).as_nanos() as f64 / events as f64);
        }
    }
    times.iter_mut().map(|times| median(times)).collect()
}

fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

fn per_second(nanoseconds: f64) -> f64 {
    1e9 / nanoseconds
}

/// Events per second, beside those of another engine.
fn rate(case: &str, ours: f64, peer: f64, target: Target) -> Row {
    let mut row = Row::new(case, ours, "events/s", target);
    row.peer = Some(peer);
    row
}

/// Says how the matches of two engines differ.
fn compare(what: &str, ours: &mut dyn Matcher, peer: &mut dyn Matcher) {
    let (ours, theirs) = (ours.matches(), peer.matches());
    let differences = engine::differences(&ours, &theirs);
    eprintln!("{what}: {} matches of ours, {} of rsigma, {} rules differ", ours.len(), theirs.len(), differences.len());
    for (rule, (only_ours, only_theirs)) in differences.iter().take(8) {
        eprintln!("  {rule}: {only_ours} only ours, {only_theirs} only theirs");
    }
}

/// A folder with the rules for Linux process creations, and their number.
fn linux_rules(tree: &Path, folder: &Path) -> (PathBuf, usize) {
    let texts = rules::texts(tree).into_iter();
    let texts: Vec<String> = texts
        .filter(|text| rules::has(text, "category: process_creation") && rules::has(text, "product: linux"))
        .collect();
    (rules::write(&folder.join("linux"), &texts), texts.len())
}

/// The rules for Linux process creations.
fn linux(tree: &Path, folder: &Path) -> Vec<Row> {
    let (rules, count) = linux_rules(tree, folder);
    let (records, earlier) = events(corpus::linux, EVENTS);
    let mut fresh = Ours::new(&rules, Fieldmap::builtin(), &records);
    let mut ours = fresh.tuned(&earlier);
    let mut rsigma = Rsigma::new(&rules, Some("linux"), Routing::Conflict, &records);
    let mut sigma_rust = SigmaRust::new(&rules, Some("linux"), &records[..FEW_EVENTS]);
    let name = format!("{count} rules for Linux process creations");
    compare(&name, &mut ours, &mut rsigma);
    let times = race(&mut [&mut ours, &mut rsigma, &mut sigma_rust, &mut fresh]);
    vec![
        rate(&format!("{name}, rsigma"), per_second(times[0]), per_second(times[1]), Target::AtLeast(1.5e6)),
        Row::new(
            &format!("{name}, times rsigma"),
            per_second(times[0]) / per_second(times[1]),
            "x",
            Target::AtLeast(8.0),
        ),
        rate(&format!("{name}, sigma-rust"), per_second(times[0]), per_second(times[2]), Target::None),
        rate(&format!("{name}, before any event, rsigma"), per_second(times[3]), per_second(times[1]), Target::None),
        cold(&name, &rules),
    ]
}

/// The same with events that nobody has touched for a while.
fn cold(name: &str, rules: &Path) -> Row {
    let (records, earlier) = events(corpus::linux, COLD_EVENTS);
    let mut ours = Ours::new(rules, Fieldmap::builtin(), &records).tuned(&earlier);
    let mut rsigma = Rsigma::new(rules, Some("linux"), Routing::Conflict, &records);
    let times = race(&mut [&mut ours, &mut rsigma]);
    rate(
        &format!("{name}, {COLD_EVENTS} events in memory, rsigma"),
        per_second(times[0]),
        per_second(times[1]),
        Target::None,
    )
}

/// All rules there are, routed to Linux process creations.
fn whole(tree: &Path, _: &Path) -> Vec<Row> {
    let (records, earlier) = events(corpus::linux, EVENTS);
    let mut ours = Ours::new(tree, Fieldmap::builtin(), &records).tuned(&earlier);
    let mut pruned = Rsigma::new(tree, Some("linux"), Routing::Conflict, &records);
    let mut strict = Rsigma::new(tree, Some("linux"), Routing::Strict, &records);
    let name = format!("all {} rules, routed", ours.set.rules().len());
    compare(&name, &mut ours, &mut strict);
    let times = race(&mut [&mut ours, &mut pruned, &mut strict]);
    vec![
        rate(&format!("{name}, rsigma"), per_second(times[0]), per_second(times[1]), Target::AtLeast(1e6)),
        Row::new(
            &format!("{name}, times rsigma"),
            per_second(times[0]) / per_second(times[1]),
            "x",
            Target::AtLeast(20.0),
        ),
        rate(&format!("{name}, rsigma by exact source"), per_second(times[0]), per_second(times[2]), Target::None),
    ]
}

/// Rules that all apply to the measured kind: how the cost grows with their number.
fn growth(tree: &Path, folder: &Path) -> Vec<Row> {
    let texts = rules::texts(tree);
    let of = |line: &str| texts.iter().filter(|text| rules::has(text, line)).cloned().collect::<Vec<_>>();
    let mut applying = rules::shuffled(of("category: process_creation"), &mut corpus::Random::new(1));
    // The tree has fewer process creations than that: rules on other events become such.
    for line in ["category: file_event", "category: image_load"] {
        applying.extend(of(line).iter().map(|text| text.replace(line, "category: process_creation")));
    }
    applying.truncate(MOST_RULES);
    let (records, earlier) = events(corpus::windows, EVENTS);
    // Those that match come first, so that the same events match whatever the number of rules: else 100 rules would
    // cost less for having nothing to tell.
    let all = rules::write(&folder.join("all"), &applying);
    let matches = Ours::new(&all, engine::wide_fieldmap(folder), &records).matches();
    let matching = |text: &String| matches.iter().any(|(_, rule)| rules::has(text, &format!("id: {rule}")));
    applying.sort_by_cached_key(|text| !matching(text));
    let mut rows = Vec::new();
    let mut first = [f64::NAN; 2];
    for count in [100, 200, 400, 800, MOST_RULES] {
        let rules = rules::write(&folder.join(count.to_string()), &applying[..count]);
        let mut fresh = Ours::new(&rules, engine::wide_fieldmap(folder), &records);
        let mut ours = fresh.tuned(&earlier);
        let mut rsigma = Rsigma::new(&rules, None, Routing::Conflict, &records);
        let matching: std::collections::BTreeSet<usize> = ours.matches().iter().map(|(event, _)| *event).collect();
        let share = 100.0 * matching.len() as f64 / records.len() as f64;
        compare(&format!("{count} rules that all apply, {share:.2} % of events match"), &mut ours, &mut rsigma);
        let times = race(&mut [&mut ours, &mut rsigma, &mut fresh]);
        let name = format!("{count} rules that all apply, {share:.1} % of events match");
        rows.push(rate(&name, per_second(times[0]), per_second(times[1]), Target::None));
        rows.push(rate(&format!("{name}, before any event"), per_second(times[2]), per_second(times[1]), Target::None));
        if count == 100 {
            first = [times[0], times[2]];
        } else if count == MOST_RULES {
            let name = "cost per event, 1,600 rules against 100";
            rows.push(Row::new(name, times[0] / first[0], "x", Target::AtMost(3.0)));
            rows.push(Row::new(&format!("{name}, before any event"), times[2] / first[1], "x", Target::None));
        }
    }
    rows
}

/// Events made of the strings that the rules look for.
fn hostile(tree: &Path, folder: &Path) -> Vec<Row> {
    let (rules, _) = linux_rules(tree, folder);
    let records = corpus::hostile(EVENTS, &rules::strings(&rules::texts(&rules)));
    // The matchers are made for what came before the attack.
    let earlier = corpus::linux(EARLIER);
    let mut ours = Ours::new(&rules, Fieldmap::builtin(), &records).tuned(&earlier);
    let mut rsigma = Rsigma::new(&rules, Some("linux"), Routing::Conflict, &records);
    compare("hostile, Linux", &mut ours, &mut rsigma);
    let times = race(&mut [&mut ours, &mut rsigma]);
    let mut rows = vec![rate(
        "hostile events, rules for Linux process creations, rsigma",
        per_second(times[0]),
        per_second(times[1]),
        Target::None,
    )];
    let mut all = Ours::new(tree, Fieldmap::builtin(), &records).tuned(&earlier);
    let mut pruned = Rsigma::new(tree, Some("linux"), Routing::Conflict, &records);
    let times = race(&mut [&mut all, &mut pruned]);
    let name = "hostile events, all rules, rsigma";
    rows.push(rate(name, per_second(times[0]), per_second(times[1]), Target::None));
    rows
}

/// Beewolf from JSON text: what `beewolf replay --sigma-events` does with a line.
struct OursFromJson {
    rules: ForeignRules,
    state: beewolf::detect::State,
    event: Foreign,
    lines: Vec<String>,
}

impl Matcher for OursFromJson {
    fn run(&mut self) -> usize {
        let found = self.lines.iter().map(|line| {
            self.event.read_next(line.as_bytes(), self.rules.names()).expect("an event");
            std::hint::black_box(self.rules.matches(&self.event, &mut self.state)).len()
        });
        found.sum()
    }

    fn matches(&mut self) -> engine::Matches {
        let found = self.lines.iter().enumerate().flat_map(|(number, line)| {
            let event = Foreign::read(line.as_bytes(), self.rules.names()).expect("an event");
            let found = self.rules.matches(&event, &mut self.state);
            found.into_iter().map(move |rule| (number, rule.id.clone())).collect::<Vec<_>>()
        });
        found.collect()
    }

    fn events(&self) -> usize {
        self.lines.len()
    }
}

/// rsigma from JSON text, through serde_json.
struct RsigmaFromJson {
    engine: rsigma_eval::Engine,
    logsource: rsigma_parser::LogSource,
    lines: Vec<String>,
}

impl Matcher for RsigmaFromJson {
    fn run(&mut self) -> usize {
        let found = self.lines.iter().map(|line| {
            let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let event = JsonEvent::borrow(&value);
            engine::rsigma_evaluate(&self.engine, Routing::Conflict, &self.logsource, &event).len()
        });
        found.sum()
    }

    fn matches(&mut self) -> engine::Matches {
        let found = self.lines.iter().enumerate().flat_map(|(number, line)| {
            let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let event = JsonEvent::borrow(&value);
            let found = engine::rsigma_evaluate(&self.engine, Routing::Conflict, &self.logsource, &event);
            found.into_iter().map(move |result| (number, result.header.rule_id.unwrap_or_default()))
        });
        found.collect()
    }

    fn events(&self) -> usize {
        self.lines.len()
    }
}

/// From a line of JSON, the same for both, to the verdict.
fn from_json(tree: &Path, folder: &Path) -> Vec<Row> {
    let lines: Vec<String> = corpus::linux(EVENTS).iter().map(corpus::Record::json).collect();
    let source = "category=process_creation,product=linux".parse().expect("a log source");
    let mut rows = Vec::new();
    for (name, rules) in
        [("rules for Linux process creations", linux_rules(tree, folder).0), ("all rules", tree.to_owned())]
    {
        let (ours, _) = ForeignRules::load(std::slice::from_ref(&rules), Some(&source), Placeholders::default());
        let (state, event) = (beewolf::detect::State::default(), Foreign::default());
        let mut ours = OursFromJson { rules: ours, state, event, lines: lines.clone() };
        let mut rsigma = RsigmaFromJson {
            engine: engine::rsigma_engine(&rules),
            logsource: engine::logsource(Some("linux")),
            lines: lines.clone(),
        };
        compare(&format!("JSON, {name}"), &mut ours, &mut rsigma);
        let times = race(&mut [&mut ours, &mut rsigma]);
        let case = format!("JSON text to verdict, {name}");
        rows.push(rate(&format!("{case}, rsigma"), per_second(times[0]), per_second(times[1]), Target::None));
        rows.push(Row::new(
            &format!("{case}, times rsigma"),
            per_second(times[0]) / per_second(times[1]),
            "x",
            Target::AtLeast(3.0),
        ));
    }
    rows
}

/// A folder with 3,000 rules that all apply to process creations.
fn many_rules(tree: &Path, folder: &Path) -> PathBuf {
    let texts = rules::texts(tree);
    let applying = texts
        .iter()
        .filter(|text| rules::has(text, "category: process_creation") || rules::has(text, "category: file_event"))
        .map(|text| text.replace("category: file_event", "category: process_creation"));
    let applying: Vec<String> =
        applying.cycle().take(3_000).enumerate().map(|(number, text)| renamed(&text, number)).collect();
    rules::write(&folder.join("reload"), &applying)
}

/// Compiling a set of 3,000 rules, which a reload does beside the matching thread.
fn compile(tree: &Path, folder: &Path) -> Vec<Row> {
    let path = many_rules(tree, folder);
    let before = cpu_time();
    let ours = Ours::new(&path, engine::wide_fieldmap(folder), &[]);
    let load = cpu_time() - before;
    eprintln!("{} rules, {} predicates", ours.set.rules().len(), ours.set.predicates());
    vec![Row::new("reading and compiling 3,000 rules that all apply", load.as_secs_f64() * 1e3, "ms", Target::None)]
}

/// Exchanging them while events come.
fn exchange(tree: &Path, folder: &Path) -> Vec<Row> {
    reload::measure(many_rules(tree, folder), engine::wide_fieldmap(folder))
}

/// A rule with an id of its own.
fn renamed(text: &str, number: usize) -> String {
    let lines =
        text.lines().map(|line| if line.starts_with("id: ") { format!("id: rule-{number}") } else { line.to_owned() });
    lines.collect::<Vec<_>>().join("\n")
}
