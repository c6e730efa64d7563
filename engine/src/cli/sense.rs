//! What `run`, `trace` and `replay` share: settings, rules, stages, the end.

use std::{io::IsTerminal, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use super::print::counted;
use crate::{
    alert::{Dedup, DedupLimits},
    config::{self, Config, ConfigError},
    detect::{RuleSet, State, StateLimits},
    enrich::{Enricher, Host as EnrichHost, Limits, Users},
    event::{Kind, id::Origin, value::Time},
    indicator::{ListReport, Lists},
    pipeline::{Stages, Tally},
    rule::{Colour as RuleColour, Diagnostics, Filter, Inputs, Loader, Places, Role, Selection, sigma::Fieldmap},
    scan,
    sink::{self, SinkConfig, Sinks},
    whitelist::Whitelist,
};

/// Where rules come from and what happens to alerts.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    pub(super) loading: Loading,
    /// Form of the lines on standard output: readable on a terminal, JSON otherwise, unless said here.
    #[arg(long, value_enum)]
    pub(super) output: Option<Form>,
}

/// Where settings, rules and whitelists come from.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Loading {
    /// Configuration file; without it /etc/beewolf/beewolf.yml if there is one, else the defaults.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Rule files and folders, native, Sigma and Falco alike; may be given several times. Replaces those of the configuration.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(super) rules: Vec<PathBuf>,
    /// What the modifier `expand` puts for `%name%` in Sigma rules: a YAML file of names and values.
    #[arg(long, value_name = "FILE")]
    pub(super) sigma_placeholders: Option<PathBuf>,
    /// Whitelist files; may be given several times.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(super) whitelist: Vec<PathBuf>,
    /// YARA rules: files, and folders with `*.yar` and `*.yara`; may be given several times.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    pub(super) yara: Vec<PathBuf>,
    /// Only rules with this tag; may be given several times. `attack.t1059` stands for `attack.t1059.004`, too.
    #[arg(long, value_name = "TAG")]
    pub(super) tag: Vec<String>,
    /// Only rules in a folder of this name; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub(super) folder: Vec<String>,
    /// Leaves out rules with this tag, folder or id; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub(super) exclude: Vec<String>,
}

/// Form of the lines on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Form {
    /// Readable lines.
    Console,
    /// JSON with the names of the field table.
    Json,
    /// JSON with ECS names, all others below `beewolf`.
    Ecs,
}

/// Something the user has to mend; already printed.
pub(super) struct Told;

impl From<Told> for ExitCode {
    fn from(Told: Told) -> Self {
        Self::FAILURE
    }
}

/// Prints what went wrong, as the program's own sentence.
pub(super) fn tell(problem: impl std::fmt::Display) -> Told {
    eprintln!("beewolf: {problem}");
    Told
}

/// Sigma's names, beside the Sigma rules.
const FIELDMAP: &str = "fieldmap.yml";

impl Options {
    /// Reads the configuration.
    pub(super) fn settings(&self) -> Result<Config, Told> {
        let mut settings = self.loading.settings()?;
        if let Some(form) = self.output {
            settings.sinks = vec![standard_output(form)?];
        }
        Ok(settings)
    }
}

impl Loading {
    /// Reads the configuration.
    pub(super) fn settings(&self) -> Result<Config, Told> {
        let path = self.config.clone().or_else(|| {
            let default = PathBuf::from(config::DEFAULT_PATH);
            default.exists().then_some(default)
        });
        // What is tried by hand must not be what a service falls back on.
        let is_service = path.is_some() && self.rules.is_empty();
        let mut settings = match path {
            None => Config::default(),
            Some(path) => Config::load(&path).map_err(|error| match &error {
                ConfigError::Problems { path, text, problems } => {
                    eprint!(
                        "{}",
                        config::render(&path.display().to_string(), text, problems, std::io::stderr().is_terminal())
                    );
                    tell(&error)
                }
                ConfigError::Read(_) => tell(&error),
            })?,
        };
        if !self.whitelist.is_empty() {
            settings.whitelists.clone_from(&self.whitelist);
        }
        if self.sigma_placeholders.is_some() {
            settings.sigma_placeholders.clone_from(&self.sigma_placeholders);
        }
        for (given, configured) in [
            (&self.tag, &mut settings.selection.tags),
            (&self.folder, &mut settings.selection.folders),
            (&self.exclude, &mut settings.selection.exclude),
        ] {
            if !given.is_empty() {
                configured.clone_from(given);
            }
        }
        settings.rules = self.rule_paths(&settings);
        if !self.yara.is_empty() {
            settings.scan.yara.clone_from(&self.yara);
        } else if settings.scan.yara == Config::default().scan.yara {
            settings.scan.yara.retain(|path| path.exists());
            if settings.scan.yara.is_empty() {
                settings.scan.yara = super::rules::default_yara();
            }
        }
        settings.reload.generations = settings.reload.generations.filter(|_| is_service);
        Ok(settings)
    }

