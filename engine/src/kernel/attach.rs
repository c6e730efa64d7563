//! The attach table: which alternatives each event kind has, and what came of them here.
//!
//! The alternatives themselves stand in the kinds' own files ([`crate::event::Source`]); this
//! module turns their hooks into programs and keeps the record of what was tried.

use serde::{Deserialize, Serialize};

use crate::event::Kind;

/// A set of kinds, one bit per number of `wire.h`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindSet(pub u32);

impl KindSet {
    /// All kinds.
    #[must_use]
    pub fn all() -> Self {
        Kind::ALL.iter().copied().collect()
    }

    /// Whether it has `kind`.
    #[must_use]
    pub fn contains(self, kind: Kind) -> bool {
        self.0 >> kind.wire() & 1 == 1
    }
}

impl FromIterator<Kind> for KindSet {
    fn from_iter<I: IntoIterator<Item = Kind>>(kinds: I) -> Self {
        Self(kinds.into_iter().fold(0, |bits, kind| bits | 1 << kind.wire()))
    }
}

/// How a program is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook<'h> {
    /// At the return of a kernel function, through a trampoline.
    FunctionExit(&'h str),
    /// At a tracepoint, with typed arguments.
    Tracepoint(&'h str),
}

impl<'h> Hook<'h> {
    /// Of a section name.
    #[must_use]
    pub fn parse(section: &'h str) -> Option<Self> {
        let (kind, target) = section.split_once('/')?;
        match kind {
            "fexit" => Some(Self::FunctionExit(target)),
            "tp_btf" => Some(Self::Tracepoint(target)),
            _ => None,
        }
    }

    /// Name of the kernel function or tracepoint.
    #[must_use]
    pub fn target(self) -> &'h str {
        match self {
            Self::FunctionExit(target) | Self::Tracepoint(target) => target,
        }
    }
}

/// The program of a kind at a hook: `<event>_<target>`; `sys_exit` has one program for all kinds.
#[must_use]
pub fn program_name(kind: Kind, hook: Hook<'_>) -> String {
    match hook {
        Hook::Tracepoint("sys_exit") => "sys_exit_sys_exit".to_owned(),
        Hook::FunctionExit(target) | Hook::Tracepoint(target) => format!("{}_{target}", kind.name()),
    }
}

/// What came of one alternative.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "reason")]
pub enum State {
    /// It runs.
    Attached,
    /// It was tried and failed, for this reason.
    Failed(String),
    /// A better one runs.
    NotNeeded,
    /// No rule, sink or view asks for the kind.
    NotWanted,
}

/// One line of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alternative {
    /// Name of the source, as in the kind's file.
    pub name: String,
    /// What came of it.
    #[serde(flatten)]
    pub state: State,
}

/// How one kind of event is had on this host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindPlan {
    /// Name of the kind.
    pub kind: String,
    /// Its alternatives, best first.
    pub alternatives: Vec<Alternative>,
}

impl KindPlan {
    /// Whether somebody has wanted it, and it was tried.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.alternatives.iter().any(|one| one.state != State::NotWanted)
    }

    /// The alternative that runs.
    #[must_use]
    pub fn running(&self) -> Option<&str> {
        self.alternatives.iter().find(|one| one.state == State::Attached).map(|one| one.name.as_str())
    }
}

/// How all kinds are had on this host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// One per kind.
    pub kinds: Vec<KindPlan>,
    /// Programs beside the kinds' own, and what came of them: the task iterator, scope entry.
    pub helpers: Vec<Alternative>,
}

impl Plan {
    /// The plan in a few words: `trampoline 5, tracepoint 3`.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut parts = Vec::new();
        for name in ["trampoline", "tracepoint"] {
            let count = self.kinds.iter().filter(|plan| plan.running() == Some(name)).count();
            if count > 0 {
                parts.push(format!("{name} {count}"));
            }
        }
        let missing = self
            .kinds
            .iter()
            .filter(|plan| {
                plan.running().is_none() && plan.alternatives.iter().any(|one| matches!(one.state, State::Failed(_)))
            })
            .count();
        if missing > 0 {
            parts.push(format!("missing {missing}"));
        }
        if parts.is_empty() { "nothing attached".to_owned() } else { parts.join(", ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hook_of_every_kind_has_a_program_in_the_object() {
        let object = beewolf_ebpf::OBSERVE;
        for kind in Kind::ALL {
            for hook in kind.sources().iter().flat_map(|source| source.hooks) {
                let parsed = Hook::parse(hook).expect("a known section");
                let name = program_name(*kind, parsed);
                assert!(memchr::memmem::find(object, name.as_bytes()).is_some(), "no program {name}");
                assert!(memchr::memmem::find(object, hook.as_bytes()).is_some(), "no section {hook}");
            }
        }
    }

    #[test]
    fn kinds_have_the_numbers_of_the_wire() {
        use beewolf_ebpf::wire;
        let numbers = [
            (Kind::Exec, wire::EXEC),
            (Kind::Fork, wire::FORK),
            (Kind::Exit, wire::EXIT),
            (Kind::FileOpen, wire::FILE_OPEN),
            (Kind::Connect, wire::CONNECT),
            (Kind::Accept, wire::ACCEPT),
            (Kind::Bind, wire::BIND),
            (Kind::Listen, wire::LISTEN),
        ];
        assert_eq!(numbers.len(), Kind::ALL.iter().filter(|kind| kind.is_from_kernel()).count());
        assert!(Kind::ALL.iter().all(|kind| kind.is_from_kernel() == (kind.wire() < 24) && kind.wire() < 32));
        for (kind, number) in numbers {
            assert_eq!(u32::from(kind.wire()), number, "{}", kind.name());
        }
    }
}
