//! Recordings through the rules, as a replay takes them, for commands that look at what is found.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    alert::Alert,
    cli::sense::{self, Told, tell},
    config::Config,
    detect::RuleSet,
    event::{Event, value::Time},
    store::recording::{Item, Reader},
    whitelist::Whitelist,
};

/// Damaged lines of one recording that are told one by one.
const MAX_TOLD: u64 = 20;

/// What one recording held.
#[derive(Clone, Debug)]
pub(super) struct Recording {
    /// The file.
    pub(super) path: PathBuf,
    /// Events.
    pub(super) events: u64,
    /// Lines that said nothing.
    pub(super) damaged: u64,
    /// The time of the oldest event.
    pub(super) first: Option<Time>,
    /// The time of the newest one.
    pub(super) last: Option<Time>,
}

/// What is found on the way.
pub(super) enum Found<'a> {
    /// An alert, suppressed ones and repeats too, and the line of the event that completed it.
    Match(&'a Alert, u64),
    /// An alert as it is delivered.
    Delivered(&'a Alert),
}

impl Recording {
    /// How long it lasted, nanoseconds.
    pub(super) fn length_ns(&self) -> i64 {
        self.first.zip(self.last).map_or(0, |(Time(first), Time(last))| last.saturating_sub(first))
    }

    fn see(&mut self, event: &Event) {
        self.events += 1;
        let times = |known: Option<Time>| known.into_iter().chain(event.time);
        self.first = times(self.first).min_by_key(|Time(ns)| *ns);
        self.last = times(self.last).max_by_key(|Time(ns)| *ns);
    }
}

/// Gives every event of a recording, completed, with its line.
pub(super) fn events(path: &Path, settings: &Config, mut each: impl FnMut(Arc<Event>, u64)) -> Result<Recording, Told> {
    let max_line = settings.recording.max_line_bytes;
    let hint = |error| {
        tell(error);
        tell("`beewolf trace --record FILE` makes recordings")
    };
    Reader::header(path, max_line).map_err(hint)?;
    let mut reader = Reader::open(path, max_line).map_err(hint)?;
    let mut enricher = sense::enricher_of_recording(settings);
    let mut seen = Recording { path: path.to_owned(), events: 0, damaged: 0, first: None, last: None };
    while let Some(item) = reader.next() {
        match item {
            Item::Event(mut event) => {
                enricher.apply(&mut event);
                seen.see(&event);
                each(Arc::from(event), reader.summary().lines);
            }
            Item::Damaged { line, why } => {
                seen.damaged += 1;
                if seen.damaged <= MAX_TOLD {
                    eprintln!("beewolf: {}:{line}: {why}", path.display());
                }
            }
            Item::Header(_) | Item::Loss(_) | Item::Manifest(_) => {}
        }
    }
    if seen.damaged > MAX_TOLD {
        eprintln!("beewolf: {}: {} more damaged lines", path.display(), seen.damaged - MAX_TOLD);
    }
    Ok(seen)
}

/// Takes recordings through rules, whitelist and de-duplication, each as if it were the only one.
pub(super) fn judge(
    paths: &[PathBuf],
    settings: &Config,
    rules: &RuleSet,
    whitelist: &Whitelist,
    mut found: impl FnMut(Found<'_>),
) -> Result<Vec<Recording>, Told> {
    let mut recordings = Vec::new();
    for path in paths {
        let (mut state, mut dedup) = (sense::state(settings), sense::dedup(settings));
        recordings.push(events(path, settings, |event, line| {
            if let Some(Time(ns)) = event.time {
                dedup.tick(ns, &mut |alert| found(Found::Delivered(&alert)));
            }
            rules.evaluate(&event, &mut state, &mut |mut alert| {
                whitelist.judge(&mut alert);
                found(Found::Match(&alert, line));
                dedup.take(alert, &mut |alert| found(Found::Delivered(&alert)));
            });
        })?);
        dedup.finish(&mut |alert| found(Found::Delivered(&alert)));
    }
    Ok(recordings)
}