    fn rule_paths(&self, settings: &Config) -> Vec<PathBuf> {
        if !self.rules.is_empty() {
            return self.rules.clone();
        }
        // A folder that only stands in the presets need not be there; one that the file names must.
        let presets = Config::default();
        let chosen = |paths: &[PathBuf], preset: &[PathBuf]| -> Vec<PathBuf> {
            paths.iter().filter(|path| !preset.contains(path) || path.exists()).cloned().collect()
        };
        let mut configured = chosen(&settings.rules, &presets.rules);
        configured.extend(chosen(&settings.sigma, &presets.sigma));
        if !configured.is_empty() {
            return configured;
        }
        super::rules::default_paths()
    }
}

/// A sink on standard output.
fn standard_output(form: Form) -> Result<SinkConfig, Told> {
    let text = |word: &str| crate::setting::Value::Text(word.to_owned());
    let find = |name| sink::find(name).map(SinkConfig::new).ok_or_else(|| tell(format!("no sink {name}")));
    Ok(match form {
        Form::Console => find("console")?.with("style", text("text")),
        Form::Json => find("stdout")?,
        Form::Ecs => find("stdout")?.with("format", text("ecs")),
    })
}

/// Colours, if standard error is a terminal.
pub(super) fn colour() -> RuleColour {
    if std::io::stderr().is_terminal() { RuleColour::Styled } else { RuleColour::Plain }
}

/// Rules and whitelists ready to judge, and what they were made of.
#[cfg_attr(not(feature = "bpf"), expect(dead_code, reason = "only a live sensor keeps what rules were made of"))]
pub(super) struct Ready {
    pub(super) rules: RuleSet,
    pub(super) whitelist: Whitelist,
    pub(super) inputs: Inputs,
    pub(super) indicators: Arc<Lists>,
    pub(super) yara: Option<Arc<scan::Rules>>,
}

impl Ready {
    /// The same with the YARA rules among the texts, compiled; every error is printed.
    #[cfg_attr(not(feature = "bpf"), expect(dead_code, reason = "only a live sensor scans"))]
    pub(super) fn scanning(mut self) -> Result<Self, Told> {
        let mut diagnostics = Diagnostics::default();
        self.yara = scan::Rules::compile(&self.inputs.of(Role::Yara), &mut diagnostics).map(Arc::new);
        if diagnostics.has_errors() {
            eprint!("{}", diagnostics.render(colour()));
            return Err(tell(format!(
                "{} in the YARA rules; they are not used",
                counted(diagnostics.errors(), "error")
            )));
        }
        warned(&diagnostics, "the YARA rules");
        Ok(self)
    }
}

/// Says that there are warnings, and where to read them.
fn warned(diagnostics: &Diagnostics, of: &str) {
    let warnings = diagnostics.warnings();
    if warnings > 0 {
        eprintln!("beewolf: {} in {of}; `beewolf rules check` shows them", counted(warnings, "warning"));
    }
}

/// Where the texts of rules and whitelists are.
pub(super) fn places(settings: &Config) -> Places {
    places_of_rules(&settings.rules, None, settings.sigma_placeholders.clone())
        .with(Role::Whitelist, settings.whitelists.iter().cloned())
        .with(Role::Yara, settings.scan.yara.iter().cloned())
}

