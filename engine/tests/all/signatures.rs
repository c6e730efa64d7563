//! Rules that must be signed: by whom, and what is said of others.

use std::fs;

use crate::{
    command_line::beewolf,
    support::{read, workspace},
};

#[test]
fn only_what_a_trusted_key_has_signed_is_used() {
    let folder = tempfile::tempdir().expect("a folder");
    let (rules, config) = (folder.path().join("rules.yml"), folder.path().join("beewolf.yml"));
    let signed = workspace().join("testdata/signature/signed_rules");
    let key = read(&signed.join("key.pub"));
    let key = key.lines().nth(1).expect("two lines");
    let settings = |signatures: &str| format!("rules: {}\nsigma: []\nsignatures: {signatures}\n", rules.display());
    let run = |signatures: &str| {
        fs::write(&config, settings(signatures)).expect("settings");
        let recording = workspace().join("testdata/recording/first_five_minutes/recording.jsonl");
        let path = |path: &std::path::Path| path.to_str().expect("text").to_owned();
        let output = beewolf(&["replay", &path(&recording), "--output", "json", "--config", &path(&config)]);
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let required = format!("{{ keys: [{key}], required: true }}");
    fs::copy(signed.join("rules.yml"), &rules).expect("copied");

    let (done, said) = run(&required);
    assert!(!done && said.contains("error[unsigned]") && said.contains("minisign -S -m"), "{said}");
    let (done, said) = run(&format!("{{ keys: [{key}] }}"));
    assert!(done, "{said}");
    fs::copy(signed.join("rules.yml.minisig"), folder.path().join("rules.yml.minisig")).expect("copied");
    let (done, said) = run(&required);
    assert!(done, "{said}");
    fs::write(&rules, read(&rules) + "# changed\n").expect("written");
    let (done, said) = run(&format!("{{ keys: [{key}] }}"));
    assert!(!done && said.contains("error[bad-signature]"), "{said}");

    let (done, said) = run("{ keys: [RWnonsense], required: true }");
    assert!(!done && said.contains("`RWnonsense` is no public key") && said.contains("beewolf.yml:3"), "{said}");
    let (done, said) = run("{ required: true }");
    assert!(!done && said.contains("refuses every rule"), "{said}");
}
