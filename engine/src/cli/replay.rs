//! `beewolf replay`: a recording through the rules.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use super::{
    sense::{self, Options, Ready, Told, tell},
    sigma_events,
};
use crate::{
    enrich::Host as EnrichHost,
    event::id::Origin,
    pipeline::{self, replay::Replayed},
    store::recording::Reader,
};

/// Runs a recording through the rules, as if it happened now: the same alerts, on any host.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    /// The recording, made with `beewolf trace --record`; it may have been compressed with zstd.
    #[arg(required_unless_present = "events", conflicts_with = "events")]
    recording: Option<PathBuf>,
    #[command(flatten)]
    foreign: sigma_events::Events,
    #[command(flatten)]
    options: Options,
}

/// How long a replay waits for room in a sink's queue before an alert counts as lost.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs it.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let done = match &arguments.recording {
        Some(recording) => replay(recording, &arguments.options),
        None => sigma_events::run(&arguments.foreign, &arguments.options),
    };
    done.unwrap_or_else(Into::into)
}

fn replay(recording: &Path, options: &Options) -> Result<ExitCode, Told> {
    let mut settings = options.settings()?;
    let Ready { rules, whitelist, .. } = sense::load_rules(&settings)?;
    let max_line = settings.recording.max_line_bytes;
    Reader::header(recording, max_line).map_err(tell)?;
    let reader = Reader::open(recording, max_line).map_err(tell)?;
    // A replay is as fast as its slowest sink: it waits instead of losing.
    settings.status_interval = None;
    let host = EnrichHost { name: Box::default(), boot_id: Box::default(), boot_to_wall_ns: 0 };
    let mut stages = sense::stages(&settings, rules, whitelist, Origin::new("", ""), host, None)?;
    stages.patience = Some(PATIENCE);
    let Replayed { damaged, damaged_beyond, manifest } = pipeline::replay::run(reader, &mut stages);
    for (line, why) in &damaged {
        eprintln!("beewolf: {}:{line}: {why}", recording.display());
    }
    if damaged_beyond > 0 {
        eprintln!("beewolf: {}: {damaged_beyond} more damaged lines", recording.display());
    }
    match manifest {
        Some(manifest) if !manifest.complete => {
            eprintln!("beewolf: the recording is not complete: its manifest names losses")
        }
        Some(_) => {}
        None => eprintln!("beewolf: the recording has no manifest: it was cut, or is still being written"),
    }
    sense::finish(stages, &settings, " replayed");
    Ok(ExitCode::SUCCESS)
}
