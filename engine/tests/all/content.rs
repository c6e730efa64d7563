//! The shipped rules: they load without a finding, need every kind of event, and judge their test events as they should.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use beewolf::detect::{RuleSet, State};
use beewolf::event::{Event, Kind, json};
use beewolf::rule::{Loader, loaded, sigma::Fieldmap};

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
            let alerts = alerts(&rules, test.event);
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
                let alerts = alerts(&rules, event);
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

/// Ids of the rules that alert on an event, suppressed alerts left out.
fn alerts(rules: &RuleSet, event: Event) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    rules.evaluate(&Arc::new(event), &mut State::default(), &mut |alert| {
        if alert.suppressed_by.is_none() {
            found.insert(alert.rule.id.clone());
        }
    });
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
