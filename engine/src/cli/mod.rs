//! Commands of the `beewolf` program; one file each.

mod config;
mod list;
mod print;
mod schema;

use clap::{Parser, Subcommand};

/// Security detection engine for Linux.
#[derive(Debug, Parser)]
#[command(name = "beewolf", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Checks, shows and explains the configuration.
    Config {
        #[command(subcommand)]
        action: config::Action,
    },
    /// Lists fields, events and sinks.
    List {
        #[command(subcommand)]
        what: list::What,
    },
    /// Prints the JSON Schema of what Beewolf reads and writes.
    Schema {
        /// Of what.
        of: schema::Of,
    },
}

/// Runs the program on its command line; the result is the exit code.
#[must_use]
pub fn main() -> std::process::ExitCode {
    let arguments = Arguments::parse();
    match arguments.command {
        Command::Config { action } => config::run(action),
        Command::List { what } => list::run(what),
        Command::Schema { of } => schema::run(of),
    }
}
