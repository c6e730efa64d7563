//! `rules convert`: what it writes loads, and judges every event as the rule it came from does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use beewolf::detect::{RuleSet, State};
use beewolf::event::{Event, json};
use beewolf::rule::{Loaded, Loader, Source, convert, sigma::Fieldmap};

use crate::command_line::beewolf;
use crate::support::{read, workspace};

fn load(paths: &[PathBuf]) -> Vec<Loaded> {
    Loader::new(Fieldmap::builtin()).load(paths).0
}

/// The events of all recordings of rules' tests.
fn events() -> Vec<Arc<Event>> {
    let folders = ["testdata/sigma", "testdata/falco"].map(|area| workspace().join(area));
    let mut events = Vec::new();
    for folder in folders.iter().flat_map(|area| std::fs::read_dir(area).expect("an area")) {
        for file in ["hit.jsonl", "miss.jsonl", "events.jsonl"] {
            let path = folder.as_ref().expect("a folder").path().join(file);
            let text = if path.exists() { read(&path) } else { String::new() };
            events.extend(text.lines().map(|line| Arc::new(json::read(line.as_bytes()).expect("an event").0)));
        }
    }
    events
}

/// Which rules alert on which events, by number.
fn verdicts(rules: Vec<Loaded>, events: &[Arc<Event>]) -> BTreeMap<String, BTreeSet<usize>> {
    let mut found: BTreeMap<String, BTreeSet<usize>> =
        rules.iter().map(|rule| (rule.id.clone(), BTreeSet::new())).collect();
    let set = RuleSet::new(rules);
    for (number, event) in events.iter().enumerate() {
        set.evaluate(event, &mut State::default(), &mut |alert| {
            found.get_mut(&alert.rule.id).expect("a rule").insert(number);
        });
    }
    found
}

/// Converts what can be; asserts that it judges the same, and returns the reasons of the others.
fn check(paths: &[PathBuf]) -> BTreeMap<String, String> {
    let (mut documents, mut originals, mut reasons) = (String::new(), Vec::new(), BTreeMap::new());
    for rule in load(paths) {
        match convert::native(&rule) {
            Ok(document) => {
                documents.push_str(&format!("---\n{document}"));
                originals.push(rule);
            }
            Err(reason) => drop(reasons.insert(rule.id.clone(), reason)),
        }
    }
    let (converted, problems) = Loader::new(Fieldmap::builtin()).read(&[Source::new("converted.yml", documents)]);
    assert!(!problems.has_errors(), "{problems}");
    for (rule, original) in converted.iter().zip(&originals) {
        let facts = |rule: &Loaded| {
            let Loaded { id, title, description, severity, tags, references, author, license, .. } = rule.clone();
            (id, title, description, severity, tags, references, author, license)
        };
        assert_eq!(facts(rule), facts(original));
        assert_eq!((rule.ruleset, rule.output.text()), ("native", original.output.text()));
    }
    let events = events();
    assert_eq!(verdicts(converted, &events), verdicts(originals, &events));
    reasons
}

#[test]
fn the_sigma_rules_of_the_tree_mean_the_same_as_native_ones() {
    let reasons = check(&[workspace().join("sigma")]);
    let several = reasons.values().filter(|reason| *reason == "it is about several events").count();
    assert_eq!(several, reasons.len(), "{reasons:?}");
}

#[test]
fn falco_rules_mean_the_same_as_native_ones() {
    let mut reasons = BTreeMap::new();
    for case in std::fs::read_dir(workspace().join("testdata/falco")).expect("the cases") {
        let path = case.expect("a case").path();
        if path.is_dir() {
            reasons.extend(check(&[path]));
        }
    }
    for (rule, reason) in &reasons {
        assert!(
            ["it is dormant", "it is disabled", "it is rejected"].iter().any(|start| reason.starts_with(start)),
            "{rule}: {reason}"
        );
    }
    assert!(!reasons.is_empty());
}

#[test]
fn what_our_language_cannot_say_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let rule = |detection: &str| {
        format!(
            "title: T\nid: refused\nlogsource: {{category: process_creation, product: linux}}\ndetection:\n  sel:\n    {detection}\n  condition: sel\n"
        )
    };
    for (detection, reason) in [
        ("- anything", "it looks for words in the whole event"),
        ("UtcTime|hour: 3", "it looks at a part of a date"),
        ("ProcessId|gt: 4.5", "it compares with the fraction 4.5"),
        (
            "ProcessId|startswith: '4'",
            "our language has no words for it: `istartswith` does not fit `process.pid`, which is a number",
        ),
        ("Hashes: x", "it is dormant: no event carries `Hashes`: files are not hashed yet"),
    ] {
        let path = folder.path().join("rule.yml");
        std::fs::write(&path, rule(detection)).expect("written");
        let rules = load(&[path]);
        assert_eq!(rules.len(), 1, "{detection}");
        assert_eq!(convert::native(&rules[0]).expect_err(detection), reason);
    }
    let native = load(&[workspace().join(Path::new("testdata/rule/a_native_rule_with_everything"))]);
    assert_eq!(convert::native(&native[0]).expect_err("a native rule"), "it is a native rule");
}

#[test]
fn the_command_prints_what_it_can_and_says_why_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rules.yaml");
    let rule = |name: &str, condition: &str| {
        format!(
            "- rule: {name}\n  desc: D.\n  condition: {condition}\n  output: Ran %proc.cmdline\n  priority: ERROR\n"
        )
    };
    let good = rule("Good one", "evt.type = execve and proc.name in (nc, ncat) and not proc.pname = sh");
    std::fs::write(&path, format!("{good}{}", rule("Dormant", "evt.type = ptrace"))).expect("written");
    let output = beewolf(&["rules", "convert", path.to_str().expect("UTF-8")]);
    let (printed, told) =
        (String::from_utf8(output.stdout).expect("UTF-8"), String::from_utf8_lossy(&output.stderr).into_owned());
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("falco-dormant is not converted: it is dormant") && told.contains("1 of 2 rules"), "{told}");
    assert!(printed.contains("severity: high\n"), "{printed}");
    assert!(printed.contains("output: \"Ran {process.command_line}\"\n"), "{printed}");
    let native = folder.path().join("native.yml");
    std::fs::write(&native, printed).expect("written");
    let checked = beewolf(&["rules", "check", native.to_str().expect("UTF-8")]);
    assert_eq!(checked.status.code(), Some(0));
}
