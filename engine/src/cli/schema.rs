//! `beewolf schema`: the published JSON Schemas.

use std::process::ExitCode;

use clap::ValueEnum;

use super::print;
use crate::schema;

/// What to describe.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Of {
    /// What an alert looks like.
    Alert,
    /// What the configuration file may say.
    Config,
    /// What events, losses and status messages look like.
    Event,
    /// What the first and the last line of a recording look like.
    Recording,
    /// What a native rule may say.
    Rule,
}

/// Prints one schema.
pub(super) fn run(of: Of) -> ExitCode {
    let name = match of {
        Of::Alert => "alert",
        Of::Config => "config",
        Of::Event => "event",
        Of::Recording => "recording",
        Of::Rule => "rule",
    };
    schema::find(name).map_or(ExitCode::FAILURE, |schema| print::json(&schema))
}