/// Where the texts of rules are. Sigma's names are mapped as a file says that is given, or the first that lies
/// beside the rules.
pub(super) fn places_of_rules(rules: &[PathBuf], fieldmap: Option<PathBuf>, placeholders: Option<PathBuf>) -> Places {
    let mut beside = rules.iter().map(|path| path.join(FIELDMAP)).filter(|path| path.exists());
    Places::default()
        .with(Role::Fieldmap, fieldmap.or_else(|| beside.find(|path| Fieldmap::may_be_in(path))))
        .with(Role::Placeholders, placeholders)
        .with(Role::Rules, rules.iter().cloned())
}

/// Rules and whitelists, checked; every problem is printed.
pub(super) fn load_rules(settings: &Config) -> Result<Ready, Told> {
    let mut diagnostics = Diagnostics::default();
    let inputs = Inputs::read(&places(settings), &mut diagnostics);
    ready(inputs, settings, diagnostics, &Lists::default())
}

/// What reads the rules among some texts.
pub(super) fn loader(
    inputs: &Inputs,
    selection: Selection,
    indicators: &Arc<Lists>,
    diagnostics: &mut Diagnostics,
) -> Loader {
    Loader::new(inputs.fieldmap(diagnostics))
        .with_placeholders(inputs.placeholders(diagnostics))
        .with_indicators(Arc::clone(indicators))
        .with_selection(selection)
}

/// Compiles texts that were read, with the problems found while reading; every problem is printed.
/// Indicator lists whose files are as they were are taken from those before.
pub(super) fn ready(
    inputs: Inputs,
    settings: &Config,
    mut diagnostics: Diagnostics,
    before: &Lists,
) -> Result<Ready, Told> {
    inputs.verify(&settings.trust, &mut diagnostics);
    let indicators = Arc::new(indicators(settings, before)?);
    let loader = loader(&inputs, settings.selection.clone(), &indicators, &mut diagnostics);
    let (loaded, problems) = loader.read(&inputs.of(Role::Rules));
    diagnostics.extend(problems);
    let whitelist = Whitelist::read(&inputs.of(Role::Whitelist), &indicators, &mut diagnostics);
    if diagnostics.has_errors() {
        eprint!("{}", diagnostics.render(colour()));
        return Err(tell(format!("{} in the rules; they are not used", counted(diagnostics.errors(), "error"))));
    }
    let rules = RuleSet::new(loaded).with_generation(&inputs.generation());
    warned(&diagnostics, "the rules");
    Ok(Ready { rules, whitelist, inputs, indicators, yara: None })
}

/// The indicator lists of the configuration; what is wrong with their files is printed.
pub(super) fn indicators(settings: &Config, before: &Lists) -> Result<Lists, Told> {
    let specs: Vec<_> = settings.indicators.iter().map(|list| list.spec.clone()).collect();
    let now = i64::try_from(jiff::Timestamp::now().as_nanosecond()).ok().map(Time);
    let loaded = Lists::load(&specs, settings.indicator_limits, now, before);
    let (lists, reports) = loaded.map_err(|errors| {
        errors.iter().for_each(|error| eprintln!("beewolf: {error}"));
        tell(format!("{} indicator lists cannot be used", errors.len()))
    })?;
    for ListReport { name, path, report } in reports {
        for problem in &report.problems {
            let what = crate::sink::printable(problem.what.as_bytes(), 200);
            eprintln!("beewolf: indicator list {name}: {path}:{}: {what}", problem.line);
        }
        let unread = report.problems.len() + report.more_problems;
        if unread > 0 {
            eprintln!(
                "beewolf: indicator list {name}: {} indicators, {unread} entries could not be read",
                report.entries
            );
        }
    }
    Ok(lists)
}

fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

/// What completes events.
pub(super) fn enricher(settings: &Config, origin: Origin, host: EnrichHost) -> Enricher {
    let limits = Limits {
        entries: settings.limits.process_table_entries,
        retain_ns: u64::try_from(settings.limits.process_retention.as_nanos()).unwrap_or(u64::MAX),
        ..Limits::default()
    };
    Enricher::new(limits, origin, host, Users::from_file("/etc/passwd"))
}

