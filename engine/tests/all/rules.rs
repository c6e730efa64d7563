//! Rules as an author meets them: what is said of broken ones, and the commands of the bench.
//!
//! Every folder of `testdata/rule` is a case; `UPDATE_GOLDEN=1` writes what is expected anew.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use beewolf::detect::RuleSet;
use beewolf::rule::{Colour, Loader, definition, native, overriding, sigma::Fieldmap};
use serde_json::Value;

use crate::command_line::beewolf;
use crate::support::{read, workspace};

/// What is said of the rules of a folder, and what becomes of each.
fn judged(folder: &Path) -> String {
    let (rules, problems) = Loader::new(Fieldmap::builtin()).load(&[folder.to_owned()]);
    let mut text = problems.render(Colour::Plain).replace(&format!("{}/", folder.display()), "");
    writeln!(text, "\n{} errors, {} warnings", problems.errors(), problems.warnings()).expect("memory");
    for rule in RuleSet::new(rules).rules() {
        let kinds: Vec<_> = rule.kinds.iter().map(|kind| kind.name()).collect();
        let reason = rule.state.reason().map(|reason| format!(" ({reason})")).unwrap_or_default();
        writeln!(text, "{}: {}{reason} [{}]", rule.facts.id, rule.state.word(), kinds.join(", ")).expect("memory");
    }
    text
}

#[test]
fn every_case_is_judged_as_expected() {
    let mut wrong = Vec::new();
    let mut cases = 0;
    for entry in fs::read_dir(workspace().join("testdata/rule")).expect("the cases") {
        let folder = entry.expect("an entry").path();
        if !folder.is_dir() {
            continue;
        }
        cases += 1;
        let found = judged(&folder);
        let golden = folder.join("expected");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, &found).expect("written");
        } else if !golden.exists() || read(&golden) != found {
            wrong.push(format!("{}:\n{found}", folder.display()));
        }
    }
    assert!(cases >= 15, "only {cases} cases");
    assert!(wrong.is_empty(), "not as expected:\n{}", wrong.join("\n"));
}

/// Every finding points into the text it is about, and prints as JSON too.
#[test]
fn findings_have_a_place() {
    for entry in fs::read_dir(workspace().join("testdata/rule")).expect("the cases") {
        let folder = entry.expect("an entry").path();
        let (_, problems) = Loader::new(Fieldmap::builtin()).load(&[folder]);
        for problem in problems.sorted() {
            let (place, json) = (&problem.place, problem.json());
            assert!(place.range.start <= place.range.end && place.range.end <= place.source.text.len(), "{problem:?}");
            assert!(json["line"].as_u64() >= Some(1) && json["column"].as_u64() >= Some(1), "{json}");
        }
    }
}

