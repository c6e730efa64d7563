//! `beewolf rules backtest`: what rules would have found in recordings, and what they made of it.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    process::ExitCode,
};

use clap::Args;
use serde_json::{Value, json};

use super::recordings::{self, Found, Recording};
use crate::{
    alert::{Alert, RuleFacts},
    cli::{
        print,
        sense::{self, Loading, Told, tell},
    },
    detect::RuleSet,
    event::{
        Facts,
        field::{self, Field},
        json::{self as event_json, Leaf},
        value::{Time, Value as Fact, Words},
    },
    rule::diagnostic::did_you_mean,
    sink::printable,
};

/// What the exit code says; part of the help.
pub(super) const EXIT_CODES: &str = "\
    Exit codes:\n\
    \x20 0  all recordings were read, whatever was found\n\
    \x20 1  the rules or a recording cannot be used";

/// The fields by which noise is shown.
const FIELDS: &[&str] =
    &["process.executable", "process.parent.executable", "user.name", "file.path", "destination.ip"];
/// Values of one field that are counted apart for one rule.
const MAX_VALUES: usize = 10_000;

/// Which recordings through which rules.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// Recordings, compressed or not.
    #[arg(required = true)]
    recordings: Vec<PathBuf>,
    #[command(flatten)]
    loading: Loading,
    /// Field by whose values the alerts of a rule are counted; may be given several times.
    #[arg(long = "by", value_name = "FIELD", value_parser = known_field)]
    by: Vec<&'static Field>,
    /// Values shown of each field.
    #[arg(long, value_name = "NUMBER", default_value_t = 3)]
    top: usize,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

fn known_field(name: &str) -> Result<&'static Field, String> {
    field::find(name).ok_or_else(|| {
        let near = did_you_mean(name, field::all().map(|field| field.name));
        format!("no field has this name; {}", near.unwrap_or_else(|| "`beewolf list fields` has the names".to_owned()))
    })
}

/// Runs it.
pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Told> {
    let settings = arguments.loading.settings()?;
    let ready = sense::load_rules(&settings)?;
    let mut fields = arguments.by.clone();
    if fields.is_empty() {
        fields.extend(FIELDS.iter().filter_map(|name| field::find(name)));
    }
    let mut noises = Noises { fields, rules: BTreeMap::new() };
    let recordings = recordings::judge(&arguments.recordings, &settings, &ready.rules, &ready.whitelist, |found| {
        noises.take(found)
    })?;
    if recordings.iter().all(|recording| recording.events == 0) {
        tell("the recordings hold no event");
    }
    let report = Report { noises: &noises, rules: &ready.rules, recordings: &recordings, top: arguments.top };
    Ok(if arguments.json { print::json(&report.json()) } else { print::text(&report.text()) })
}

/// What rules have found, by their ids.
struct Noises {
    fields: Vec<&'static Field>,
    rules: BTreeMap<String, Noise>,
}

/// What one rule has found.
#[derive(Debug, Default)]
struct Noise {
    /// Alerts that were delivered, updates of them left out.
    alerts: u64,
    /// Matches that nothing suppressed.
    matches: u64,
    /// Matches that these entries suppressed.
    suppressed: BTreeMap<String, u64>,
    first: Option<Time>,
    last: Option<Time>,
    /// By field: how often each value was seen, as JSON.
    values: Vec<HashMap<String, u64>>,
}

impl Noises {
    fn take(&mut self, found: Found<'_>) {
        match found {
            Found::Delivered(alert) => {
                if alert.suppressed_by.is_none() && !alert.occurrences.is_update() {
                    self.rules.entry(alert.rule.id.clone()).or_default().alerts += 1;
                }
            }
            Found::Match(alert, _) => {
                let noise = self.rules.entry(alert.rule.id.clone()).or_default();
                match &alert.suppressed_by {
                    Some(by) => *noise.suppressed.entry(by.clone()).or_default() += 1,
                    None => noise.add(alert, &self.fields),
                }
            }
        }
    }
}

impl Noise {
    fn add(&mut self, alert: &Alert, fields: &[&'static Field]) {
        self.matches += 1;
        let times = |known: Option<Time>| known.into_iter().chain(alert.event.time);
        self.first = times(self.first).min_by_key(|Time(ns)| *ns);
        self.last = times(self.last).max_by_key(|Time(ns)| *ns);
        self.values.resize_with(fields.len(), HashMap::new);
        for (field, counts) in fields.iter().zip(&mut self.values) {
            let value = alert.event.field(field);
            if matches!(value, Fact::Absent) {
                continue;
            }
            let mut text = Vec::new();
            event_json::write_leaf(&mut text, Leaf::Typed(value, field.any().ty));
            let text = String::from_utf8_lossy(&text).into_owned();
            if counts.len() < MAX_VALUES || counts.contains_key(&text) {
                *counts.entry(text).or_default() += 1;
            }
        }
    }

    /// The most frequent values of a field.
    fn top(&self, place: usize, count: usize) -> Vec<(&str, u64)> {
        let mut values: Vec<(&str, u64)> =
            self.values.get(place).into_iter().flatten().map(|(value, count)| (value.as_str(), *count)).collect();
        values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        values.truncate(count);
        values
    }

    fn suppressions(&self) -> u64 {
        self.suppressed.values().sum()
    }

    fn repeats(&self) -> u64 {
        self.matches.saturating_sub(self.alerts)
    }
}

struct Report<'r> {
    noises: &'r Noises,
    rules: &'r RuleSet,
    recordings: &'r [Recording],
    top: usize,
}

