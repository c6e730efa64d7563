//! `beewolf rules`: the rule author's bench, a file per command.

mod backtest;
mod baseline;
mod check;
mod convert;
mod cost;
mod coverage;
mod doctor;
mod explain;
mod given;
mod list;
mod plan;
mod recordings;
mod table;
mod test;

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use clap::{Args, Subcommand};

use super::{
    generations,
    sense::{self, Loading},
};
use crate::{
    indicator::Lists,
    rule::{Colour, Diagnostic, Diagnostics, Inputs, Loaded, Place, Places, Role, Selection, Source},
    scan,
};

/// Where rules are if no path is given: the first folder that has any.
const HOMES: &[&str] = &[".", "/usr/share/beewolf"];

/// What to do with rules.
#[derive(Debug, Subcommand)]
pub(super) enum Rules {
    /// Says what rules would have found in recordings, how often, and what made the noise.
    #[command(after_help = backtest::EXIT_CODES)]
    Backtest(backtest::Arguments),
    /// Checks rules and whitelists and reports every problem.
    Check(Paths),
    /// Prints Sigma and Falco rules as native ones that mean the same; says why where there are no words.
    Convert(Paths),
    /// Says what each rule costs: how often it had to be looked at, how often it matched, the time.
    #[command(after_help = cost::EXIT_CODES)]
    Cost(cost::Arguments),
    /// Prints the ATT&CK techniques of rules as a layer for the ATT&CK Navigator.
    #[command(after_help = coverage::EXIT_CODES)]
    Coverage(coverage::Arguments),
    /// Says of each rule whether it can fire on this host, and what is missing if it cannot.
    #[command(after_help = doctor::EXIT_CODES)]
    Doctor(doctor::Arguments),
    /// Shows why a rule alerts on an event, or does not: every predicate with its value.
    #[command(after_help = explain::EXIT_CODES)]
    Explain(explain::Arguments),
    /// Lists the rules that were in force, last one first.
    Generations(generations::Of),
    /// Lists rules with what they look at and whether they can match.
    List(Paths),
    /// Goes back to rules that were in force before, whatever the files say.
    Rollback(generations::To),
    /// Runs the tests of rules: native ones bring their own, those of Sigma and Falco rules are recordings.
    #[command(after_help = test::EXIT_CODES)]
    Test(test::Arguments),
}

/// Which rules, and how to print.
#[derive(Debug, Args)]
pub(super) struct Paths {
    /// Files and folders; without any, `rules` and `sigma` here or in /usr/share/beewolf.
    paths: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
}

/// How rules are read, and how to print.
#[derive(Debug, Args)]
struct Reading {
    /// The map of Sigma's names to ours; without it `fieldmap.yml` in a folder of rules, else the one that comes with
    /// the program.
    #[arg(long, value_name = "FILE")]
    fieldmap: Option<PathBuf>,
    /// What the modifier `expand` puts for `%name%` in Sigma rules: a YAML file of names and values.
    #[arg(long, value_name = "FILE")]
    sigma_placeholders: Option<PathBuf>,
    /// Configuration file with the indicator lists that rules ask.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Only rules with this tag; may be given several times.
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Only rules in a folder of this name; may be given several times.
    #[arg(long, value_name = "NAME")]
    folder: Vec<String>,
    /// Leaves out rules with this tag, folder or id; may be given several times.
    #[arg(long, value_name = "NAME")]
    exclude: Vec<String>,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// Runs one of the commands. The exit code is 1 if any rule has an error, any test fails, or any rule cannot be
/// converted; `rules doctor` has more.
#[must_use]
pub(super) fn run(rules: &Rules) -> ExitCode {
    let done = match rules {
        Rules::Backtest(arguments) => return backtest::run(arguments).unwrap_or_else(Into::into),
        Rules::Check(paths) => check::check(paths),
        Rules::Convert(paths) => convert::convert(paths),
        Rules::Cost(arguments) => return cost::run(arguments).unwrap_or_else(Into::into),
        Rules::Coverage(arguments) => return coverage::run(arguments),
        Rules::Doctor(arguments) => return doctor::run(arguments),
        Rules::Explain(arguments) => return explain::run(arguments).unwrap_or_else(Into::into),
        Rules::Generations(of) => Ok(generations::list(of).is_ok()),
        Rules::List(paths) => list::list(paths),
        Rules::Rollback(to) => Ok(generations::run(to).is_ok()),
        Rules::Test(arguments) => test::test(arguments),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("beewolf: {error}");
            ExitCode::from(1)
        }
    }
}