fn run(arguments: &[&str], code: i32) -> String {
    let output = beewolf(arguments);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

fn case(name: &str) -> String {
    workspace().join("testdata/rule").join(name).to_str().expect("UTF-8").to_owned()
}

#[test]
fn the_bench_checks_lists_and_tests() {
    let (good, bad) = (case("a_native_rule_with_everything"), case("unknown_names"));
    assert_eq!(run(&["rules", "check", &good], 0), "1 rule (1 active), 0 errors, 0 warnings\n");
    assert!(run(&["rules", "check", &bad], 1).contains("did you mean `process.executable`?"));
    let json: Value = serde_json::from_str(&run(&["rules", "check", "--json", &bad], 1)).expect("JSON");
    let count = |key: &str| json[key].as_u64().expect("a number");
    assert_eq!(Some(count("errors") + count("warnings")), json["diagnostics"].as_array().map(|list| list.len() as u64));
    let missing = run(&["rules", "check", "/nonexistent/rules"], 1);
    assert!(missing.contains("cannot read `/nonexistent/rules`"), "{missing}");

    let listed = run(&["rules", "list", &case("sigma_rules_and_their_states")], 0);
    for words in ["dormant", "degraded", "rejected", "files are not hashed yet"] {
        assert!(listed.contains(words), "{words} in {listed}");
    }
    let json: Value = serde_json::from_str(&run(&["rules", "list", "--json", &good], 0)).expect("JSON");
    assert_eq!(json[0]["id"], "reverse-shell-example");
    assert_eq!(json[0]["kinds"], serde_json::json!(["exec"]));

    let tested = run(&["rules", "test", &good], 0);
    assert!(tested.ends_with("4 passed, 0 failed\n"), "{tested}");
}

#[test]
fn a_test_that_fails_says_where_and_a_sigma_rule_is_tested_by_recordings() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("wrong.yml");
    let text = read(&Path::new(&case("a_native_rule_with_everything")).join("rule.yml"));
    fs::write(&path, text.replace("expect: nothing", "expect: alert")).expect("written");
    let name = path.to_str().expect("UTF-8");
    let tested = run(&["rules", "test", name], 1);
    assert!(tested.contains("expected an alert, got nothing") && tested.contains("wrong.yml:"), "{tested}");
    assert!(tested.contains("suppresses it: jump host maintenance"), "{tested}");
    assert!(tested.ends_with("2 passed, 2 failed\n"), "{tested}");
    let json: Value = serde_json::from_str(&run(&["rules", "test", "--json", name], 1)).expect("JSON");
    assert_eq!((&json["passed"], &json["failed"]), (&Value::from(2), &Value::from(2)));

    let sigma = folder.path().join("curl.yml");
    let rule = "title: T\nid: curl\nlogsource: {category: process_creation, product: linux}\ndetection: {sel: {Image|endswith: /curl}, condition: sel}\n";
    fs::write(&sigma, rule).expect("written");
    let recordings = folder.path().join("data/curl");
    fs::create_dir_all(&recordings).expect("made");
    let event = |path: &str| format!(r#"{{"event":{{"action":"exec"}},"process":{{"executable":"{path}"}}}}"#);
    fs::write(recordings.join("hit.jsonl"), format!("{}\n{}\n", event("/usr/bin/curl"), event("/bin/sh")))
        .expect("written");
    fs::write(recordings.join("miss.jsonl"), format!("{}\nnonsense\n", event("/bin/sh"))).expect("written");
    let data = folder.path().join("data");
    let arguments = ["rules", "test", sigma.to_str().expect("UTF-8"), "--testdata", data.to_str().expect("UTF-8")];
    let tested = run(&arguments, 1);
    for line in [
        "ok     curl: hit.jsonl line 1",
        "FAILED curl: hit.jsonl line 2",
        "ok     curl: miss.jsonl line 1",
        "FAILED curl: miss.jsonl line 2",
    ] {
        assert!(tested.contains(line), "{line} in {tested}");
    }
}

#[test]
fn a_falco_rule_is_tested_by_recordings_under_its_id() {
    let folder = tempfile::tempdir().expect("a folder");
    let rules = folder.path().join("falco");
    let recordings = folder.path().join("testdata/falco/falco-a-shell");
    fs::create_dir_all(&recordings).expect("made");
    fs::create_dir(&rules).expect("made");
    let rule = |name: &str, program: &str| {
        format!(
            "- rule: {name}\n  desc: D.\n  condition: evt.type = execve and proc.name = {program}\n  output: O\n  priority: INFO\n"
        )
    };
    fs::write(rules.join("rules.yaml"), rule("A shell", "sh") + &rule("Without recordings", "ls")).expect("written");
    // A map of Falco's names beside them is not taken for one of Sigma's.
    fs::write(rules.join("fieldmap.yml"), "falco_fields: {their.name: process.name}\n").expect("written");
    let event = |name: &str| format!(r#"{{"event":{{"action":"exec"}},"process":{{"name":"{name}"}}}}"#) + "\n";
    fs::write(recordings.join("hit.jsonl"), event("sh") + &event("ls")).expect("written");
    fs::write(recordings.join("miss.jsonl"), event("ls")).expect("written");
    let tested = std::process::Command::new(env!("CARGO_BIN_EXE_beewolf"))
        .args(["rules", "test", "falco"])
        .current_dir(folder.path())
        .output()
        .expect("started");
    let told = String::from_utf8_lossy(&tested.stdout);
    for line in [
        "ok     falco-a-shell: hit.jsonl line 1",
        "FAILED falco-a-shell: hit.jsonl line 2",
        "ok     falco-a-shell: miss.jsonl line 1",
        "2 passed, 1 failed",
    ] {
        assert!(told.contains(line), "{line} in {told}");
    }
    let event = recordings.join("miss.jsonl");
    let (event, rules) = (event.to_str().expect("UTF-8"), rules.to_str().expect("UTF-8"));
    let told = run(&["rules", "explain", "falco-without-recordings", event, "--rules", rules], 0);
    assert!(told.contains("process.name"), "{told}");
}

#[test]
fn the_keys_of_rules_definitions_and_overrides_are_those_of_their_schemas() {
    for (file, pointer, known) in [
        ("rule", "", native::KEYS.to_vec()),
        ("definitions", "", definition::KEYS.to_vec()),
        ("overrides", "/properties/overrides/items/oneOf/0", overriding::RULE_KEYS.to_vec()),
        ("overrides", "/properties/overrides/items/oneOf/1", overriding::LIST_KEYS.to_vec()),
    ] {
        let path = workspace().join(format!("schemas/{file}.schema.json"));
        let schema: Value = serde_json::from_str(&read(&path)).expect("JSON");
        let properties =
            schema.pointer(&format!("{pointer}/properties")).and_then(Value::as_object).expect("properties");
        let mut described: Vec<&str> = properties.keys().map(String::as_str).collect();
        described.sort_unstable();
        let mut known = known;
        known.sort_unstable();
        assert_eq!(described, known, "{file}{pointer}");
    }
}
