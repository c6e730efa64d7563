//! `beewolf scan`: files, or what comes on standard input, through YARA rules.

use std::{
    collections::VecDeque,
    io::{Read, Write},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::ExitCode,
};

use rustix::fs::{CWD, Mode, OFlags, openat};

use super::{
    print::counted,
    sense::{self, Loading, Told, tell},
};
use crate::{
    config::Config,
    event::{
        Event,
        json::{self, Form},
        value::{Time, Value},
        yara_match::Trigger,
    },
    rule::{Diagnostics, Inputs, Places, Role},
    scan::{Content, Examiner, Found, Rules, Subject},
    sink::printable,
};

/// What the exit code says; part of the help.
pub(super) const EXIT_CODES: &str = "\
    Exit codes:\n\
    \x20 0  nothing was found\n\
    \x20 1  a rule matches\n\
    \x20 2  something could not be scanned, or the rules are broken";

/// Bytes of standard input that are taken at once.
const PIECE: usize = 1 << 20;
/// Files that wait to be scanned.
const MAX_WAITING: usize = 1_000_000;

/// What to scan, and with which rules.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    /// Files, folders with all that is in them, or `-` for standard input; links are not followed.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// YARA rules: a file, or a folder with `*.yar` and `*.yara`; may be given several times. Without any
    /// those of the configuration, or in the folder `yara` here.
    #[arg(long, value_name = "PATH")]
    yara: Vec<PathBuf>,
    /// Configuration file; without it /etc/beewolf/beewolf.yml if there is one, else the defaults.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Prints events as JSON lines.
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    match scan(arguments) {
        Ok(Outcome { failed: true, .. }) | Err(Told) => ExitCode::from(2),
        Ok(Outcome { found: true, .. }) => ExitCode::from(1),
        Ok(_) => ExitCode::SUCCESS,
    }
}

#[derive(Default)]
struct Outcome {
    found: bool,
    failed: bool,
}

fn scan(arguments: &Arguments) -> Result<Outcome, Told> {
    let loading = Loading { config: arguments.config.clone(), yara: arguments.yara.clone(), ..Loading::default() };
    let settings = loading.settings()?;
    let rules = rules(&settings)?;
    let mut examiner = Examiner::new(&rules, settings.scan.limits);
    let mut outcome = Outcome::default();
    let mut waiting: VecDeque<(PathBuf, bool)> = arguments.paths.iter().map(|path| (path.clone(), true)).collect();
    while let Some((path, given)) = waiting.pop_front() {
        let done = if given && path == Path::new("-") {
            stream(&rules, &settings, arguments.json, &mut outcome)
        } else {
            file(&path, given, &mut examiner, arguments.json, &mut outcome, &mut waiting)
        };
        if let Err(problem) = done {
            eprintln!("beewolf: {}: {problem}", printable(path.as_os_str().as_bytes(), 4096));
            outcome.failed = true;
        }
    }
    Ok(outcome)
}

fn rules(settings: &Config) -> Result<Rules, Told> {
    let mut diagnostics = Diagnostics::default();
    let places = Places::default().with(Role::Yara, settings.scan.yara.iter().cloned());
    let inputs = Inputs::read(&places, &mut diagnostics);
    inputs.verify(&settings.trust, &mut diagnostics);
    let rules = Rules::compile(&inputs.of(Role::Yara), &mut diagnostics);
    eprint!("{}", diagnostics.render(sense::colour()));
    match rules {
        Some(rules) if !diagnostics.has_errors() => Ok(rules),
        _ if diagnostics.has_errors() => {
            Err(tell(format!("{} in the YARA rules", counted(diagnostics.errors(), "error"))))
        }
        _ => Err(tell("there are no YARA rules: name some with --yara")),
    }
}

/// Scans a file, or has what is in a folder wait.
fn file(
    path: &Path,
    given: bool,
    examiner: &mut Examiner<'_>,
    json: bool,
    outcome: &mut Outcome,
    waiting: &mut VecDeque<(PathBuf, bool)>,
) -> anyhow::Result<()> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let follow = if given { OFlags::empty() } else { OFlags::NOFOLLOW };
    let facts = if given { std::fs::metadata(path)? } else { std::fs::symlink_metadata(path)? };
    if facts.is_dir() {
        let mut entries = std::fs::read_dir(path)?.collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        anyhow::ensure!(waiting.len() + entries.len() <= MAX_WAITING, "more than {MAX_WAITING} files wait already");
        waiting.extend(entries.into_iter().map(|entry| (entry.path(), false)));
        return Ok(());
    }
    if !given && !facts.is_file() {
        return Ok(());
    }
    let file = openat(CWD, path, flags | follow, Mode::empty())?;
    let Content { identity, size } = Content::of(&file)?;
    let name = path.as_os_str().as_bytes();
    let found = examiner.examine(&file, size, Some(name))?;
    if found.scanned < found.size {
        eprintln!("beewolf: {}: scanned {} of {} bytes (`scan.max_bytes`)", path.display(), found.scanned, found.size);
    }
    let subject = Subject { trigger: Trigger::File, cause: None, path: Some(name) };
    tell_all(&found, |hit| subject.event(&found, hit, Some(identity), now()), json, outcome)
}

/// Scans what comes on standard input.
fn stream(rules: &Rules, settings: &Config, json: bool, outcome: &mut Outcome) -> anyhow::Result<()> {
    let mut stream = rules.stream(settings.scan.limits.timeout);
    let mut piece = vec![0; PIECE];
    let mut input = std::io::stdin().lock();
    let mut scanned = 0;
    loop {
        let count = input.read(&mut piece)?;
        if count == 0 {
            break;
        }
        scanned += u64::try_from(count)?;
        stream.take(piece.get(..count).unwrap_or_default())?;
    }
    let found = Found { hits: stream.finish()?.into(), size: scanned, scanned, sha256: None };
    let subject = Subject { trigger: Trigger::Stream, cause: None, path: None };
    tell_all(&found, |hit| subject.event(&found, hit, None, now()), json, outcome)
}

fn tell_all(
    found: &Found,
    event: impl Fn(&crate::scan::Hit) -> Event,
    json: bool,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for hit in found.hits.iter() {
        outcome.found = true;
        let mut line = Vec::new();
        if json {
            json::write(&mut line, &event(hit), Form::Ours);
        } else {
            let text = |bytes: &[u8]| printable(bytes, 4096).into_owned();
            let event = event(hit);
            let path = if let Value::Bytes(path) = event.value("file.path") { text(path) } else { "-".to_owned() };
            let strings: Vec<String> = hit.strings.iter().map(|one| text(one)).collect();
            let name = text(hit.rule.name.as_deref().unwrap_or_default());
            line.extend(format!("{name} {path}  {}", strings.join(" ")).trim_end().as_bytes());
        }
        line.push(b'\n');
        out.write_all(&line)?;
    }
    Ok(())
}

fn now() -> Time {
    Time(i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX))
}
