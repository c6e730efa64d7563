//! Recordings through the whole program: the same alerts every time, on any host.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::support;

fn recording() -> PathBuf {
    support::workspace().join("testdata/recording/first_five_minutes/recording.jsonl")
}

pub(crate) fn replay(recording: &Path) -> Output {
    let root = support::workspace();
    Command::new(env!("CARGO_BIN_EXE_beewolf"))
        .arg("replay")
        .arg(recording)
        .args(["--output", "json", "--rules"])
        .args([root.join("rules"), root.join("sigma")])
        .output()
        .expect("the program was built")
}

fn rule_names(output: &Output) -> Vec<String> {
    let text = String::from_utf8(output.stdout.clone()).expect("text");
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let alerts: Vec<serde_json::Value> = lines.into_iter().filter(|line| line["event"]["kind"] == "alert").collect();
    crate::schemas::validate_all("alert", &alerts);
    alerts.iter().map(|alert| alert["rule"]["name"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn the_shipped_recording_gives_its_alerts_and_the_same_bytes_twice() {
    let (first, second) = (replay(&recording()), replay(&recording()));
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    assert_eq!(first.stdout, second.stdout);
    let expected = support::read(&recording().with_file_name("expected"));
    assert_eq!(rule_names(&first), expected.lines().collect::<Vec<_>>());
}

#[test]
fn a_recording_cut_in_mid_line_gives_what_it_has_and_says_so() {
    let text = support::read(&recording());
    let folder = tempfile::tempdir().expect("a folder");
    let cut = folder.path().join("cut.jsonl");
    std::fs::write(&cut, text.get(..text.len() / 2).expect("ASCII")).expect("written");
    let output = replay(&cut);
    assert!(output.status.success());
    let (whole, part) = (rule_names(&replay(&recording())), rule_names(&output));
    assert!(!part.is_empty() && part.len() < whole.len());
    assert_eq!(part, whole[..part.len()]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("cut.jsonl:") && said.contains("no manifest"), "{said}");
}

#[test]
fn what_is_no_recording_is_refused_with_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let other = folder.path().join("other.txt");
    std::fs::write(&other, "hello\n").expect("written");
    for path in [other, folder.path().join("missing.jsonl")] {
        let output = replay(&path);
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(&path.display().to_string()), "{said}");
    }
}

#[test]
fn events_of_other_products_are_judged_by_sigma_rules_and_matches_name_the_author() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    };
    let rules = write(
        "rule.yml",
        "title: Logon\nid: logon\nauthor: A. Uthor\nlicense: DRL-1.1\nreferences: [https://example.org/]\nlevel: high\n\
         logsource: {product: windows}\ndetection: {sel: {EventID: 4624, User.Name|contains: adm}, condition: sel}\n",
    );
    let events = write(
        "events.jsonl",
        "{\"EventID\":4624,\"User\":{\"Name\":\"Admin\"}}\n\nnonsense\n{\"EventID\":\"4624\",\"User.Name\":\"adm\"}\n{\"EventID\":1}",
    );
    let run = |logsource: &str| {
        Command::new(env!("CARGO_BIN_EXE_beewolf"))
            .args(["replay", "--sigma-events"])
            .arg(&events)
            .args(["--logsource", logsource, "--rules"])
            .arg(&rules)
            .output()
            .expect("the program was built")
    };
    let output = run("product=windows,service=security");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert!(told.contains("5 lines (1 damaged), 2 matches of 1 rules"), "{told}");
    assert!(told.contains("events.jsonl:3: not JSON"), "{told}");
    let text = String::from_utf8(output.stdout).expect("text");
    let matches: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(matches.iter().map(|found| &found["line"]).collect::<Vec<_>>(), [1, 4]);
    assert_eq!(matches[0]["rule"]["author"], serde_json::json!(["A. Uthor"]));
    assert_eq!(matches[0]["rule"]["license"], "DRL-1.1");
    assert_eq!(matches[0]["rule"]["reference"], serde_json::json!(["https://example.org/"]));
    assert_eq!(matches[0]["alert"]["severity"], "high");
    assert!(run("product=linux").stdout.is_empty());
}