impl Report<'_> {
    /// Rules that found something, the loudest first.
    fn loud(&self) -> Vec<(&RuleFacts, &Noise)> {
        let facts = self.rules.rules().iter().map(|rule| rule.facts.as_ref());
        let mut loud: Vec<_> = facts.filter_map(|facts| Some((facts, self.noises.rules.get(&facts.id)?))).collect();
        loud.sort_by_key(|(facts, noise)| {
            (std::cmp::Reverse((noise.alerts, noise.matches, noise.suppressions())), facts.id.clone())
        });
        loud
    }

    /// The length of all recordings in seconds.
    fn seconds(&self) -> f64 {
        self.recordings
            .iter()
            .map(|recording| std::time::Duration::from_nanos(recording.length_ns().unsigned_abs()).as_secs_f64())
            .sum()
    }

    /// Alerts in an hour of recording, if there is enough of it to say.
    fn per_hour(&self, noise: &Noise) -> Option<f64> {
        let alerts = u32::try_from(noise.alerts).map_or(f64::INFINITY, f64::from);
        Some(self.seconds()).filter(|seconds| *seconds >= 60.0).map(|seconds| alerts * 3600.0 / seconds)
    }

    fn text(&self) -> String {
        let loud = self.loud();
        let heads = ["RULE", "SEVERITY", "ALERTS", "REPEATS", "SUPPRESSED", "PER HOUR", "FIRST", "LAST", "TITLE"];
        let mut rows = vec![heads.map(str::to_owned)];
        rows.extend(loud.iter().map(|(facts, noise)| self.row(facts, noise)));
        let lines = super::table::lines(&rows, &[2, 3, 4, 5]);
        let mut out = String::new();
        if !loud.is_empty() {
            out.push_str(&format!("{}\n", lines.first().map_or("", String::as_str)));
        }
        for ((_, noise), line) in loud.iter().zip(lines.iter().skip(1)) {
            out.push_str(&format!("{line}\n"));
            for (by, count) in &noise.suppressed {
                out.push_str(&format!("    suppressed by `{}` {count}\n", printable(by.as_bytes(), 120)));
            }
            for (place, field) in self.noises.fields.iter().enumerate() {
                let top: Vec<String> = noise
                    .top(place, self.top)
                    .into_iter()
                    .map(|(value, count)| format!("{count} {}", printable(value.as_bytes(), 80)))
                    .collect();
                if !top.is_empty() {
                    out.push_str(&format!("    {:<26} {}\n", field.name, top.join(", ")));
                }
            }
        }
        let total = |of: fn(&Noise) -> u64| loud.iter().map(|(_, noise)| of(noise)).sum::<u64>();
        let events: u64 = self.recordings.iter().map(|recording| recording.events).sum();
        out.push_str(if loud.is_empty() { "" } else { "\n" });
        out.push_str(&format!(
            "{events} events over {}: {} alerts, {} repeats of them, {} suppressed; {} of {} rules found something\n",
            span(self.seconds()),
            total(|noise| noise.alerts),
            total(Noise::repeats),
            total(Noise::suppressions),
            loud.len(),
            self.rules.rules().len()
        ));
        out
    }

    fn row(&self, facts: &RuleFacts, noise: &Noise) -> [String; 9] {
        let time = |time: Option<Time>| time.map_or_else(|| "-".to_owned(), |Time(ns)| seconds_of(ns));
        [
            printable(facts.id.as_bytes(), 128).into_owned(),
            facts.severity.word().to_owned(),
            noise.alerts.to_string(),
            noise.repeats().to_string(),
            noise.suppressions().to_string(),
            self.per_hour(noise).map_or_else(|| "-".to_owned(), |rate| format!("{rate:.1}")),
            time(noise.first),
            time(noise.last),
            printable(facts.title.as_bytes(), 60).into_owned(),
        ]
    }

    fn json(&self) -> Value {
        let time = |time: Option<Time>| time.map(|Time(ns)| event_json::rfc3339(ns));
        let recording = |recording: &Recording| {
            json!({
                "path": recording.path.display().to_string(),
                "events": recording.events,
                "damaged": recording.damaged,
                "first": time(recording.first),
                "last": time(recording.last),
            })
        };
        let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        let rule = |(facts, noise): &(&RuleFacts, &Noise)| {
            let top = self.noises.fields.iter().enumerate().map(|(place, field)| {
                let values = noise.top(place, self.top).into_iter();
                let values = values.map(|(value, count)| json!({ "value": parsed(value), "count": count }));
                (field.name.to_owned(), values.collect())
            });
            json!({
                "id": facts.id,
                "title": facts.title,
                "severity": facts.severity.word(),
                "alerts": noise.alerts,
                "repeats": noise.repeats(),
                "suppressed": noise.suppressed,
                "per_hour": self.per_hour(noise),
                "first": time(noise.first),
                "last": time(noise.last),
                "top": top.collect::<serde_json::Map<_, _>>(),
            })
        };
        let loud = self.loud();
        let quiet = self.rules.rules().iter().map(|rule| &rule.facts.id);
        json!({
            "recordings": self.recordings.iter().map(recording).collect::<Vec<_>>(),
            "seconds": self.seconds(),
            "rules": loud.iter().map(rule).collect::<Vec<_>>(),
            "quiet": quiet.filter(|id| !self.noises.rules.contains_key(*id)).collect::<Vec<_>>(),
        })
    }
}

/// A time to the second.
fn seconds_of(ns: i64) -> String {
    let text = event_json::rfc3339(ns);
    text.get(..19).map_or(text.clone(), |head| format!("{head}Z"))
}

/// A length of time for people.
fn span(seconds: f64) -> String {
    if seconds < 120.0 {
        format!("{seconds:.1} s")
    } else if seconds < 7200.0 {
        format!("{:.1} min", seconds / 60.0)
    } else {
        format!("{:.1} h", seconds / 3600.0)
    }
}