/// The paths rules are read from when none are given.
#[must_use]
pub(super) fn default_paths() -> Vec<PathBuf> {
    let below = |home: &&str| -> Vec<PathBuf> {
        ["rules", "sigma"].iter().map(|name| Path::new(home).join(name)).filter(|path| path.is_dir()).collect()
    };
    HOMES.iter().map(below).find(|found| !found.is_empty()).unwrap_or_default()
}

/// The YARA rules that are read when none are named: a folder `yara` beside the other rules.
#[must_use]
pub(super) fn default_yara() -> Vec<PathBuf> {
    let found = HOMES.iter().map(|home| Path::new(home).join("yara")).find(|path| scan::BUILT_IN && path.is_dir());
    found.into_iter().collect()
}

impl Paths {
    fn read(&self) -> (Vec<Loaded>, Diagnostics) {
        self.reading.read(&self.paths)
    }

    /// The number of YARA rules below the same paths; what is wrong with them is reported.
    fn yara(&self, problems: &mut Diagnostics) -> usize {
        let paths = if self.paths.is_empty() { default_yara() } else { self.paths.clone() };
        let mut found = Diagnostics::default();
        let inputs = Inputs::read(&Places::default().with(Role::Yara, paths), &mut found);
        let rules = scan::Rules::compile(&inputs.of(Role::Yara), &mut found);
        // Of a path that cannot be read the other rules have told already.
        problems.extend_new(found);
        rules.map_or(0, |rules| rules.count())
    }
}

impl Reading {
    fn read(&self, paths: &[PathBuf]) -> (Vec<Loaded>, Diagnostics) {
        let mut problems = Diagnostics::default();
        let paths = if paths.is_empty() { default_paths() } else { paths.to_owned() };
        if paths.is_empty() {
            let place = Place::whole(&Source::new("rules", ""));
            let error = Diagnostic::error("no-rules", place, "there is no folder `rules` or `sigma` here");
            problems.push(error.hint("give the paths of rules on the command line"));
            return (Vec::new(), problems);
        }
        let indicators = match self.indicators() {
            Ok(indicators) => indicators,
            Err(problems) => return (Vec::new(), problems),
        };
        let places = sense::places_of_rules(&paths, self.fieldmap.clone(), self.sigma_placeholders.clone());
        let inputs = Inputs::read(&places, &mut problems);
        let selection =
            Selection { tags: self.tag.clone(), folders: self.folder.clone(), exclude: self.exclude.clone() };
        let loader = sense::loader(&inputs, selection, &Arc::new(indicators), &mut problems);
        let (rules, more) = loader.read(&inputs.of(Role::Rules));
        problems.extend(more);
        (rules, problems)
    }

    /// The indicator lists of the configuration, if one is given. Its own problems are printed at once.
    fn indicators(&self) -> Result<Lists, Diagnostics> {
        let Some(config) = &self.config else { return Ok(Lists::default()) };
        let loading = Loading { config: Some(config.clone()), ..Loading::default() };
        loading.settings().and_then(|settings| sense::indicators(&settings, &Lists::default())).map_err(|_| {
            let mut problems = Diagnostics::default();
            let place = Place::whole(&Source::new(config.display().to_string(), ""));
            problems.push(Diagnostic::error("unusable-config", place, "the indicator lists cannot be used"));
            problems
        })
    }
}

fn colour() -> Colour {
    let wanted = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    if wanted { Colour::Styled } else { Colour::Plain }
}