#[test]
fn what_chooses_rules_does_so_for_events_of_other_products_and_what_has_no_meaning_there_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let rule = |id: &str| {
        format!(
            "title: {id}\nid: {id}\ntags: [attack.t1059]\nlogsource: {{product: x}}\ndetection: {{s: {{a: 1}}, condition: s}}\n"
        )
    };
    std::fs::write(path("rules.yml"), format!("{}---\n{}", rule("one"), rule("two"))).expect("written");
    std::fs::write(path("own.yml"), "id: own\ntitle: T\nseverity: high\nwhen: event.action = exec\n").expect("written");
    // The first line has a byte order mark; then what a strict parser refuses.
    let lines = "\u{feff}{\"a\":1}\n{\"a\":1,\"b\":\"\\ud800\"}\n{\"a\":1,\"b\":1e400}\n";
    std::fs::write(path("events.jsonl"), lines).expect("written");
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_beewolf"))
            .args(["replay", "--sigma-events", &path("events.jsonl"), "--rules", &path("rules.yml"), &path("own.yml")])
            .args(arguments)
            .output()
            .expect("the program was built");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).lines().count(), said)
    };
    let (is_done, matches, said) = run(&[]);
    assert!(is_done && matches == 6 && said.contains("1 rules are left out") && said.contains("(0 damaged)"), "{said}");
    assert_eq!(run(&["--exclude", "one"]).1, 3);
    assert_eq!(run(&["--tag", "attack.t1059"]).1, 6);
    assert_eq!(run(&["--tag", "no.such"]).1, 0);
    for refused in [["--whitelist", "w.yml"], ["--yara", "y.yar"], ["--output", "ecs"]] {
        let (is_done, _, said) = run(&refused);
        assert!(!is_done && said.contains(refused[0]) && said.contains("--sigma-events"), "{said}");
    }
    for wrong in ["product=", "product=a,product=b"] {
        let (is_done, _, said) = run(&["--logsource", wrong]);
        assert!(!is_done && said.contains("product"), "{said}");
    }
}

/// Alerts of the shipped recording under a configuration.
fn replay_with(folder: &Path, config: &str, arguments: &[&str]) -> Vec<serde_json::Value> {
    let path = folder.join("beewolf.yml");
    std::fs::write(&path, config).expect("written");
    let output = Command::new(env!("CARGO_BIN_EXE_beewolf"))
        .arg("replay")
        .arg(recording())
        .args(["--output", "json", "--config"])
        .arg(path)
        .args(arguments)
        .output()
        .expect("the program was built");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let lines = text.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    lines.filter(|line: &serde_json::Value| line["event"]["kind"] == "alert").collect()
}

#[test]
fn an_alert_names_the_indicator_and_its_list() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("bad.txt"), "192.0.2.0/28 # seen at somebody's\nnonsense\n").expect("written");
    std::fs::write(
        path("rule.yml"),
        "id: bad-address\ntitle: T\nseverity: high\nwhen: event.action = connect and destination.ip in ioc:bad\n",
    )
    .expect("written");
    let config = format!(
        "rules: [{}]\nsigma: []\nioc: {{ bad: {{ path: {}, type: ip }} }}\n",
        path("rule.yml"),
        path("bad.txt")
    );
    let alerts = replay_with(folder.path(), &config, &[]);
    crate::schemas::validate_all("alert", &alerts);
    let [alert] = alerts.as_slice() else { panic!("one alert: {alerts:?}") };
    let threat = serde_json::json!({
        "feed": {"name": "bad"},
        "indicator": {"description": "seen at somebody's", "name": "192.0.2.0/28"},
    });
    assert_eq!(alert["threat"], threat);
    // Without the configuration there is no such list.
    let checked = crate::command_line::beewolf(&["rules", "check", &path("rule.yml")]);
    let told = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(told.contains("unknown indicator list `bad`") && !checked.status.success(), "{told}");
    let checked =
        crate::command_line::beewolf(&["rules", "check", "--config", &path("beewolf.yml"), &path("rule.yml")]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(said.contains("bad.txt:2: `nonsense` is no address or network"), "{said}");
}

#[test]
fn rules_are_selected_and_overridden_from_outside() {
    let folder = tempfile::tempdir().expect("a folder");
    let site = folder.path().join("site.yml");
    let id = "shell-on-network-socket";
    let root = support::workspace();
    let config = format!("rules: [{}, {}]\nsigma: []\n", root.join("rules").display(), site.display());
    let ids = |overrides: &str, arguments: &[&str]| {
        std::fs::write(&site, overrides).expect("written");
        let alerts = replay_with(folder.path(), &config, arguments);
        let field = |alert: &serde_json::Value, pointer: &str| {
            alert.pointer(pointer).and_then(serde_json::Value::as_str).expect("a text").to_owned()
        };
        alerts.iter().map(|it| (field(it, "/rule/id"), field(it, "/alert/severity"))).collect::<Vec<_>>()
    };
    let none = "overrides: []\n";
    let all = ids(none, &[]);
    let severity =
        |found: &[(String, String)]| found.iter().find(|(rule, _)| rule == id).map(|(_, severity)| severity.clone());
    assert_eq!(severity(&all).as_deref(), Some("critical"));
    assert!(ids(none, &["--folder", "execution"]).len() < all.len());
    assert_eq!(severity(&ids(none, &["--exclude", id])), None);
    assert_eq!(ids(none, &["--tag", "attack.t0000"]), []);
    let lower = format!("overrides:\n- {{ rule: {id}, severity: low, reason: r, owner: o }}\n");
    assert_eq!(severity(&ids(&lower, &[])).as_deref(), Some("low"));
    let off = format!("overrides:\n- {{ rule: {id}, disable: true, reason: we do that, owner: ops }}\n");
    assert_eq!(severity(&ids(&off, &[])), None);
    let listed = crate::command_line::beewolf(&[
        "rules",
        "list",
        &root.join("rules").display().to_string(),
        &site.display().to_string(),
    ]);
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.contains("disabled") && listed.contains("we do that (ops)"), "{listed}");
}
