//! Commands of the `beewolf` program; one file each.

mod list;
mod rules;

pub use rules::default_paths as default_rule_paths;

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
    /// Lists fields.
    List {
        #[command(subcommand)]
        what: list::What,
    },
    /// Checks, tests and lists rules.
    Rules {
        #[command(subcommand)]
        what: rules::Rules,
    },
}

/// Runs the program on its command line; the result is the exit code.
#[must_use]
pub fn main() -> std::process::ExitCode {
    let arguments = Arguments::parse();
    match arguments.command {
        Command::List { what } => list::run(what),
        Command::Rules { what } => rules::run(&what),
    }
}
