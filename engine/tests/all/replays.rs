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
