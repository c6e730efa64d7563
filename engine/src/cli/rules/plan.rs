//! `--plan`: whose sensors rules are judged by.

use std::process::ExitCode;

use clap::ValueEnum;

use crate::rule::Sensors;
#[cfg(feature = "bpf")]
use crate::scan;

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

/// Hands on the sensors and a few words on whose they are.
pub(super) fn with_sensors(plan: Plan, then: impl FnOnce(&Sensors, &str) -> ExitCode) -> ExitCode {
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
