//! `beewolf rules doctor`: which rules can fire on a host, and what the others miss.

use std::{collections::BTreeMap, process::ExitCode};

use clap::Args;
use serde_json::json;

use super::{
    Paths,
    plan::{self, Judged, Plan},
};
use crate::{
    cli::print,
    event::Kind,
    rule::{Loaded, Reach, Verdict},
    sink::printable,
};

/// What the exit code says; part of the help.
pub(super) const EXIT_CODES: &str = "\
    Exit codes:\n\
    \x20 0  every rule can fire\n\
    \x20 1  the rules are broken, or the host cannot be asked\n\
    \x20 3  some rule is degraded\n\
    \x20 4  some rule can never fire\n\
    Rules that an override has switched off do not count.";

/// Which rules, and on whose sensors.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    paths: Paths,
    /// Whose sensors the rules are judged by.
    #[arg(long, value_enum, default_value = "host")]
    plan: Plan,
    /// Lists the rules that can fire, too.
    #[arg(long)]
    all: bool,
}

/// Runs it.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    plan::judge(&arguments.paths, arguments.plan, |judged| {
        let report = Report(judged);
        let printed = if arguments.paths.reading.json {
            print::json(&report.json())
        } else {
            print::text(&report.text(arguments.all))
        };
        if printed == ExitCode::SUCCESS { report.exit_code() } else { printed }
    })
}

struct Report<'r>(&'r Judged<'r>);

impl Report<'_> {
    fn exit_code(&self) -> ExitCode {
        let worst = self.0.found.iter().filter(|reach| !reach.is_disabled()).map(|reach| reach.verdict).max();
        ExitCode::from(match worst {
            None | Some(Verdict::CanFire) => 0,
            Some(Verdict::Degraded) => 3,
            Some(Verdict::Never) => 4,
        })
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.0.found.iter().filter(|reach| reach.verdict == verdict).count()
    }

    /// How many rules have a reason of each code.
    fn codes(&self) -> Vec<(&'static str, usize)> {
        let mut codes: BTreeMap<&str, usize> = BTreeMap::new();
        for reach in self.0.found {
            let mut words: Vec<_> = reach.reasons.iter().map(|reason| reason.code.word()).collect();
            words.sort_unstable();
            words.dedup();
            words.into_iter().for_each(|word| *codes.entry(word).or_default() += 1);
        }
        let mut codes: Vec<_> = codes.into_iter().collect();
        codes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        codes
    }

    fn text(&self, all: bool) -> String {
        let mut out = String::new();
        for (rule, reach) in self.0.rules.iter().zip(self.0.found) {
            if !all && reach.verdict == Verdict::CanFire {
                continue;
            }
            let (id, title) = (printable(rule.id.as_bytes(), 128), printable(rule.title.as_bytes(), 128));
            out.push_str(&format!("{:<14}  {id}  {title}\n", reach.verdict.words()));
            for reason in &reach.reasons {
                let text = printable(reason.text.as_bytes(), 400);
                out.push_str(&format!("{:16}{}: {text}\n", "", reason.code.word()));
            }
            if !reach.racy.is_empty() && all {
                let fields: Vec<&str> = reach.racy.iter().copied().collect();
                out.push_str(&format!("{:16}may change while it is read: {}\n", "", fields.join(", ")));
            }
        }
        if !out.is_empty() {
            out.push('\n');
        }
        for (code, count) in self.codes() {
            out.push_str(&format!("{count:5} {code}\n"));
        }
        let counts = Verdict::ALL.map(|verdict| format!("{} {}", self.count(verdict), verdict.words()));
        out.push_str(&format!("{} rules on {}: {}\n", self.0.rules.len(), self.0.whose, counts.join(", ")));
        out
    }

    fn json(&self) -> serde_json::Value {
        let rule = |(rule, reach): (&Loaded, &Reach)| {
            let reasons = reach
                .reasons
                .iter()
                .map(|reason| json!({ "code": reason.code.word(), "fact": reason.fact, "text": reason.text }));
            json!({
                "id": rule.id,
                "title": rule.title,
                "file": rule.place.source.name,
                "ruleset": rule.ruleset,
                "verdict": reach.verdict.word(),
                "kinds": reach.kinds.iter().map(Kind::name).collect::<Vec<_>>(),
                "reasons": reasons.collect::<Vec<_>>(),
                "racy": reach.racy,
            })
        };
        let running = |kind: &Kind| (kind.name().to_owned(), json!(self.0.sensors.of(*kind).map(|source| source.name)));
        json!({
            "host": self.0.whose,
            "kinds": Kind::ALL.iter().map(running).collect::<serde_json::Map<_, _>>(),
            "counts": Verdict::ALL.iter().map(|verdict| (verdict.word().to_owned(), json!(self.count(*verdict)))).collect::<serde_json::Map<_, _>>(),
            "rules": self.0.rules.iter().zip(self.0.found).map(rule).collect::<Vec<_>>(),
        })
    }
}
