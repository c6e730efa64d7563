//! `beewolf trace`: shows or records live events.

use std::{io::IsTerminal, path::PathBuf, process::ExitCode, time::Duration};

use super::sense::{self, Form, Options, Told, tell};
use crate::{rule::Filter, setting::Value, sink::SinkConfig};

/// Streams live events, those that match a filter in the condition language.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    /// A condition, for example: event.action = exec and user.id = 0
    filter: Option<String>,
    #[command(flatten)]
    options: Options,
    /// Print JSON lines, on a terminal too.
    #[arg(long)]
    json: bool,
    /// Write a recording instead of printing; the file must not exist.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Watch only this cgroup (version 2) and those below it.
    #[arg(long, value_name = "DIR")]
    scope_cgroup: Option<PathBuf>,
    /// Stop after this time (15s, 10m, 2h).
    #[arg(long = "for", value_name = "TIME", value_parser = sense::duration)]
    limit: Option<Duration>,
}

/// Runs it.
pub(super) fn run(arguments: Arguments) -> ExitCode {
    match live(arguments) {
        Ok(code) => code,
        Err(told) => told.into(),
    }
}

/// What stands before the helper is started: nothing is read from outside but the command line.
fn filter(arguments: &Arguments) -> Result<Option<Filter>, Told> {
    let parse = |text: &String| {
        Filter::parse(text).map_err(|problems| {
            let colour =
                if std::io::stderr().is_terminal() { crate::rule::Colour::Styled } else { crate::rule::Colour::Plain };
            eprint!("{}", problems.render(colour));
            tell("the filter is no condition")
        })
    };
    arguments.filter.as_ref().map(parse).transpose()
}

#[cfg(not(feature = "bpf"))]
fn live(arguments: Arguments) -> Result<ExitCode, Told> {
    let settings = settings(&arguments)?;
    filter(&arguments)?;
    Err(tell(format!(
        "this program was built without the `bpf` feature: it can replay, not trace ({} sinks)",
        settings.sinks.len()
    )))
}

#[cfg(feature = "bpf")]
fn live(arguments: Arguments) -> Result<ExitCode, Told> {
    use sense::Ready;

    use super::live::{self, Job};
    use crate::{detect::RuleSet, kernel::attach::KindSet, whitelist::Whitelist};

    if let Some(why) = crate::kernel::probe::Host::look().refusal() {
        return Err(tell(format!("nothing can be sensed here: {why}")));
    }
    Ok(live::split_and(|client| {
        let filter = filter(&arguments)?;
        let settings = settings(&arguments)?;
        // Rules are for recordings: their alerts are printed, and the manifest names them.
        let (rules, whitelist) = if arguments.record.is_some() && !arguments.options.loading.rules.is_empty() {
            let Ready { rules, whitelist, .. } = sense::load_rules(&settings)?;
            (rules, whitelist)
        } else {
            (RuleSet::default(), Whitelist::default())
        };
        let kinds: KindSet = match &filter {
            Some(filter) => filter.kinds().chain(live::kinds_of(&rules)).collect(),
            None => KindSet::all(),
        };
        let (record, limit) = (arguments.record.clone(), arguments.limit);
        live::watch(
            client,
            settings,
            Job { rules, whitelist, kinds, yara: None, filter, record, limit, renewal: None, alarm: None },
        )
    }))
}

fn settings(arguments: &Arguments) -> Result<crate::config::Config, Told> {
    let mut options = arguments.options.clone();
    let form = match options.output {
        Some(form) => form,
        None if arguments.json || !std::io::stdout().is_terminal() => Form::Json,
        None => Form::Console,
    };
    options.output = Some(form);
    let mut settings = options.settings()?;
    settings.cgroup = arguments.scope_cgroup.clone().or(settings.cgroup);
    settings.status_interval = None;
    settings.status_socket = None;
    settings.loopback = None;
    // A recording takes the place of what would be printed.
    let include = if arguments.record.is_some() { "alerts" } else { "events" };
    settings.sinks = settings
        .sinks
        .into_iter()
        .map(|sink: SinkConfig| {
            sink.with("include", Value::Text(include.to_owned())).with("queue", Value::Number(TRACE_QUEUE))
        })
        .collect();
    Ok(settings)
}

/// Events that wait for a slow terminal.
const TRACE_QUEUE: u64 = 65_536;
