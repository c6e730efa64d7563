//! Replay: a recording through the same stages, on any host, without privileges.

use std::io::BufRead;

use super::Stages;
use crate::store::recording::{Damage, Item, Manifest, Reader};

/// What a replay found.
#[derive(Debug, Default)]
pub struct Replayed {
    /// Lines that said nothing, with the reason.
    pub damaged: Vec<(u64, Damage)>,
    /// Damaged lines beyond those listed.
    pub damaged_beyond: u64,
    /// The recording's own account, if it has one.
    pub manifest: Option<Manifest>,
}

/// Damaged lines that are kept by number; the rest is counted.
const MAX_DAMAGED: usize = 100;

/// Takes every event of a recording through the stages.
pub fn run<R: BufRead>(reader: Reader<R>, stages: &mut Stages) -> Replayed {
    let mut replayed = Replayed::default();
    for item in reader {
        match item {
            Item::Header(_) => {}
            Item::Event(event) => stages.event(event),
            Item::Loss(loss) => stages.loss(loss),
            Item::Manifest(manifest) => replayed.manifest = Some(manifest),
            Item::Damaged { line, why } => {
                if replayed.damaged.len() < MAX_DAMAGED {
                    replayed.damaged.push((line, why));
                } else {
                    replayed.damaged_beyond += 1;
                }
            }
        }
    }
    replayed
}
