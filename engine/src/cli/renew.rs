//! The rules that a sensor starts with and goes on with: the files, or what was in force before.

use std::{
    fmt::Display,
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
};

use jiff::Timestamp;

use super::{
    generations::inputs,
    live,
    sense::{self, Ready, Told, tell},
};
use crate::{
    config::Config,
    event::value::Words,
    indicator::Lists,
    pipeline::{
        live::Attacher,
        renewal::{Origin, Renewal},
    },
    rule::{Diagnostics, Input, Inputs, fingerprint},
    store::{Generations, Text},
};

/// The rules to start with.
pub(super) struct First {
    pub(super) ready: Ready,
    pub(super) keeper: Keeper,
    /// The fingerprint of the files before they were read.
    pub(super) fingerprint: u64,
    /// What somebody has to see to: these are not the rules of the files.
    pub(super) alarm: Option<String>,
}

/// What is needed to find other rules later.
pub(super) struct After {
    pub(super) keeper: Keeper,
    /// The indicator lists in force.
    pub(super) indicators: Arc<Lists>,
    /// The fingerprint of the files before those in force were read.
    pub(super) fingerprint: u64,
}

/// Keeps the rules that are in force and finds those to go on with.
pub(super) struct Keeper {
    generations: Option<Generations>,
}

/// Reads the rules to start with: the pinned generation, else the files, else the generation last in force.
pub(super) fn first(settings: &Config) -> Result<First, Told> {
    let keeper = Keeper::open(settings);
    let fingerprint = fingerprint(&watched(settings, &keeper));
    let none = Lists::default();
    let mut alarm = None;
    let ready = match keeper.read(settings, &none) {
        Ok(ready) => ready,
        Err(told) => {
            let (ready, message) = keeper.last(settings, &none).ok_or(told)?;
            eprintln!("beewolf: {message}");
            alarm = Some(message);
            ready
        }
    };
    Ok(First { ready, keeper, fingerprint, alarm })
}

impl Keeper {
    fn open(settings: &Config) -> Self {
        let open = |folder: &PathBuf| {
            Generations::open(folder, settings.reload.keep).map_err(|error| unusable(folder.display(), &error)).ok()
        };
        Self { generations: settings.reload.generations.as_ref().and_then(open) }
    }

    /// The folder that is written.
    pub(super) fn folder(&self) -> Option<PathBuf> {
        self.generations.as_ref().map(|generations| generations.folder().to_owned())
    }

    /// Remembers rules of the files as those last in force. Those of a generation that is pinned keep their age.
    pub(super) fn keep(&self, inputs: &Inputs) {
        let Some(generations) = self.generations.as_ref().filter(|it| it.pinned().is_none()) else { return };
        let texts: Vec<Text> = inputs
            .texts()
            .iter()
            .map(|Input { role, source, signature }| Text {
                role: role.word().to_owned(),
                path: source.name.clone(),
                text: source.text.clone(),
                signature: signature.clone(),
            })
            .collect();
        if let Err(error) = generations.keep(&inputs.generation(), &texts) {
            unusable(generations.folder().display(), &error);
        }
    }

    /// The pinned generation, or the files.
    fn read(&self, settings: &Config, before: &Lists) -> Result<Ready, Told> {
        let pinned = self.generations.as_ref().and_then(|generations| Some((generations, generations.pinned()?)));
        let Some((generations, name)) = pinned else {
            let mut diagnostics = Diagnostics::default();
            let inputs = Inputs::read(&sense::places(settings), &mut diagnostics);
            return sense::ready(inputs, settings, diagnostics, before)?.scanning();
        };
        eprintln!("beewolf: generation {name} is pinned; `beewolf rules rollback --release` goes back to the files");
        let inputs = inputs(generations, &name).map_err(|error| tell(format!("generation {name}: {error}")))?;
        sense::ready(inputs, settings, Diagnostics::default(), before)?.scanning()
    }

    /// The generation last in force that can still be used, and what to tell of it.
    fn last(&self, settings: &Config, before: &Lists) -> Option<(Ready, String)> {
        let generations = self.generations.as_ref()?;
        generations.list().ok()?.into_iter().find_map(|kept| {
            let inputs = inputs(generations, &kept.name).ok()?;
            let ready = sense::ready(inputs, settings, Diagnostics::default(), before).ok()?.scanning().ok()?;
            let used = Timestamp::try_from(kept.used).map_or_else(|_| "some time".to_owned(), |time| time.to_string());
            Some((
                ready,
                format!("the rules cannot be used: generation {}, in force on {used}, is used instead", kept.name),
            ))
        })
    }
}

fn unusable(folder: impl Display, error: &std::io::Error) {
    eprintln!("beewolf: {folder}: rules to fall back on cannot be kept: {error}");
}

/// Files and folders that are looked at again while the sensor runs.
pub(super) fn watched(settings: &Config, keeper: &Keeper) -> Vec<PathBuf> {
    let places = sense::places(settings);
    let lists = settings.indicators.iter().map(|list| &list.spec.path);
    let pin = keeper.generations.as_ref().map(Generations::pin_file);
    places.paths().chain(lists).cloned().chain(pin).collect()
}

/// What must stay readable for that. An editor puts another file in the place of one: then its folder has to be.
pub(super) fn readable(settings: &Config, keeper: &Keeper) -> Vec<PathBuf> {
    let folder = |path: PathBuf| {
        let path = path.canonicalize().unwrap_or(path);
        match path.parent() {
            Some(parent) if !path.is_dir() => parent.to_owned(),
            Some(_) | None => path,
        }
    };
    watched(settings, keeper).into_iter().map(folder).filter(|path| path.exists()).collect()
}

/// Where new rules come from.
pub(super) fn origin(settings: Config, after: After, asked: Arc<AtomicBool>, attacher: Attacher) -> Origin {
    let After { keeper, indicators, fingerprint: in_force } = after;
    let paths = watched(&settings, &keeper);
    let interval = settings.reload.interval;
    let mut lists = indicators;
    let read = move || {
        let Ready { rules, whitelist, inputs, indicators, yara } = keeper.read(&settings, &lists).ok()?;
        lists = indicators;
        match attacher.attach(live::kinds_of(&rules).collect()) {
            Ok(plan) => {
                for kind in rules.needed_kinds() {
                    if !plan.kinds.iter().any(|plan| plan.kind == kind.name() && plan.running().is_some()) {
                        eprintln!("beewolf: {} events cannot be had here; `beewolf doctor` says why", kind.name());
                    }
                }
            }
            Err(error) => eprintln!("beewolf: no more events can be had for the new rules: {error}"),
        }
        keeper.keep(&inputs);
        Some(Renewal { rules, whitelist, yara })
    };
    Origin { in_force, interval, asked, look: Box::new(move || fingerprint(&paths)), read: Box::new(read) }
}
