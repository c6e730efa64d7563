//! The author's bench as a user runs it: what can fire, why an event is alerted on, what recordings hold, what it costs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use beewolf::detect::{RuleSet, State};
use beewolf::event::{Event, json};
use beewolf::rule::explain::{Outcome, explain_rule};
use beewolf::rule::{Code, Loaded, Loader, sigma::Fieldmap};
use serde_json::Value;

use crate::command_line::beewolf;
use crate::support::{read, workspace};

const RECORDING: &str = "testdata/recording/first_five_minutes/recording.jsonl";

/// What is printed by a command that ends with a code.
fn run(arguments: &[&str], code: i32) -> String {
    let output = beewolf(arguments);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}{errors}");
    text + &errors
}

fn run_json(arguments: &[&str], code: i32) -> Value {
    let output = beewolf(arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn path(name: &str) -> String {
    workspace().join(name).to_str().expect("UTF-8").to_owned()
}

/// The rules of the tree.
fn loaded() -> Vec<Loaded> {
    let (rules, problems) =
        Loader::new(Fieldmap::builtin()).load(&[workspace().join("rules"), workspace().join("sigma")]);
    assert!(!problems.has_errors(), "{problems}");
    rules
}

/// The events of the recording, with their lines.
fn events() -> Vec<(usize, Arc<Event>)> {
    let text = read(&workspace().join(RECORDING));
    let lines = text.lines().enumerate().filter(|(_, line)| !line.contains(r#"{"beewolf":"#));
    let event =
        |(number, line): (usize, &str)| (number + 1, Arc::new(json::read(line.as_bytes()).expect("an event").0));
    lines.map(event).collect()
}

/// A file with rules, and its folder, which it lives as long as.
fn rules(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rules.yml");
    fs::write(&path, text).expect("written");
    let name = path.to_str().expect("UTF-8").to_owned();
    (folder, name)
}

const SHELL: &str = "id: shell\ntitle: A shell\nseverity: high\ntags: [attack.t1059.004]\nmacros:\n  a_shell: process.name in (sh, dash)\n\
                     when: event.action = exec and a_shell\nunless:\n  - name: by cron\n    when: process.parent.name = cron\n    \
                     reason: jobs\n    owner: ops\n";

#[test]
fn every_rule_of_ours_can_fire_with_and_without_trampolines() {
    for plan in ["trampoline", "tracepoint"] {
        let json = run_json(&["rules", "doctor", &path("rules"), &path("sigma"), "--plan", plan, "--json"], 0);
        assert_eq!(
            (&json["counts"]["degraded"], &json["counts"]["never"]),
            (&Value::from(0), &Value::from(0)),
            "{plan}"
        );
        assert_eq!(json["counts"]["can_fire"], json["rules"].as_array().expect("rules").len());
        assert_eq!(json["kinds"]["file_open"], plan);
        assert_eq!(json["kinds"]["exec"], "tracepoint");
    }
    let racy = |plan: &str| {
        let json = run_json(&["rules", "doctor", &path("rules"), "--plan", plan, "--json"], 0);
        json["rules"].as_array().expect("rules").iter().filter(|rule| rule["racy"] != serde_json::json!([])).count()
    };
    assert_eq!(racy("trampoline"), 0);
    assert!(racy("tracepoint") > 3);
}

#[test]
fn the_doctor_ends_with_the_worst_it_found_and_names_the_fact() {
    let sigma = |id: &str, search: &str| {
        format!(
            "title: T\nid: {id}\nlogsource: {{category: process_creation, product: linux}}\ndetection: {{s: {search}, condition: s}}\n---\n"
        )
    };
    let fine = sigma("fine", "{Image: /x}");
    let partly = sigma("partly", "[{Image: /x}, {Hashes: abcd}]");
    let never = sigma("never", "{Hashes: abcd}");
    for (text, code) in [(fine.clone(), 0), (fine.clone() + &partly, 3), (fine + &partly + &never, 4)] {
        let (_folder, name) = rules(&text);
        let told = run(&["rules", "doctor", &name, "--plan", "tracepoint"], code);
        assert_eq!(told.contains("field-not-carried: no event carries `Hashes`"), code > 0, "{told}");
        assert!(told.contains("rules on any host without trampolines:"), "{told}");
    }
    let (folder, name) = rules(&never);
    fs::write(
        folder.path().join("overrides.yml"),
        "overrides:\n  - rule: never\n    disable: true\n    reason: it cannot\n    owner: ops\n",
    )
    .expect("written");
    let told = run(&["rules", "doctor", folder.path().to_str().expect("UTF-8"), "--plan", "tracepoint"], 0);
    assert!(told.contains("disabled: it cannot (ops)"), "{told}");
    fs::write(&name, "id: x\n").expect("written");
    run(&["rules", "doctor", &name, "--plan", "tracepoint"], 1);
}

#[test]
fn every_code_of_the_doctor_is_documented() {
    let document = read(&workspace().join("docs/authoring.md"));
    let (_, document) = document.split_once("### Reasons").expect("the section");
    for code in Code::ALL {
        let row = format!("| `{}` | {} |", code.word(), code.doc());
        assert!(document.contains(&row), "docs/authoring.md lacks the row\n{row}");
    }
    assert_eq!(document.lines().filter(|line| line.starts_with("| `")).count(), Code::ALL.len());
}

/// All rules of the tree on all events of the recording.
#[test]
fn what_is_explained_is_what_is_detected() {
    let rules = loaded();
    let set = RuleSet::new(rules.clone());
    let mut outcomes: BTreeMap<&str, usize> = BTreeMap::new();
    for (line, event) in events() {
        let mut found: BTreeMap<String, Option<String>> = BTreeMap::new();
        set.evaluate(&event, &mut State::default(), &mut |alert| {
            found.insert(alert.rule.id.clone(), alert.suppressed_by);
        });
        for rule in rules.iter().filter(|rule| rule.correlation.is_none()) {
            let expected = match found.get(&rule.id) {
                None => Outcome::Nothing,
                Some(None) => Outcome::Alerts,
                Some(Some(by)) => Outcome::Suppressed(by.clone()),
            };
            let explained = explain_rule(rule, &rules, &[], &event).outcome;
            assert_eq!(explained, expected, "{} on line {line}", rule.id);
            *outcomes.entry(if explained == Outcome::Nothing { "nothing" } else { "something" }).or_default() += 1;
        }
    }
    assert!(outcomes["something"] >= 7 && outcomes["nothing"] > 10_000, "{outcomes:?}");
}

#[test]
fn an_explanation_shows_every_predicate_with_its_value() {
    let (folder, name) = rules(SHELL);
    let (line, _) = events()
        .into_iter()
        .find(|(_, event)| &**event.process.name.as_ref().expect("a name") == b"dash")
        .expect("a shell");
    let event = format!("{}:{line}", path(RECORDING));
    let told = run(&["rules", "explain", &name, &event], 0);
    for part in [
        "outcome  an alert",
        "true    all of",
        r#"true      event.action in ("exec")"#,
        "true      a_shell",
        r#""dash""#,
        "unless `by cron` (ops): does not suppress",
    ] {
        assert!(told.contains(part), "{part} in\n{told}");
    }
    let whitelist = folder.path().join("whitelist.yml");
    fs::write(&whitelist, "- name: all\n  when: event.action = exec\n  reason: why\n  owner: me\n").expect("written");
    let whitelist = whitelist.to_str().expect("UTF-8");
    let json =
        run_json(&["rules", "explain", "shell", &event, "--rules", &name, "--whitelist", whitelist, "--json"], 0);
    assert_eq!((&json[0]["outcome"], &json[0]["suppressed_by"]), (&Value::from("suppressed"), &Value::from("all")));
    let test = &json[0]["condition"]["all"][1]["part"];
    assert_eq!((&test["value"], &test["holds"]), (&Value::from("dash"), &Value::from(true)), "{json}");

    let alerts = run(&["replay", &path(RECORDING), "--rules", &name, "--output", "json"], 0);
    let alert = folder.path().join("alerts.json");
    fs::write(&alert, &alerts).expect("written");
    let told = run(&["rules", "explain", &name, &format!("{}:1", alert.display())], 0);
    assert!(told.contains("outcome  an alert") && !told.contains("unknown field"), "{told}");

    let told = run(&["rules", "explain", "shel", &event, "--rules", &name], 1);
    assert!(told.contains("did you mean `shell`?"), "{told}");
    let told = run(&["rules", "explain", &name, &path(RECORDING)], 1);
    assert!(told.contains("recording.jsonl:LINE"), "{told}");
    let told = run(&["rules", "explain", &name, &format!("{}:99999", path(RECORDING))], 1);
    assert!(told.contains("has only"), "{told}");
}

#[test]
fn an_explanation_says_what_an_event_counts_for() {
    let text = "id: pair\ntitle: T\nseverity: low\nsequence:\n  within: 1m\n  by: [process.entity_id]\n  steps:\n    - event.action = exec and process.name = sh\n    - event.action = connect\n";
    let (folder, name) = rules(text);
    let event = folder.path().join("event.json");
    let told = |event_text: &str| {
        fs::write(&event, event_text).expect("written");
        run(&["rules", "explain", &name, event.to_str().expect("UTF-8")], 0)
    };
    let whole =
        r#"{"@timestamp":"2026-01-01T00:00:00Z","event":{"action":"exec"},"process":{"name":"sh","entity_id":"A"}}"#;
    let first = told(whole);
    assert!(first.contains("outcome  the event counts\n"), "{first}");
    assert!(first.contains("member 1 of 2: the event counts\n  grouped by process.entity_id  \"A\""), "{first}");
    assert!(first.contains("member 2 of 2: the event does not count"), "{first}");
    let alone = told(&whole.replace(r#","entity_id":"A""#, ""));
    assert!(alone.contains("(absent: the event cannot count)") && alone.contains("outcome  nothing"), "{alone}");
}

#[test]
fn a_backtest_counts_what_is_found_and_by_what_it_is_suppressed() {
    let text = format!("---\n{SHELL}---\nid: any-exec\ntitle: T\nseverity: low\nwhen: event.action = exec\n");
    let (folder, name) = rules(&text.replace("process.parent.name = cron", "process.name = dash"));
    let execs = events().iter().filter(|(_, event)| event.kind().name() == "exec").count();
    let json =
        run_json(&["rules", "backtest", &path(RECORDING), "--rules", &name, "--by", "process.name", "--json"], 0);
    let rule = |json: &Value, id: &str| -> Value {
        json["rules"].as_array().expect("rules").iter().find(|rule| rule["id"] == id).expect("the rule").clone()
    };
    let any = rule(&json, "any-exec");
    assert_eq!(any["alerts"].as_u64().expect("a number") + any["repeats"].as_u64().expect("a number"), execs as u64);
    assert!(any["first"].as_str() <= any["last"].as_str());
    assert!(any["top"]["process.name"][0]["count"].as_u64() > Some(1), "{any}");
    assert!(rule(&json, "shell")["suppressed"]["by cron"].as_u64() >= Some(1));
    let told = run(&["rules", "backtest", &path(RECORDING), "--rules", &name, "--by", "process.name"], 0);
    assert!(told.starts_with("RULE ") && told.contains("suppressed by `by cron`"), "{told}");
    let told = run(&["rules", "backtest", &path(RECORDING), "--rules", &name, "--by", "process.nmae"], 2);
    assert!(told.contains("did you mean `process.name`?"), "{told}");
    let told =
        run(&["rules", "backtest", folder.path().join("rules.yml").to_str().expect("UTF-8"), "--rules", &name], 1);
    assert!(told.contains("trace --record"), "{told}");
}

#[test]
fn costs_are_counted_the_same_every_time() {
    let arguments = ["rules", "cost", &path(RECORDING), "--rules", &path("rules"), &path("sigma"), "--json"];
    let [first, second] = [(), ()].map(|()| run_json(&arguments, 0));
    let counts = |json: &Value| -> BTreeMap<String, (u64, u64)> {
        let rules = json["rules"].as_array().expect("rules").iter();
        let number = |rule: &Value, key: &str| rule[key].as_u64().expect("a number");
        let of = |rule: &Value| (number(rule, "evaluations"), number(rule, "hits"));
        rules.map(|rule| (rule["id"].as_str().expect("an id").to_owned(), of(rule))).collect()
    };
    assert_eq!(counts(&first), counts(&second));
    let found =
        run_json(&["rules", "backtest", &path(RECORDING), "--rules", &path("rules"), &path("sigma"), "--json"], 0);
    for rule in found["rules"].as_array().expect("rules") {
        let (evaluations, hits) = counts(&first)[rule["id"].as_str().expect("an id")];
        assert!(hits > 0 && evaluations >= hits, "{rule}");
    }
    assert!(
        run(&["rules", "cost", &path(RECORDING), "--rules", &path("rules")], 0).contains("finding the rules to run")
    );
}

/// The members that version 4.5 of the layer format requires, and their types.
#[test]
fn coverage_is_a_layer_of_the_published_format() {
    let never = "title: Windows\nid: w\ntags: [attack.t1003.001]\nlogsource: {product: windows, service: security}\ndetection: {s: {EventID: 1}, condition: s}\n";
    let (_folder, name) = rules(&format!("{SHELL}---\n{never}"));
    let layer = run_json(&["rules", "coverage", &name], 0);
    assert!(layer["name"].is_string());
    assert_eq!(layer["domain"], "enterprise-attack");
    assert_eq!(layer["versions"]["layer"], "4.5");
    assert!(layer["versions"]["navigator"].as_str().expect("a version") >= "4.9.0");
    assert!(layer["gradient"]["minValue"].as_u64() < layer["gradient"]["maxValue"].as_u64());
    assert!(layer["gradient"]["colors"].as_array().expect("colours").len() >= 2);
    let techniques = layer["techniques"].as_array().expect("techniques");
    let of = |id: &str| techniques.iter().find(|one| one["techniqueID"] == id).expect("the technique");
    assert_eq!(techniques.len(), 4);
    assert_eq!((&of("T1059.004")["score"], &of("T1059.004")["comment"]), (&Value::from(1), &Value::from("A shell")));
    assert_eq!((&of("T1059")["showSubtechniques"], &of("T1059")["score"]), (&Value::Bool(true), &Value::Null));
    assert_eq!(of("T1003.001")["score"], Value::Null);
    assert!(of("T1003.001")["comment"].as_str().expect("text").starts_with("cannot fire: Windows ("));
    let all = run_json(&["rules", "coverage", &name, "--all"], 0);
    assert_eq!(all["techniques"][1]["score"], 1);
}

#[test]
fn a_rule_that_alerts_on_a_baseline_fails_with_its_line() {
    let (folder, name) = rules(SHELL);
    let recording = path(RECORDING);
    let told = run(&["rules", "test", &name, "--baseline", &recording], 1);
    assert!(
        told.contains("FAILED shell: baseline ") && told.contains("alerts on ordinary work, the first on "),
        "{told}"
    );
    assert!(told.contains("`beewolf rules explain shell ") && told.contains(&format!("{recording}:")), "{told}");
    let told = run(&["rules", "test", &name, "--baseline-accepts", "high", "--baseline", &recording], 0);
    assert!(told.contains("ok     all rules: baseline "), "{told}");
    let whitelist = folder.path().join("whitelist");
    fs::write(&whitelist, "- name: all\n  when: event.action = exec\n  reason: why\n  owner: me\n").expect("written");
    let whitelist = whitelist.to_str().expect("UTF-8");
    run(&["rules", "test", &name, "--whitelist", whitelist, "--baseline", &recording], 0);
    let told = run(&["rules", "test", &name, "--baseline", "/nonexistent"], 1);
    assert!(told.contains("/nonexistent"), "{told}");
    assert!(Path::new(&recording).exists());
}
