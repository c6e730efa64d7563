//! Servers at ordinary work, recorded whole by `scripts/baseline`: the shipped rules have nothing to say
//! of them that would call somebody.

use std::collections::BTreeMap;

use beewolf::event::Kind;
use serde_json::Value;

use crate::{replays, support};

/// Events that a baseline has at least.
const MIN_EVENTS: u64 = 200_000;

/// Holds a case to what a baseline must have, and the rules to silence above `low`.
fn check(case: &str) {
    let recording = support::workspace().join("testdata/recording").join(case).join("recording.jsonl.zst");
    let output = replays::replay(&recording);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    for trouble in ["no manifest", &format!("{}:", recording.display())] {
        assert!(!said.contains(trouble), "{said}");
    }
    let events = events(&said);
    assert!(events.values().sum::<u64>() >= MIN_EVENTS, "{events:?}");
    for kind in Kind::ALL.iter().filter(|kind| kind.is_from_kernel()) {
        assert!(events.contains_key(kind.name()), "no {} in {events:?}", kind.name());
    }
    let lines: Vec<Value> = std::str::from_utf8(&output.stdout)
        .expect("text")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let (alerts, losses): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line["event"]["kind"] == "alert");
    // Out of order is not lost.
    assert!(losses.iter().all(|loss| loss["loss"]["source"] == "merge"), "{losses:?}");
    let loud = loud(&alerts);
    assert!(loud.is_empty(), "{} alerts above low:\n{}", loud.len(), loud.join("\n"));
}

/// The counts of a replay's last word: `beewolf: 1234 events (accept 2, exec 56) replayed`.
fn events(said: &str) -> BTreeMap<String, u64> {
    let counts = said.split_once(" events (").and_then(|(_, rest)| rest.split_once(')')).expect("counts").0;
    let count = |pair: &str| {
        let (kind, count) = pair.split_once(' ').expect("a kind and its count");
        (kind.to_owned(), count.parse().expect("a number"))
    };
    counts.split(", ").map(count).collect()
}

/// The alerts that are more than `low`, each as one line.
fn loud(alerts: &[&Value]) -> Vec<String> {
    let loud = alerts.iter().filter(|it| !matches!(it["alert"]["severity"].as_str(), Some("informational" | "low")));
    loud.map(|alert| {
        format!(
            "{}: {} by {} ({}), file {}",
            alert["alert"]["severity"],
            alert["rule"]["name"],
            alert["process"]["executable"],
            alert["process"]["command_line"],
            alert["file"]["path"]
        )
    })
    .collect()
}

#[test]
fn rules_are_quiet_while_a_server_is_set_up() {
    check("server_is_set_up");
}

#[test]
fn rules_are_quiet_while_a_server_changes_hands() {
    if std::env::var_os("BEEWOLF_LONG").is_none() {
        let name = "rules_are_quiet_while_a_server_changes_hands";
        return support::skip(name, "a second baseline is part of make test-all");
    }
    check("server_changes_hands");
}
