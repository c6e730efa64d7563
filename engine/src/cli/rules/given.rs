//! What commands on events are given: rules and whitelists as `replay` has them, and one event.

use std::{
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    alert,
    cli::{
        print::counted,
        sense::{self, Loading, Told, tell},
    },
    config::Config,
    event::{
        Event,
        json::{self, FieldError},
    },
    indicator::Lists,
    rule::{Diagnostics, Entry, Inputs, Loaded, Role, loader},
    store::{self, CappedError, Lines},
};

/// Bytes of one event.
const MAX_EVENT_BYTES: u64 = 16 << 20;

/// Rules as they were read, for commands that show them.
pub(super) struct Given {
    /// The configuration.
    pub(super) settings: Config,
    /// The rules, broken ones left out.
    pub(super) rules: Vec<Loaded>,
    /// What is wrong with the others.
    pub(super) problems: Diagnostics,
    /// The entries of all whitelists.
    pub(super) whitelist: Vec<Entry>,
}

impl Given {
    /// Reads what the options name. Problems of whitelists are printed.
    pub(super) fn read(loading: &Loading) -> Result<Self, Told> {
        let settings = loading.settings()?;
        let indicators: Arc<Lists> = Arc::new(sense::indicators(&settings, &Lists::default())?);
        let mut problems = Diagnostics::default();
        let inputs = Inputs::read(&sense::places(&settings), &mut problems);
        let loader = sense::loader(&inputs, settings.selection.clone(), &indicators, &mut problems);
        let (rules, more) = loader.read(&inputs.of(Role::Rules));
        problems.extend(more);
        let mut found = Diagnostics::default();
        let whitelist = loader::whitelists(&inputs.of(Role::Whitelist), &indicators, &mut found);
        if found.has_errors() {
            eprint!("{}", found.render(sense::colour()));
            return Err(tell(format!("{} in the whitelists", counted(found.errors(), "error"))));
        }
        Ok(Self { settings, rules, problems, whitelist })
    }
}

/// An event, or an alert for the event in it: a JSON file, a line of a recording as `FILE:LINE`, or `-` for standard
/// input.
pub(super) fn event(text: &str, max_line: usize) -> Result<Event, Told> {
    let (name, bytes) = match numbered(text) {
        Some((path, number)) => (text.to_owned(), line(&path, number, max_line)?),
        None if text == "-" => {
            let mut bytes = Vec::new();
            let mut input = std::io::stdin().lock().take(MAX_EVENT_BYTES);
            input.read_to_end(&mut bytes).map_err(|error| tell(format!("standard input: {error}")))?;
            ("standard input".to_owned(), bytes)
        }
        None => (text.to_owned(), file(Path::new(text))?),
    };
    let (event, unfit) = json::read(&bytes).map_err(|error| {
        tell(format!("{name}: {error}"));
        tell(if bytes.trim_ascii().contains(&b'\n') {
            format!("to take one line of a recording write {name}:LINE")
        } else {
            "an event is a JSON object with `event.action`; `beewolf list fields` has the names".to_owned()
        })
    })?;
    // An alert has the members of its event beside its own.
    let is_of_alert = |error: &FieldError| matches!(error, FieldError::Unknown(name) if alert::MEMBERS.iter().any(|member| member.name == name));
    for error in unfit.iter().filter(|error| !is_of_alert(error)) {
        eprintln!("beewolf: {name}: {error}; the event is taken without it");
    }
    Ok(event)
}

/// `FILE:LINE`, unless there is a file of that very name.
fn numbered(text: &str) -> Option<(PathBuf, u64)> {
    let (path, number) = text.rsplit_once(':')?;
    let number = number.parse().ok().filter(|number| *number > 0)?;
    (!Path::new(text).exists()).then(|| (PathBuf::from(path), number))
}

fn file(path: &Path) -> Result<Vec<u8>, Told> {
    store::read_capped(path, MAX_EVENT_BYTES).map_err(|error| {
        let told = tell(&error);
        match error {
            CappedError::TooLarge { path, .. } => {
                tell(format!("to take one line of a recording write {}:LINE", path.display()))
            }
            CappedError::Io { .. } | CappedError::NotAFile(_) | CappedError::NotText { .. } => told,
        }
    })
}

fn line(path: &Path, number: u64, max_line: usize) -> Result<Vec<u8>, Told> {
    let mut lines = Lines::open(path, max_line).map_err(tell)?;
    for at in 1..=number {
        match lines.advance() {
            Some(Ok(_)) => {}
            Some(Err(_)) if at < number => {}
            Some(Err(error)) => return Err(tell(format!("{}:{number}: {error}", path.display()))),
            None => return Err(tell(format!("{} has only {} lines", path.display(), at - 1))),
        }
    }
    Ok(lines.line().to_vec())
}
