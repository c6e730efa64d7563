//! `beewolf config`: checks, shows and explains the configuration.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Subcommand;
use serde_json::{Value, json};

use super::print::{self, As};
use crate::config::{self, Config, ConfigError, DEFAULT_PATH};

/// What to do with the configuration.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Action {
    /// Reads a file and lists every problem.
    Check {
        /// The file.
        #[arg(default_value = DEFAULT_PATH)]
        file: PathBuf,
        #[command(flatten)]
        form: As,
    },
    /// Prints a file with every setting, its documentation and default.
    Default,
    /// Prints what a file comes to, with all that it leaves out.
    Show {
        /// The file; without one the default place, and if there is none the defaults.
        file: Option<PathBuf>,
        #[command(flatten)]
        form: As,
    },
}

/// Carries it out.
pub(super) fn run(action: Action) -> ExitCode {
    match action {
        Action::Check { file, form } => check(&file, form),
        Action::Default => print::text(&Config::default().documented()),
        Action::Show { file, form } => show(file, form),
    }
}

fn check(file: &Path, form: As) -> ExitCode {
    let result = Config::load(file);
    if form.json() {
        let problems = match &result {
            Ok(_) => Vec::new(),
            Err(ConfigError::Read(error)) => {
                vec![json!({"file": file.display().to_string(), "message": error.to_string()})]
            }
            Err(ConfigError::Problems { problems, .. }) => problems
                .iter()
                .map(|it| {
                    json!({
                        "file": file.display().to_string(), "line": it.line, "column": it.column,
                        "message": it.message, "hint": it.hint,
                    })
                })
                .collect(),
        };
        let printed = print::json(&Value::Array(problems));
        return if result.is_ok() { printed } else { ExitCode::FAILURE };
    }
    match result {
        Ok(_) => print::text(&format!("{}: no problems\n", file.display())),
        Err(error) => complain(&error),
    }
}

fn show(file: Option<PathBuf>, form: As) -> ExitCode {
    let path = file.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_PATH));
    // Only the default place may be empty: a file that was named must be there.
    let config = if file.is_none() && !path.exists() { Ok(Config::default()) } else { Config::load(&path) };
    match config {
        Ok(config) if form.json() => print::json(&config.json()),
        Ok(config) => print::text(&config.plain()),
        Err(error) => complain(&error),
    }
}

/// Prints why there is no configuration, on standard error.
pub(super) fn complain(error: &ConfigError) -> ExitCode {
    match error {
        ConfigError::Read(error) => eprintln!("beewolf: {error}"),
        ConfigError::Problems { path, text, problems } => {
            let coloured = std::io::stderr().is_terminal();
            eprint!("{}", config::render(&path.display().to_string(), text, problems, coloured));
            let s = if problems.len() == 1 { "" } else { "s" };
            eprintln!("beewolf: {}: {} problem{s}", path.display(), problems.len());
        }
    }
    ExitCode::FAILURE
}
