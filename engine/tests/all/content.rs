//! The shipped rules: they load without a finding, need every kind of event, and judge their test events as they should; and what they
//! are in numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use beewolf::detect::{RuleSet, State};
use beewolf::event::{Event, Kind, Severity, json};
use beewolf::rule::{Loaded, Loader, loaded, sigma::Fieldmap};

use crate::support::{read, rules_in, workspace};

fn folders() -> Vec<PathBuf> {
    ["rules", "sigma"].map(|folder| workspace().join(folder)).to_vec()
}

#[test]
fn shipped_rules_load_without_a_finding_and_need_every_kind_of_event() {
    let (rules, findings) = RuleSet::load(&folders(), Fieldmap::builtin()).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!((findings.errors(), findings.warnings()), (0, 0), "{findings}");
    for rule in rules.rules() {
        assert_eq!(rule.state, loaded::State::Active, "{}", rule.facts.title);
        assert!(!rule.facts.references.is_empty(), "{}", rule.facts.title);
    }
    let kinds: BTreeSet<Kind> = Kind::ALL.iter().copied().collect();
    assert_eq!(rules.needed_kinds(), kinds);
}

#[test]
fn shipped_native_rules_pass_their_own_tests() {
    let (loaded, _) = Loader::new(Fieldmap::builtin()).load(&[workspace().join("rules")]);
    let tests: Vec<_> = loaded.iter().map(|rule| (rule.id.clone(), rule.tests.clone())).collect();
    let rules = RuleSet::new(loaded);
    for (id, tests) in tests {
        let hits = tests.iter().filter(|test| test.expect_alert).count();
        assert!(hits >= 1 && tests.len() >= hits + 2, "{id} needs a test that hits and two that miss");
        for test in tests {
            let alerts = alerts(&rules, test.events);
            assert_eq!(alerts.contains(&id), test.expect_alert, "{id}: {}: alerts of {alerts:?}", test.name);
        }
    }
}

#[test]
fn shipped_sigma_rules_hit_and_miss_the_events_in_their_folders() {
    let (rules, _) = RuleSet::load(&folders(), Fieldmap::builtin()).unwrap_or_else(|errors| panic!("{errors}"));
    let names: BTreeMap<_, _> = rules_in(&workspace().join("sigma")).into_iter().collect();
    for (name, text) in &names {
        let id = text.lines().find_map(|line| line.strip_prefix("id: ")).expect("an id");
        let folder = workspace().join("testdata/sigma").join(name);
        for (file, expected, at_least) in [("hit.jsonl", true, 1), ("miss.jsonl", false, 2)] {
            let events = events(&folder.join(file));
            assert!(events.len() >= at_least, "{name}/{file} has too few events");
            for (line, event) in events {
                let alerts = alerts(&rules, [event]);
                assert_eq!(alerts.contains(id), expected, "{name}/{file}:{line}: alerts of {alerts:?}");
            }
        }
    }
    for folder in std::fs::read_dir(workspace().join("testdata/sigma")).expect("the folder") {
        let folder = folder.expect("an entry").path();
        let name = folder.file_name().and_then(|name| name.to_str()).expect("a name");
        assert!(!folder.is_dir() || names.contains_key(name), "testdata/sigma/{name} belongs to no rule");
    }
}

/// What a program is called and told, and the same of those that it descends from: whoever starts it chooses that.
const NAMES: [&str; 12] = [
    "process.ancestors.command_line",
    "process.ancestors.executable",
    "process.ancestors.name",
    "process.args",
    "process.args_count",
    "process.command_line",
    "process.executable",
    "process.name",
    "process.parent.command_line",
    "process.parent.executable",
    "process.previous.executable",
    "process.requested_executable",
];

