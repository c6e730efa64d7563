//! `--plan`: whose sensors rules are judged by.

use std::process::ExitCode;

use clap::ValueEnum;

use super::{Paths, colour};
#[cfg(feature = "bpf")]
use crate::scan;
use crate::{
    cli::print::counted,
    rule::{Loaded, Reach, Sensors, reach},
};

/// Whose sensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Plan {
    /// This host's: every probe is loaded, where it sees nobody. Needs root.
    Host,
    /// A kernel without trampolines.
    Tracepoint,
    /// A kernel with trampolines.
    Trampoline,
}

/// Rules, and how far each can fire.
pub(super) struct Judged<'j> {
    /// The rules.
    pub(super) rules: &'j [Loaded],
    /// What was found of each.
    pub(super) found: &'j [Reach],
    /// What they were judged by.
    pub(super) sensors: &'j Sensors,
    /// A few words on whose sensors those are.
    pub(super) whose: &'j str,
}

/// Reads rules, judges them and hands them on. Errors in them are printed, and end it.
pub(super) fn judge(paths: &Paths, plan: Plan, then: impl FnOnce(&Judged<'_>) -> ExitCode) -> ExitCode {
    with_sensors(plan, |sensors, whose| {
        let (rules, problems) = paths.read();
        if problems.has_errors() {
            eprint!("{}", problems.render(colour()));
            eprintln!(
                "beewolf: {} in the rules; `beewolf rules check` shows them alone",
                counted(problems.errors(), "error")
            );
            return ExitCode::from(1);
        }
        let found = reach(&rules, sensors);
        then(&Judged { rules: &rules, found: &found, sensors, whose })
    })
}

/// Hands on the sensors and a few words on whose they are.
fn with_sensors(plan: Plan, then: impl FnOnce(&Sensors, &str) -> ExitCode) -> ExitCode {
    match plan {
        Plan::Host => ask_host(then),
        Plan::Tracepoint => then(&Sensors::preferring("tracepoint"), "any host without trampolines"),
        Plan::Trampoline => then(&Sensors::preferring("trampoline"), "any host with trampolines"),
    }
}

#[cfg(feature = "bpf")]
fn ask_host(then: impl FnOnce(&Sensors, &str) -> ExitCode) -> ExitCode {
    crate::cli::doctor::ask(|host, plan| match (plan, host.refusal()) {
        (Some(plan), _) => {
            let running = |name: &str| plan.kinds.iter().find(|one| one.kind == name)?.running();
            let sensors = Sensors::new(|kind| {
                if !kind.is_from_kernel() {
                    return kind.sources().first().filter(|_| scan::BUILT_IN);
                }
                let running = running(kind.name())?;
                kind.sources().iter().find(|source| source.name == running)
            });
            then(&sensors, &format!("this host: kernel {}, {}", host.kernel, plan.summary()))
        }
        (None, why) => cannot_ask(why.unwrap_or("the probes cannot be loaded")),
    })
}

#[cfg(not(feature = "bpf"))]
fn ask_host(_: impl FnOnce(&Sensors, &str) -> ExitCode) -> ExitCode {
    cannot_ask("this program was built without the `bpf` feature")
}

fn cannot_ask(why: &str) -> ExitCode {
    eprintln!("beewolf: this host cannot be asked: {why}");
    eprintln!("beewolf: say which host is meant: --plan trampoline or --plan tracepoint");
    ExitCode::from(1)
}
