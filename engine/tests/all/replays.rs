//! Recordings through the whole program: the same alerts every time, on any host.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::support;

fn recording() -> PathBuf {
    support::workspace().join("testdata/recording/first_five_minutes/recording.jsonl")
}

fn replay(recording: &Path) -> Output {
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