/// The rules that need no more than that. Some of them look at who started whom, or at the folder a program lies in:
/// that is counted as a name, too.
const BY_NAME_ONLY: [&str; 14] = [
    "database-starts-program",
    "decoded_text_piped_to_shell",
    "download_piped_to_shell",
    "hidden_program_opens_connection",
    "miner_command_line",
    "offline_program_opens_connection",
    "program-in-device-folder",
    "program-with-hidden-name",
    "set_uid_bit_on_shell_or_dropped_file",
    "shell_opens_connection",
    "shell_started_by_network_relay",
    "terminal_for_shell_from_one_liner",
    "tunnel_command_line",
    "web-server-starts-shell",
];

/// `engine/tests/all/attacks.rs` holds that each has an attack and benign work, and runs them.
#[test]
fn shipped_rules_are_as_many_and_as_grave_as_promised() {
    let cases = cases();
    let native = cases.iter().filter(|case| case.is_native).count();
    assert_eq!((native, cases.len() - native), (41, 20), "native and Sigma rules");
    let grave = cases.iter().filter(|case| case.severity >= Severity::Medium).count();
    assert!(grave >= 35, "only {grave} rules are medium or above");
    let attacks = workspace().join("testdata/attack");
    let variants = cases.iter().filter(|case| attacks.join(&case.name).join("variant.sh").is_file()).count();
    assert!(variants >= 45, "only {variants} attacks have a variant");
}

#[test]
fn at_most_twenty_shipped_rules_rest_on_names_alone() {
    let (rules, _) = RuleSet::load(&folders(), Fieldmap::builtin()).unwrap_or_else(|errors| panic!("{errors}"));
    let fires = |case: &Case, event: &Event| alerts(&rules, [names_only(event)]).contains(&case.id);
    let found: Vec<String> = cases()
        .into_iter()
        .filter(|case| case.hits.iter().any(|event| fires(case, event)))
        .map(|case| case.name)
        .collect();
    assert_eq!(found, BY_NAME_ONLY, "the rules that still alert on an event of theirs when it holds nothing but names");
    assert!(found.len() <= 20, "{} rules rest on names alone", found.len());
}

/// A shipped rule and the events it must alert on.
struct Case {
    name: String,
    id: String,
    severity: Severity,
    is_native: bool,
    hits: Vec<Event>,
}

/// All shipped rules, sorted by name.
fn cases() -> Vec<Case> {
    let (loaded, _) = Loader::new(Fieldmap::builtin()).load(&folders());
    let case = |rule: Loaded| {
        let name = Path::new(&rule.place.source.name)
            .file_stem()
            .and_then(|stem| stem.to_str())
            .expect("a file's name")
            .to_owned();
        let is_native = rule.ruleset == "native";
        let hits = if is_native {
            rule.tests.into_iter().filter(|test| test.expect_alert).flat_map(|test| test.events).collect()
        } else {
            let file = workspace().join("testdata/sigma").join(&name).join("hit.jsonl");
            events(&file).into_iter().map(|(_, event)| event).collect()
        };
        Case { name, id: rule.id, severity: rule.severity, is_native, hits }
    };
    let mut cases: Vec<_> = loaded.into_iter().map(case).collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

/// An event without all that is no name.
fn names_only(event: &Event) -> Event {
    let mut line = Vec::new();
    let kept = |name: &str| name == "event.action" || NAMES.contains(&name);
    json::write_object(&mut line, json::members(event, json::Form::Ours).filter(|(name, _)| kept(name)));
    let (event, errors) = json::read(&line).expect("an event");
    assert_eq!(errors, []);
    event
}

/// Ids of the rules that alert on some events, suppressed alerts left out.
fn alerts(rules: &RuleSet, events: impl IntoIterator<Item = Event>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut state = State::default();
    for event in events {
        rules.evaluate(&Arc::new(event), &mut state, &mut |alert| {
            if alert.suppressed_by.is_none() {
                found.insert(alert.rule.id.clone());
            }
        });
    }
    found
}

/// The events of a file with their line numbers.
fn events(path: &Path) -> Vec<(usize, Event)> {
    let text = read(path);
    let event = |(index, line): (usize, &str)| {
        let (event, errors) = json::read(line.as_bytes()).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(errors, [], "{}: {line}", path.display());
        (index + 1, event)
    };
    text.lines().enumerate().map(event).collect()
}
