//! Commands of the `beewolf` program; one file each.

mod config;
#[cfg(feature = "bpf")]
mod doctor;
mod generations;
mod list;
#[cfg(feature = "bpf")]
mod live;
mod print;
#[cfg(feature = "bpf")]
mod renew;
mod replay;
mod rules;
mod run;
mod scan;
mod schema;
mod sense;
mod sigma_events;
mod status;
mod trace;

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
    /// Says what can be sensed on this host, how, and what is missing.
    #[cfg(feature = "bpf")]
    Doctor(doctor::Arguments),
    /// Lists fields, events and sinks.
    List {
        #[command(subcommand)]
        what: list::What,
    },
    /// Runs a recording through the rules.
    Replay(replay::Arguments),
    /// Checks, tests and lists rules.
    Rules {
        #[command(subcommand)]
        what: rules::Rules,
    },
    /// Watches the host with rules.
    Run(run::Arguments),
    /// Scans files with YARA rules.
    #[command(after_help = scan::EXIT_CODES)]
    Scan(scan::Arguments),
    /// Prints the JSON Schema of what Beewolf reads and writes.
    Schema {
        /// Of what.
        of: schema::Of,
    },
    /// Says how the running sensor is doing.
    Status(status::Arguments),
    /// Streams or records live events.
    Trace(trace::Arguments),
}

/// Runs the program on its command line; the result is the exit code.
#[must_use]
pub fn main() -> std::process::ExitCode {
    let arguments = Arguments::parse();
    // Diagnosis of the program itself; findings about the host never go this way.
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_env("BEEWOLF_LOG").unwrap_or_else(|_| "warn".into()))
        .with_writer(std::io::stderr)
        .init();
    match arguments.command {
        Command::Config { action } => config::run(action),
        #[cfg(feature = "bpf")]
        Command::Doctor(arguments) => doctor::run(arguments),
        Command::List { what } => list::run(what),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Rules { what } => rules::run(&what),
        Command::Run(arguments) => run::run(arguments),
        Command::Scan(arguments) => scan::run(&arguments),
        Command::Schema { of } => schema::run(of),
        Command::Status(arguments) => status::run(&arguments),
        Command::Trace(arguments) => trace::run(arguments),
    }
}
