//! `list`, `schema` and `config` as a user runs them.

use std::process::{Command, Output};

use serde_json::Value;

use crate::schemas::validate;

pub(crate) fn beewolf(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_beewolf")).args(arguments).output().expect("the program runs")
}

fn good(arguments: &[&str]) -> String {
    let output = beewolf(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn lists_are_tables_and_json() {
    for (what, first, count) in [("events", "event", 8), ("fields", "field", 60), ("sinks", "sink", 4)] {
        let table = good(&["list", what]);
        assert!(table.starts_with(&first.to_uppercase()), "{table}");
        let json: Value = serde_json::from_str(&good(&["list", what, "--json"])).expect("JSON");
        let rows = json.as_array().expect("a list");
        assert_eq!(table.lines().count(), rows.len() + 1);
        assert!(rows.len() >= count);
        assert!(rows.iter().all(|row| row[first].is_string()));
    }
    assert!(good(&["list", "fields"]).contains("process.entity_id"));
}

#[test]
fn schemas_are_printed() {
    for name in ["alert", "config", "event", "recording", "rule"] {
        let json: Value = serde_json::from_str(&good(&["schema", name])).expect("JSON");
        assert_eq!(json["$id"], format!("urn:beewolf:schema:{name}"));
    }
    assert!(!beewolf(&["schema", "nonsense"]).status.success());
}

#[test]
fn the_default_configuration_is_documented_checked_and_fits_its_schema() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("beewolf.yml");
    let name = path.to_str().expect("UTF-8");
    let default = good(&["config", "default"]);
    validate("config", &serde_saphyr::from_str(&default).expect("YAML"));
    std::fs::write(&path, &default).expect("written");
    assert_eq!(good(&["config", "check", name]), format!("{name}: no problems\n"));
    assert_eq!(good(&["config", "check", name, "--json"]), "[]\n");
    let plain = good(&["config", "show", name]);
    assert!(!plain.contains('#') && plain.contains("ring_bytes: 8MiB"), "{plain}");
    let json: Value = serde_json::from_str(&good(&["config", "show", name, "--json"])).expect("JSON");
    assert_eq!(json["limits"]["ring_bytes"], "8MiB");
    assert_eq!(json["sinks"][0]["type"], "console");
    validate("config", &json);
}

#[test]
fn a_wrong_configuration_is_refused_with_every_problem_in_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("beewolf.yml");
    let name = path.to_str().expect("UTF-8");
    std::fs::write(&path, "ruls: []\nlimits:\n  ring_bytes: lots\nsinks:\n  - type: smoke\n").expect("written");
    let output = beewolf(&["config", "check", name]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    for part in [
        "unknown setting `ruls`",
        "did you mean `rules`?",
        "beewolf.yml:1:1",
        "beewolf.yml:3:15",
        "beewolf.yml:5:11",
        "no sink is called `smoke`",
        "3 problems",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    let output = beewolf(&["config", "check", name, "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let json: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&json[0]["line"], &json[1]["column"]), (&Value::from(1), &Value::from(15)));

    for (content, part) in
        [(&b"\xff\n"[..], "line 1 is not UTF-8"), (b"a: [\n", "not YAML"), (&[b' '; 2 << 20], "larger than")]
    {
        std::fs::write(&path, content).expect("written");
        let output = beewolf(&["config", "show", name]);
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains(part), "{part} in {text}");
    }
    let output = beewolf(&["config", "show", "/nonexistent"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nonexistent: No such file"));
}
