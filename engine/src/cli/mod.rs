//! Commands of the `beewolf` program; one file each.

mod list;

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
}

/// Runs the program on its command line; the result is the exit code.
#[must_use]
pub fn main() -> std::process::ExitCode {
    let arguments = Arguments::parse();
    match arguments.command {
        Command::List { what } => list::run(what),
    }
}
