//! `beewolf replay --sigma-events`: the events of other products through Sigma rules.

use std::{
    collections::BTreeSet,
    io::{BufWriter, Write},
    path::PathBuf,
    process::ExitCode,
};

use super::{
    print::counted,
    sense::{self, Options, Told, tell},
};
use crate::{
    alert::RuleFacts,
    detect::{ForeignRules, State},
    event::{Foreign, value::Words},
    rule::{Diagnostics, Inputs, Loader, Places, Role, sigma::Logsource},
    store::{LineError, Lines},
};

/// Damaged lines that are told one by one.
const MAX_TOLD: u64 = 20;

/// Events of other products.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Events {
    /// Instead of a recording: events of any product, a JSON object a line, whose fields have the names that
    /// Sigma rules use. Each match is a JSON object on standard output.
    #[arg(
        id = "events",
        long = "sigma-events",
        value_name = "FILE",
        conflicts_with_all = ["whitelist", "yara", "output"]
    )]
    events: Option<PathBuf>,
    /// What the events are: rules for other log sources are left out. All rules are used if it is not said.
    #[arg(long, value_name = "category=..,product=..,service=..", requires = "events")]
    logsource: Option<Logsource>,
}

/// What was counted on the way.
#[derive(Default)]
struct Tally {
    lines: u64,
    damaged: u64,
    matches: u64,
    rules: BTreeSet<String>,
}

/// Runs it.
pub(super) fn run(given: &Events, options: &Options) -> Result<ExitCode, Told> {
    let Some(path) = &given.events else { return Err(tell("no events were given")) };
    let settings = options.settings()?;
    let mut wrong = Diagnostics::default();
    let inputs =
        Inputs::read(&Places::default().with(Role::Placeholders, settings.sigma_placeholders.clone()), &mut wrong);
    let placeholders = inputs.placeholders(&mut wrong);
    let loader = Loader::foreign().with_placeholders(placeholders).with_selection(settings.selection.clone());
    let (rules, mut problems) = ForeignRules::read(&settings.rules, loader, given.logsource.as_ref());
    problems.extend(wrong);
    if problems.has_errors() {
        eprint!("{}", problems.render(sense::colour()));
        return Err(tell(format!("{} in the rules", counted(problems.errors(), "error"))));
    }
    let lines = Lines::open(path, settings.recording.max_line_bytes).map_err(tell)?;
    let tally = judge(lines, &rules, &path.display().to_string()).map_err(tell)?;
    for (rule, state) in rules.silent() {
        eprintln!("beewolf: {} ({}): {}", rule.id, state.word(), state.reason().unwrap_or_default());
    }
    if rules.others() > 0 {
        eprintln!("beewolf: {} rules are left out: they are no Sigma rules, and for events of our own", rules.others());
    }
    eprintln!(
        "beewolf: {} lines ({} damaged), {} matches of {} rules; {} rules for these events, {} more that cannot match",
        tally.lines,
        tally.damaged,
        tally.matches,
        tally.rules.len(),
        rules.len(),
        rules.silent().len()
    );
    Ok(ExitCode::SUCCESS)
}

fn judge(mut lines: Lines<impl std::io::BufRead>, rules: &ForeignRules, name: &str) -> std::io::Result<Tally> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut state = State::default();
    let mut tally = Tally::default();
    let mut event = Foreign::default();
    while let Some(read) = lines.advance() {
        tally.lines += 1;
        let is_last = matches!(read, Err(LineError::Unreadable(_)));
        let line = lines.line();
        if read.is_ok() && line.trim_ascii().is_empty() {
            continue;
        }
        let read = read
            .map_err(|error| error.to_string())
            .and_then(|_| event.read_next(line, rules.names()).map_err(|error| error.to_string()));
        match read {
            Ok(()) => {
                for rule in rules.matches(&event, &mut state) {
                    tally.matches += 1;
                    tally.rules.insert(rule.id.clone());
                    writeln!(out, "{}", report(tally.lines, rule))?;
                }
            }
            Err(why) => {
                tally.damaged += 1;
                if tally.damaged <= MAX_TOLD {
                    eprintln!("beewolf: {name}:{}: {why}", tally.lines);
                }
            }
        }
        if is_last {
            break;
        }
    }
    out.flush()?;
    Ok(tally)
}

/// One match, under the names that alerts use.
fn report(line: u64, rule: &RuleFacts) -> serde_json::Value {
    let mut facts = serde_json::json!({
        "id": rule.id,
        "name": rule.title,
        "ruleset": rule.ruleset,
        "content_hash": rule.content_hash,
    });
    let more = [
        ("author", rule.author.as_ref().map(|author| serde_json::json!([author]))),
        ("license", rule.license.as_ref().map(|license| serde_json::json!(license))),
        ("reference", (!rule.references.is_empty()).then(|| serde_json::json!(rule.references))),
    ];
    if let serde_json::Value::Object(facts) = &mut facts {
        facts.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }
    serde_json::json!({
        "line": line,
        "alert": { "severity": rule.severity.word() },
        "rule": facts,
        "tags": rule.tags,
    })
}
