//! `beewolf run`: watches the host with rules.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use super::sense::{self, Options, Ready, Told};
use crate::{enrich::Host as EnrichHost, event::id::Origin, pipeline, store::recording::Reader};

/// The recording that is replayed where nothing can be sensed.
const SHIPPED: &[u8] = include_bytes!("../../../testdata/recording/first_five_minutes/recording.jsonl");

/// Watches the host: alerts on standard output and wherever the configuration says.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    options: Options,
    /// Watch only this cgroup (version 2) and those below it.
    #[arg(long, value_name = "DIR")]
    scope_cgroup: Option<PathBuf>,
    /// Stop after this time (15s, 10m, 2h).
    #[arg(long = "for", value_name = "TIME", value_parser = sense::duration)]
    limit: Option<Duration>,
    /// Fail where nothing can be sensed, instead of replaying the shipped recording.
    #[arg(long)]
    no_replay: bool,
}

/// Runs it.
pub(super) fn run(arguments: Arguments) -> ExitCode {
    match refusal() {
        Some(why) if arguments.no_replay => sense::tell(format!("nothing can be sensed here: {why}")).into(),
        Some(why) => {
            eprintln!("beewolf: nothing can be sensed here: {why}; replaying the shipped recording instead");
            shipped(&arguments).unwrap_or_else(Into::into)
        }
        None => live(arguments),
    }
}

#[cfg(feature = "bpf")]
fn refusal() -> Option<String> {
    crate::kernel::probe::Host::look().refusal().map(str::to_owned)
}

#[cfg(not(feature = "bpf"))]
fn refusal() -> Option<String> {
    Some("this program was built without the `bpf` feature".to_owned())
}

/// The shipped recording through the user's rules.
fn shipped(arguments: &Arguments) -> Result<ExitCode, Told> {
    let settings = arguments.options.settings()?;
    let Ready { rules, whitelist, .. } = sense::load_rules(&settings)?;
    let host = EnrichHost { name: Box::default(), boot_id: Box::default(), boot_to_wall_ns: 0 };
    let mut stages = sense::stages(&settings, rules, whitelist, Origin::new("", ""), host, None)?;
    let reader = Reader::new(SHIPPED, b"first_five_minutes", settings.recording.max_line_bytes);
    pipeline::replay::run(reader, &mut stages);
    sense::finish(stages, &settings, " in the shipped recording");
    Ok(ExitCode::SUCCESS)
}

#[cfg(not(feature = "bpf"))]
fn live(arguments: Arguments) -> ExitCode {
    shipped(&arguments).unwrap_or_else(Into::into)
}

#[cfg(feature = "bpf")]
fn live(arguments: Arguments) -> ExitCode {
    use super::{
        live::{self, Job},
        renew::{self, After, First},
    };

    live::split_and(|client| {
        let Arguments { options, scope_cgroup, limit, .. } = arguments;
        let mut settings = options.settings()?;
        settings.cgroup = scope_cgroup.or(settings.cgroup);
        let First { ready, keeper, fingerprint, alarm } = renew::first(&settings)?;
        let Ready { rules, whitelist, inputs, indicators, yara } = ready;
        if alarm.is_none() {
            keeper.keep(&inputs);
        }
        let kinds = live::kinds_of(&rules).collect();
        let renewal = Some(After { keeper, indicators, fingerprint });
        live::watch(
            client,
            settings,
            Job { rules, whitelist, kinds, yara, filter: None, record: None, limit, renewal, alarm },
        )
    })
}
