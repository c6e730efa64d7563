//! `beewolf list`: what there is to write rules and configurations with.

use clap::Subcommand;

use crate::event::field;

/// What to list.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(super) enum What {
    /// Fields of events, with type and meaning.
    Fields,
}

/// Prints one list.
#[must_use]
pub(super) fn run(what: What) -> std::process::ExitCode {
    match what {
        What::Fields => {
            for field in field::all() {
                println!("{}", field.name);
            }
        }
    }
    std::process::ExitCode::SUCCESS
}
