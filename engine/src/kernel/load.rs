//! Loads the probes and attaches what is wanted, best alternative first. Runs in the helper.

use std::{
    collections::BTreeMap,
    os::fd::{AsFd, AsRawFd, OwnedFd},
};

use aya::{
    Btf, Ebpf, EbpfLoader,
    maps::{Array, ArrayOfMaps, HashMap, Map, MapData},
    programs::Program,
};
use beewolf_ebpf::wire;

use super::{
    attach::{Alternative, Hook, KindPlan, KindSet, Plan, State, program_name},
    request::{ProgramFacts, StartRequest},
};
use crate::event::{Kind, exec::ENVIRONMENT};

/// Why nothing could be loaded.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    /// The kernel's own types could not be read: no BTF, or damaged.
    #[error("cannot read the kernel's types from /sys/kernel/btf/vmlinux: {0}")]
    Btf(#[from] aya::BtfError),
    /// The object was refused: the kernel lacks a map type, or memory.
    #[error("cannot load the probes: {0}")]
    Object(#[from] aya::EbpfError),
    /// A map of ours is not what it should be: the object and this file disagree.
    #[error("map {name}: {error}")]
    Map {
        /// Its name in the object.
        name: &'static str,
        /// What aya says.
        error: aya::maps::MapError,
    },
    /// The object lacks a map this file asks for.
    #[error("the object has no map {0}")]
    NoMap(&'static str),
    /// A descriptor could not be copied.
    #[error("cannot copy a descriptor: {0}")]
    Descriptor(#[from] std::io::Error),
}

/// Loaded programs with their links; dropping it detaches everything.
pub(super) struct Loaded {
    ebpf: Ebpf,
    /// What runs.
    pub(super) plan: Plan,
    /// The rings in use, then the counters.
    pub(super) descriptors: Vec<OwnedFd>,
    /// What came of each program that was tried: one that several kinds share is loaded once.
    tried: BTreeMap<String, Result<(), String>>,
    /// Kinds that come from the exits of system calls, one bit each.
    by_sys_exit: u32,
}

const RING_NAMES: [&str; wire::RINGS as usize] = [
    "ring_0", "ring_1", "ring_2", "ring_3", "ring_4", "ring_5", "ring_6", "ring_7", "ring_8", "ring_9", "ring_10",
    "ring_11", "ring_12", "ring_13", "ring_14", "ring_15",
];

impl Loaded {
    /// Loads everything the request asks for.
    pub(super) fn load(request: &StartRequest) -> Result<Self, LoadError> {
        let btf = Btf::from_sys_fs()?;
        let rings = request.rings.clamp(1, wire::RINGS);
        let mut loader = EbpfLoader::new();
        loader
            .btf(Some(&btf))
            .override_global("cfg_rings", &rings, true)
            .override_global("cfg_scope_cgroup", &request.scope_cgroup, true)
            .override_global("cfg_scope_level", &request.scope_level, true);
        for name in RING_NAMES.iter().take(rings as usize) {
            loader.map_max_entries(name, request.ring_bytes);
        }
        let ebpf = loader.load(beewolf_ebpf::OBSERVE)?;
        let mut loaded =
            Self { ebpf, plan: Plan::default(), descriptors: Vec::new(), tried: BTreeMap::new(), by_sys_exit: 0 };
        loaded.wire_rings(rings as usize)?;
        let counters = loaded.map_fd("counters")?;
        loaded.descriptors.push(counters);
        loaded.name_environment()?;
        loaded.attach_kinds(KindSet(request.kinds), &btf)?;
        loaded.attach_helpers(&btf, request.scope_cgroup != 0);
        Ok(loaded)
    }

    fn map_data(&self, name: &'static str) -> Result<&MapData, LoadError> {
        match self.ebpf.map(name) {
            Some(Map::Array(data) | Map::RingBuf(data)) => Ok(data),
            _ => Err(LoadError::NoMap(name)),
        }
    }

    fn map_fd(&self, name: &'static str) -> Result<OwnedFd, LoadError> {
        Ok(self.map_data(name)?.fd().as_fd().try_clone_to_owned()?)
    }

    fn wire_rings(&mut self, count: usize) -> Result<(), LoadError> {
        for (index, name) in (0u32..).zip(RING_NAMES.iter().copied().take(count)) {
            let ring = self.map_fd(name)?;
            // The object keeps the outer map: its descriptor's number stands in the programs until they are loaded.
            let outer = self.ebpf.map_mut("rings").ok_or(LoadError::NoMap("rings"))?;
            let mut outer: ArrayOfMaps<&mut MapData, MapData> =
                outer.try_into().map_err(|error| LoadError::Map { name: "rings", error })?;
            let inner = MapData::from_fd(ring.try_clone()?).map_err(|error| LoadError::Map { name, error })?;
            outer.set(index, &inner, 0).map_err(|error| LoadError::Map { name: "rings", error })?;
            self.descriptors.push(ring);
        }
        Ok(())
    }

    fn name_environment(&mut self) -> Result<(), LoadError> {
        let failed = |error| LoadError::Map { name: "env_names", error };
        let map = self.ebpf.map_mut("env_names").ok_or(LoadError::NoMap("env_names"))?;
        let mut map: HashMap<&mut MapData, u32, u8> = map.try_into().map_err(failed)?;
        ENVIRONMENT.iter().try_for_each(|name| map.insert(first_four(name), 1, 0)).map_err(failed)
    }

    /// Attaches kinds that nobody has wanted so far.
    pub(super) fn attach_more(&mut self, kinds: KindSet) -> Result<(), LoadError> {
        let btf = Btf::from_sys_fs()?;
        self.attach_kinds(kinds, &btf)
    }

    /// Attaches the kinds that are wanted and have not been before.
    fn attach_kinds(&mut self, wanted: KindSet, btf: &Btf) -> Result<(), LoadError> {
        let before = std::mem::take(&mut self.plan.kinds);
        for kind in Kind::ALL.iter().copied().filter(|kind| kind.is_from_kernel()) {
            let settled = before
                .iter()
                .find(|plan| plan.kind == kind.name())
                .filter(|plan| !wanted.contains(kind) || plan.is_settled());
            if let Some(settled) = settled {
                self.plan.kinds.push(settled.clone());
                continue;
            }
            let mut plan = KindPlan { kind: kind.name().to_owned(), alternatives: Vec::new() };
            let mut running = false;
            for source in kind.sources() {
                let state = if !wanted.contains(kind) {
                    State::NotWanted
                } else if running {
                    State::NotNeeded
                } else {
                    let mut outcome = Ok(());
                    for section in source.hooks {
                        let Some(hook) = Hook::parse(section) else { continue };
                        let name = program_name(kind, hook);
                        outcome = self
                            .tried
                            .entry(name.clone())
                            .or_insert_with(|| attach(&mut self.ebpf, &name, hook, btf))
                            .clone();
                        if outcome.is_err() {
                            break;
                        }
                    }
                    match outcome {
                        Ok(()) => {
                            running = true;
                            if source.hooks.contains(&"tp_btf/sys_exit") {
                                self.by_sys_exit |= 1 << kind.wire();
                            }
                            State::Attached
                        }
                        Err(reason) => {
                            // One action must not give two events: what did attach of a failed alternative goes.
                            for section in source.hooks {
                                if let Some(hook) = Hook::parse(section)
                                    && !section.ends_with("/sys_exit")
                                {
                                    detach(&mut self.ebpf, &program_name(kind, hook));
                                }
                            }
                            State::Failed(reason)
                        }
                    }
                };
                plan.alternatives.push(Alternative { name: source.name.to_owned(), state });
            }
            self.plan.kinds.push(plan);
        }
        let map = self.ebpf.map_mut("sys_exit_kinds").ok_or(LoadError::NoMap("sys_exit_kinds"))?;
        let mut map: Array<&mut MapData, u32> =
            map.try_into().map_err(|error| LoadError::Map { name: "sys_exit_kinds", error })?;
        map.set(0, self.by_sys_exit, 0).map_err(|error| LoadError::Map { name: "sys_exit_kinds", error })
    }

    fn attach_helpers(&mut self, btf: &Btf, scoped: bool) {
        let entered = if scoped {
            match attach(&mut self.ebpf, "task_cgroup_attach_task", Hook::Tracepoint("cgroup_attach_task"), btf) {
                Ok(()) => State::Attached,
                Err(reason) => State::Failed(reason),
            }
        } else {
            State::NotNeeded
        };
        self.plan.helpers.push(Alternative { name: "scope_entry".to_owned(), state: entered });
        let iterator = match self.ebpf.program_mut("task_iter") {
            Some(Program::Iter(program)) => program.load("task", btf).map_err(|error| reason(&error)),
            _ => Err("the object has no such program".to_owned()),
        };
        let state = match iterator {
            Ok(()) => State::Attached,
            Err(reason) => State::Failed(reason),
        };
        self.plan.helpers.push(Alternative { name: "task_iterator".to_owned(), state });
    }

    /// A descriptor that gives a record per process in scope when it is read.
    pub(super) fn iterate(&mut self) -> Result<OwnedFd, String> {
        let Some(Program::Iter(program)) = self.ebpf.program_mut("task_iter") else {
            return Err("the object has no task iterator".to_owned());
        };
        let link = program.attach().map_err(|error| reason(&error))?;
        let link = program.take_link(link).map_err(|error| reason(&error))?;
        Ok(link.into_file().map_err(|error| reason(&error))?.into())
    }

    /// What the kernel says of each program that is loaded.
    pub(super) fn programs(&self) -> BTreeMap<String, ProgramFacts> {
        let mut facts = BTreeMap::new();
        for (name, program) in self.ebpf.programs() {
            let Ok(fd) = program.fd() else { continue };
            let path = format!("/proc/self/fdinfo/{}", fd.as_fd().as_raw_fd());
            let Ok(text) = crate::store::read_capped(std::path::Path::new(&path), 1 << 16) else { continue };
            let text = String::from_utf8_lossy(&text);
            let number = |label: &str| {
                let found = text.lines().find_map(|line| line.strip_prefix(label)?.trim().parse().ok());
                found.unwrap_or(0)
            };
            let one = ProgramFacts {
                recursion_misses: number("recursion_misses:"),
                runs: number("run_cnt:"),
                run_time_ns: number("run_time_ns:"),
            };
            facts.insert(name.to_owned(), one);
        }
        facts
    }
}

fn attach(ebpf: &mut Ebpf, name: &str, hook: Hook<'_>, btf: &Btf) -> Result<(), String> {
    let program = ebpf.program_mut(name).ok_or_else(|| format!("the object has no program {name}"))?;
    match (program, hook) {
        (Program::FExit(program), Hook::FunctionExit(target)) => {
            program.load(target, btf).map_err(|error| reason(&error))?;
            program.attach().map(drop).map_err(|error| reason(&error))
        }
        (Program::BtfTracePoint(program), Hook::Tracepoint(target)) => {
            program.load(target, btf).map_err(|error| reason(&error))?;
            program.attach().map(drop).map_err(|error| reason(&error))
        }
        _ => Err(format!("program {name} is of another type than its hook {hook:?}")),
    }
}

fn detach(ebpf: &mut Ebpf, name: &str) {
    // Unloading drops the links; a program that was never loaded has nothing to drop.
    let outcome = match ebpf.program_mut(name) {
        Some(Program::FExit(program)) => program.unload(),
        Some(Program::BtfTracePoint(program)) => program.unload(),
        _ => Ok(()),
    };
    if let Err(error) = outcome {
        tracing::debug!(name, %error, "not unloaded");
    }
}

/// An error with all its causes on one line, the verifier's log cut to its end.
fn reason(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    let text = text.trim_end().replace('\n', " | ");
    let keep = 1500;
    match text.char_indices().rev().nth(keep) {
        Some((start, _)) if text.len() > keep => format!("...{}", text.get(start..).unwrap_or_default()),
        _ => text,
    }
}

/// The first four bytes of `NAME=`, as the probe reads them.
fn first_four(name: &str) -> u32 {
    let mut bytes = [0; 4];
    for (place, byte) in bytes.iter_mut().zip(name.bytes().chain(*b"=")) {
        *place = byte;
    }
    u32::from_ne_bytes(bytes)
}
