//! `beewolf rules test --baseline`: ordinary work that no rule may make a noise about.

use std::{collections::BTreeMap, path::PathBuf};

use clap::Args;

use super::{
    Reading,
    recordings::{self, Found},
    test::Outcome,
};
use crate::{
    cli::sense::{Loading, Told, tell},
    detect::RuleSet,
    event::{Severity, value::Words},
    rule::{Diagnostic, Diagnostics, Inputs, Loaded, Places, Role},
    sink::printable,
    whitelist::Whitelist,
};

/// Recordings of ordinary work.
#[derive(Debug, Args)]
pub(super) struct Baseline {
    /// Recordings of ordinary work: a rule that alerts on one of them fails.
    #[arg(long = "baseline", value_name = "RECORDING", num_args = 1..)]
    recordings: Vec<PathBuf>,
    /// Alerts of this severity and below are accepted on a baseline.
    #[arg(long, value_name = "SEVERITY", value_parser = severity, default_value = "low", requires = "recordings")]
    baseline_accepts: Severity,
    /// Whitelist files for the baseline.
    #[arg(long, value_name = "PATH", num_args = 1.., requires = "recordings")]
    whitelist: Vec<PathBuf>,
}

fn severity(word: &str) -> Result<Severity, String> {
    Severity::parse(word.as_bytes()).ok_or_else(|| format!("the severities are {}", Severity::ALL.join(", ")))
}

/// The alerts of one rule on one recording.
struct Noise {
    count: u64,
    /// Where the first one is, and what it says.
    line: u64,
    message: String,
}

impl Baseline {
    /// Adds an outcome for each rule that makes a noise, and one for each recording on which none does.
    pub(super) fn run(
        &self,
        reading: &Reading,
        rules: &[Loaded],
        set: &RuleSet,
        outcomes: &mut Vec<Outcome>,
    ) -> Result<(), Told> {
        if self.recordings.is_empty() {
            return Ok(());
        }
        let loading = Loading { config: reading.config.clone(), ..Loading::default() };
        let settings = loading.settings()?;
        let whitelist = self.whitelist(reading)?;
        for path in &self.recordings {
            let mut noises: BTreeMap<String, Noise> = BTreeMap::new();
            let one = std::slice::from_ref(path);
            let read = recordings::judge(one, &settings, set, &whitelist, |found| {
                let Found::Match(alert, line) = found else { return };
                if alert.suppressed_by.is_some() || alert.rule.severity <= self.baseline_accepts {
                    return;
                }
                let first = || Noise { count: 0, line, message: printable(&alert.message, 200).into_owned() };
                noises.entry(alert.rule.id.clone()).or_insert_with(first).count += 1;
            })?;
            let name = format!("baseline {}", path.display());
            if noises.is_empty() {
                let events: u64 = read.iter().map(|recording| recording.events).sum();
                let name = format!("{name}, {events} events");
                outcomes.push(Outcome { rule: "all rules".to_owned(), name, failure: None });
            }
            for rule in rules {
                let Some(noise) = noises.get(&rule.id) else { continue };
                let (count, line, place) = (noise.count, noise.line, path.display());
                let message =
                    format!("{count} alerts on ordinary work, the first on {place}:{line}: {}", noise.message);
                let hint = format!("`beewolf rules explain {} {place}:{line}` shows why", rule.id);
                let failure = Diagnostic::error("noisy", rule.place.clone(), message).hint(hint);
                outcomes.push(Outcome { rule: rule.id.clone(), name: name.clone(), failure: Some(failure) });
            }
        }
        Ok(())
    }

    fn whitelist(&self, reading: &Reading) -> Result<Whitelist, Told> {
        let mut problems = Diagnostics::default();
        let indicators = reading.indicators().map_err(tell)?;
        let inputs = Inputs::read(&Places::default().with(Role::Whitelist, self.whitelist.clone()), &mut problems);
        let whitelist = Whitelist::read(&inputs.of(Role::Whitelist), &indicators.into(), &mut problems);
        if problems.has_errors() {
            return Err(tell(format!("the whitelists cannot be used\n{problems}")));
        }
        Ok(whitelist)
    }
}
