//! `beewolf rules rollback` and `beewolf rules generations`: rules that were in force, and going back to them.

use std::{io::Write, path::PathBuf};

use clap::Args;
use jiff::Timestamp;

use super::sense::{Loading, Told, tell};
use crate::{
    event::value::Words,
    rule::{Input, Inputs, Role, Source},
    store::Generations,
};

/// Whose generations.
#[derive(Clone, Debug, Args)]
pub(super) struct Of {
    /// Configuration file; without it /etc/beewolf/beewolf.yml if there is one, else the defaults.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// What to go back to.
#[derive(Clone, Debug, Args)]
pub(super) struct To {
    /// Name of the generation; without it the one that was in force before the last one.
    generation: Option<String>,
    /// Goes back to the files instead.
    #[arg(long, conflicts_with = "generation")]
    release: bool,
    #[command(flatten)]
    of: Of,
}

impl Of {
    fn open(&self) -> Result<Generations, Told> {
        let loading = Loading { config: self.config.clone(), ..Loading::default() };
        let mut settings = loading.settings()?;
        // Without a configuration file the service has the default folder, too.
        let preset = crate::config::Config::default().reload.generations;
        let folder = settings.reload.generations.take().or(preset);
        let folder = folder.ok_or_else(|| tell("the configuration names no folder of generations"))?;
        if !folder.is_dir() {
            return Err(tell(format!("{}: no rules were kept there", folder.display())));
        }
        Generations::open(&folder, settings.reload.keep).map_err(|error| tell(format!("{}: {error}", folder.display())))
    }
}

/// The texts of a generation.
pub(super) fn inputs(generations: &Generations, name: &str) -> std::io::Result<Inputs> {
    let mut inputs = Inputs::default();
    for text in generations.read(name)? {
        let role = Role::parse(text.role.as_bytes()).ok_or_else(|| {
            std::io::Error::other(format!("`{}` is no role of a text: a newer version made it", text.role))
        })?;
        inputs.push(Input { role, source: Source::new(text.path, text.text), signature: text.signature });
    }
    Ok(inputs)
}

/// Lists what there is, last in force first.
pub(super) fn list(of: &Of) -> Result<(), Told> {
    let generations = of.open()?;
    let failed = |error| tell(format!("{}: {error}", generations.folder().display()));
    let pinned = generations.pinned();
    let mut out = std::io::stdout().lock();
    for kept in generations.list().map_err(failed)? {
        let used = Timestamp::try_from(kept.used).map(|time| format!("{time:.0}")).unwrap_or_default();
        let mark = if pinned.as_ref() == Some(&kept.name) { "  pinned" } else { "" };
        writeln!(out, "{}  in force on {used}  {} KiB{mark}", kept.name, kept.bytes.div_ceil(1024)).map_err(tell)?;
    }
    Ok(())
}

/// Pins a generation: the sensor brings it into force within seconds, or when it starts.
pub(super) fn run(to: &To) -> Result<(), Told> {
    let generations = to.of.open()?;
    let failed = |error| tell(format!("{}: {error}", generations.folder().display()));
    if to.release {
        generations.pin(None).map_err(failed)?;
        eprintln!("beewolf: no generation is pinned: the sensor takes the rules of the files");
        return Ok(());
    }
    let kept = generations.list().map_err(failed)?;
    let name = match &to.generation {
        Some(name) => {
            let mut named = kept.iter().filter(|kept| kept.name.starts_with(name.as_str()));
            match (named.next(), named.next()) {
                (Some(one), None) => one.name.clone(),
                (None, _) | (_, Some(_)) => {
                    return Err(tell(format!("`{name}` names no generation: `beewolf rules generations` lists them")));
                }
            }
        }
        None => {
            let now = generations.pinned().or_else(|| kept.first().map(|kept| kept.name.clone()));
            let older = kept.iter().skip_while(|kept| Some(&kept.name) != now.as_ref()).nth(1);
            older.ok_or_else(|| tell("there is no generation before the one in force"))?.name.clone()
        }
    };
    let inputs = inputs(&generations, &name).map_err(|error| tell(format!("generation {name} is damaged: {error}")))?;
    generations.pin(Some(&name)).map_err(failed)?;
    eprintln!(
        "beewolf: generation {name} ({} files) is pinned: the sensor takes it within seconds; `beewolf rules rollback --release` goes back to the files",
        inputs.texts().len()
    );
    Ok(())
}