/// What completes the events of a recording: they have an origin, and a host of their own.
pub(super) fn enricher_of_recording(settings: &Config) -> Enricher {
    let host = EnrichHost { name: Box::default(), boot_id: Box::default(), boot_to_wall_ns: 0 };
    enricher(settings, Origin::new("", ""), host)
}

/// What rules over several events remember, within the bounds of the configuration.
pub(super) fn state(settings: &Config) -> State {
    State::new(StateLimits {
        groups: settings.limits.correlation_groups,
        entries: settings.limits.correlation_entries,
        group_entries: settings.limits.correlation_group_entries,
        lateness_ns: nanoseconds(settings.limits.correlation_lateness),
    })
}

/// What makes repeats of an alert updates of it.
pub(super) fn dedup(settings: &Config) -> Dedup {
    Dedup::new(DedupLimits {
        window_ns: nanoseconds(settings.deduplication.window),
        interval_ns: nanoseconds(settings.deduplication.update_interval),
        entries: settings.deduplication.entries,
    })
}

/// The stages behind a sensor.
pub(super) fn stages(
    settings: &Config,
    rules: RuleSet,
    whitelist: Whitelist,
    origin: Origin,
    host: EnrichHost,
    filter: Option<Filter>,
) -> Result<Stages, Told> {
    Ok(Stages {
        enricher: enricher(settings, origin, host),
        rules: Arc::new(rules),
        whitelist,
        state: state(settings),
        forgotten: 0,
        dedup: dedup(settings),
        sinks: Sinks::start(&settings.sinks).map_err(tell)?,
        scanner: None,
        tuner: None,
        recorder: None,
        tally: Tally::default(),
        filter,
        patience: None,
    })
}

/// A time as the command line has it: `15s`, `10m`, `2h`, or seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| format!("`{text}` is no time; write 15s, 10m or 2h"))?;
    let unit = match text.get(digits.len()..).unwrap_or_default() {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        other => return Err(format!("`{other}` is no unit of time; write s, m or h")),
    };
    Ok(Duration::from_secs(number.saturating_mul(unit)))
}

/// Ends the sinks and prints the summary to standard error.
pub(super) fn finish(mut stages: Stages, settings: &Config, extra: &str) -> bool {
    stages.flush();
    let Stages { sinks, tally, dedup, state, .. } = stages;
    let report = sinks.stop(settings.shutdown);
    let kinds: Vec<String> = Kind::ALL
        .iter()
        .zip(tally.events)
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| format!("{} {count}", kind.name()))
        .collect();
    eprintln!("beewolf: {} events ({}){extra}", tally.total(), kinds.join(", "));
    eprintln!(
        "beewolf: {} alerts, {} repeats of them, {} suppressed, {} lost before the sinks",
        tally.alerts,
        dedup.counters().repeats,
        tally.suppressed,
        tally.lost
    );
    let counters = state.counters();
    if counters.lost() > 0 {
        eprintln!(
            "beewolf: rules over several events forgot {} matches early ({} groups), {} came too late, {} had no time",
            counters.evicted_entries, counters.evicted_groups, counters.late, counters.untimed
        );
    }
    let mut whole = tally.lost == 0;
    for sink in &report.counters {
        if sink.lost > 0 {
            whole = false;
            let error = sink.last_error.as_deref().unwrap_or("queue full");
            eprintln!("beewolf: sink {}: {} delivered, {} lost ({error})", sink.name, sink.delivered, sink.lost);
        }
    }
    for sink in &report.counters {
        let waiting = sink.spool.map_or(0, |spool| spool.records);
        if waiting > 0 {
            let error = sink.last_error.as_deref().map(|error| format!(" ({error})")).unwrap_or_default();
            eprintln!("beewolf: sink {}: {waiting} records stay in its spool for the next start{error}", sink.name);
        }
    }
    for name in &report.stuck {
        eprintln!("beewolf: sink {name} did not end in time");
    }
    whole
}
