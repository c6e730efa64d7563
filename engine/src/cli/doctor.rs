//! `beewolf doctor`: what can be sensed on this host, how, and what is missing.

use std::process::ExitCode;

use serde_json::json;

use super::{print, print::As, sense::tell};
use crate::{
    event::Kind,
    kernel::{
        self, Role, StartRequest,
        attach::{KindSet, Plan, State},
        probe::Host,
    },
    scan,
};

/// Says per event kind which alternatives there are, which one runs and why, and what is sure, racy
/// or absent with it.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    form: As,
}

/// An id no cgroup has: the probes are loaded and see nobody.
const NOBODY: u64 = u64::MAX;

/// Runs it.
pub(super) fn run(arguments: Arguments) -> ExitCode {
    ask(|host, plan| show(host, plan, arguments.form))
}

/// Loads every probe where it sees nobody, and hands on what came of it; no plan where nothing can be sensed.
pub(super) fn ask(then: impl FnOnce(&Host, Option<&Plan>) -> ExitCode) -> ExitCode {
    let host = Host::look();
    if host.refusal().is_some() {
        return then(&host, None);
    }
    match kernel::split() {
        Ok(Role::Helper(code)) => ExitCode::from(code),
        Ok(Role::Engine(client)) => {
            let request = StartRequest {
                kinds: KindSet::all().0,
                rings: 1,
                ring_bytes: 4096,
                scope_level: 0,
                scope_cgroup: NOBODY,
            };
            match client.start(request) {
                Ok(started) => then(&host, Some(&started.plan)),
                Err(error) => tell(format!("cannot load the probes: {error}")).into(),
            }
        }
        Err(error) => tell(format!("cannot start the helper process: {error}")).into(),
    }
}

fn state_words(state: &State) -> (&'static str, Option<&str>) {
    match state {
        State::Attached => ("runs", None),
        State::Failed(reason) => ("not here", Some(reason)),
        State::NotNeeded => ("not needed", None),
        State::NotWanted => ("not asked for", None),
    }
}

/// What is to be said of scanning, which needs nothing of the kernel.
fn made() -> (&'static str, Option<&'static str>) {
    if scan::BUILT_IN {
        ("runs", None)
    } else {
        ("not here", Some("this program was built without YARA (`--features yara`)"))
    }
}

fn show(host: &Host, plan: Option<&Plan>, form: As) -> ExitCode {
    if form.json() {
        let kinds: Vec<_> = Kind::ALL.iter().map(|kind| kind_json(*kind, plan)).collect();
        return print::json(&json!({
            "host": host,
            "refusal": host.refusal(),
            "refusing": host.refusing(),
            "kinds": kinds,
            "helpers": plan.map(|plan| &plan.helpers),
        }));
    }
    let mut text = format!("kernel {}\n", host.kernel);
    text.push_str(&format!("  BTF: {}\n", yes(host.btf)));
    text.push_str(&format!("  capabilities: {}\n", yes(host.capabilities)));
    text.push_str(&format!("  cgroup version 2: {}\n", host.cgroup2.as_deref().unwrap_or("not mounted")));
    text.push_str(&format!(
        "  pid namespace: {}\n",
        if host.initial_pid_namespace { "initial" } else { "not the initial one: /proc cannot name processes" }
    ));
    text.push_str(&format!("  {}\n", host.refusing()));
    if let Some(refusal) = host.refusal() {
        text.push_str(&format!("\nnothing can be sensed here: {refusal}\n"));
    }
    for kind in Kind::ALL {
        text.push_str(&format!("\n{}\n", kind.name()));
        let states = plan.and_then(|plan| plan.kinds.iter().find(|one| one.kind == kind.name()));
        for source in kind.sources() {
            let state = states.and_then(|states| states.alternatives.iter().find(|one| one.name == source.name));
            let (word, reason) = match state {
                Some(one) => state_words(&one.state),
                None if kind.is_from_kernel() => ("not tried", None),
                None => made(),
            };
            let hooks = if kind.is_from_kernel() { source.hooks.join(", ") } else { "YARA rules on files".to_owned() };
            text.push_str(&format!("  {:<11} {word:<11} {hooks}\n", source.name));
            if let Some(reason) = reason {
                text.push_str(&format!("              why: {}\n", short(reason)));
            }
            if word != "runs" {
                continue;
            }
            let sees = if source.outcome { "the outcome" } else { "the attempt only" };
            text.push_str(&format!("              sees {sees}; all fields are sure"));
            if !source.racy.is_empty() {
                text.push_str(&format!(" but racy: {}", source.racy.join(", ")));
            }
            if !source.absent.is_empty() {
                text.push_str(&format!("; absent: {}", source.absent.join(", ")));
            }
            text.push('\n');
            if !source.misses.is_empty() {
                text.push_str(&format!("              misses {}\n", source.misses));
            }
        }
    }
    for helper in plan.iter().flat_map(|plan| &plan.helpers) {
        let (word, reason) = state_words(&helper.state);
        let reason = reason.map(|reason| format!(": {}", short(reason))).unwrap_or_default();
        text.push_str(&format!("\n{}: {word}{reason}", helper.name));
    }
    text.push('\n');
    print::text(&text)
}

/// The end of a long reason: a verifier's log ends with what it objected to.
fn short(reason: &str) -> String {
    const MAX: usize = 240;
    let reason = reason.trim_end_matches("Verifier output:").trim_end_matches(['.', ' ']);
    let count = reason.chars().count();
    if count <= MAX {
        return reason.to_owned();
    }
    let tail: String = reason.chars().skip(count - MAX).collect();
    format!("...{tail}")
}

fn yes(flag: bool) -> &'static str {
    if flag { "yes" } else { "no" }
}

fn kind_json(kind: Kind, plan: Option<&Plan>) -> serde_json::Value {
    let states = plan.and_then(|plan| plan.kinds.iter().find(|one| one.kind == kind.name()));
    let alternatives: Vec<_> = kind
        .sources()
        .iter()
        .map(|source| {
            let state = states.and_then(|states| states.alternatives.iter().find(|one| one.name == source.name));
            json!({
                "name": source.name,
                "hooks": source.hooks,
                "state": state.map(|one| &one.state),
                "racy": source.racy,
                "absent": source.absent,
                "misses": source.misses,
                "outcome": source.outcome,
            })
        })
        .collect();
    let running = match states {
        None if !kind.is_from_kernel() && scan::BUILT_IN => kind.sources().first().map(|source| source.name),
        states => states.and_then(|states| states.running()),
    };
    json!({ "kind": kind.name(), "running": running, "alternatives": alternatives })
}
