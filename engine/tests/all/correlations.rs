//! Rules over several events through the whole program, and their memory under a flood.
//!
//! A case is a folder of `testdata/sigma_correlation`: rules, events, and the events that complete an alert of each rule.
//! `UPDATE_GOLDEN=1` writes these anew; `scripts/sigma-compat` holds them against an oracle that others wrote.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path, process::Command, sync::Arc};

use beewolf::{
    detect::{RuleSet, State, StateLimits},
    event::{Event, Kind, value::Time},
    rule::{Loader, Source, sigma::Fieldmap},
    store,
};
use serde_json::Value;

use crate::support::{read, workspace};

const RULES: &str = "id: many-hosts
title: Many hosts
severity: medium
tags: [attack.t1046]
when: event.action = connect and destination.port = 22
count: { by: [process.entity_id], distinct: destination.ip, at_least: 3, within: 60s }
output: '{process.name} asked at {destination.ip} last'
---
title: Base
name: ssh
id: base
logsource: {category: network_connection, product: linux}
detection: {sel: {DestinationPort: 22}, condition: sel}
---
title: Correlation
id: sigma-count
author: Somebody
correlation:
  type: event_count
  rules: [ssh]
  group-by: [DestinationIp]
  timespan: 1m
  condition: {gte: 4}
";

fn replay(rules: &Path, recording: &Path, more: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_beewolf"))
        .arg("replay")
        .arg(recording)
        .args(["--rules".as_ref(), rules.as_os_str()])
        .args(more)
        .output()
        .expect("the program was built");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn a_replay_alerts_on_several_events_with_their_ids_and_the_same_bytes_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let (rules, recording) = (folder.path().join("rules.yml"), folder.path().join("recording.jsonl"));
    std::fs::write(&rules, RULES).expect("written");
    let header = read(&workspace().join("testdata/recording/first_five_minutes/recording.jsonl"));
    let mut text = header.lines().next().expect("a header").to_owned() + "\n";
    for (second, host) in [(0, 1), (1, 2), (2, 1), (3, 3), (4, 1), (5, 4), (6, 1)] {
        writeln!(
            text,
            r#"{{"@timestamp":"2026-01-01T00:00:0{second}Z","event":{{"action":"connect","id":"x.{second}"}},"process":{{"entity_id":"p","name":"scan"}},"destination":{{"ip":"10.0.0.{host}","port":22}}}}"#
        )
        .expect("memory");
    }
    std::fs::write(&recording, text).expect("written");
    for form in ["json", "ecs"] {
        let first = replay(&rules, &recording, &["--output", form]);
        assert_eq!(first, replay(&rules, &recording, &["--output", form]));
        let lines: Vec<Value> = first.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let alerts: Vec<Value> = lines.into_iter().filter(|line| line["event"]["kind"] == "alert").collect();
        crate::schemas::validate_all("alert", &alerts);
        let shown: Vec<(&Value, &Value)> = alerts
            .iter()
            .map(|alert| {
                let ours = if form == "ecs" { &alert["beewolf"] } else { alert };
                (&alert["rule"]["id"], &ours["alert"]["evidence"]["events"])
            })
            .collect();
        let ids = |numbers: &[u8]| Value::from(numbers.iter().map(|number| format!("x.{number}")).collect::<Vec<_>>());
        assert_eq!(
            shown,
            [(&Value::from("many-hosts"), &ids(&[0, 1, 2, 3])), (&Value::from("sigma-count"), &ids(&[0, 2, 4, 6]))]
        );
        assert_eq!(alerts[0]["message"], "scan asked at 10.0.0.3 last");
        assert_eq!(alerts[1]["rule"]["author"], serde_json::json!(["Somebody"]));
    }
}

/// The title of each rule that alerts, with the ids of the events that complete its alerts.
fn completed(case: &Path) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let (recording, config) = (folder.path().join("recording.jsonl"), folder.path().join("beewolf.yml"));
    let header = read(&workspace().join("testdata/recording/first_five_minutes/recording.jsonl"));
    let header = header.lines().next().expect("a header");
    fs::write(&recording, format!("{header}\n{}", read(&case.join("events.jsonl")))).expect("written");
    fs::write(&config, "deduplication: {window: 0s}\n").expect("written");
    let config = config.to_str().expect("UTF-8");
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in replay(&case.join("rules.yml"), &recording, &["--output", "json", "--config", config]).lines() {
        let alert: Value = serde_json::from_str(line).expect("JSON");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        found.entry(text(&alert["rule"]["name"])).or_default().push(text(&alert["event"]["id"]));
    }
    found.into_iter().fold(String::new(), |text, (rule, ids)| text + &format!("{rule}: {}\n", ids.join(" ")))
}

#[test]
fn every_case_has_the_alerts_that_were_recorded() {
    let mut wrong = Vec::new();
    for entry in fs::read_dir(workspace().join("testdata/sigma_correlation")).expect("the cases") {
        let case = entry.expect("an entry").path();
        if !case.is_dir() {
            continue;
        }
        let (found, golden) = (completed(&case), case.join("expected"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, &found).expect("written");
        } else if !golden.exists() || read(&golden) != found {
            wrong.push(format!("{}:\n{found}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "not as expected:\n{}", wrong.join("\n"));
}

/// Groups beyond the bound: memory stays flat and every one that is forgotten is counted.
///
/// `BEEWOLF_LONG=1` throws ten million at a bound of 100,000 and prints the resident memory.
#[test]
fn a_flood_of_groups_is_held_to_the_bound() {
    let long = std::env::var_os("BEEWOLF_LONG").is_some();
    let (bound, groups) = if long { (100_000, 10_000_000u64) } else { (2_000, 100_000) };
    let text = "id: flood\ntitle: T\nseverity: low\nwhen: event.action = exec\n\
                count: { by: [user.name], at_least: 3, within: 1d }\n";
    let (rules, problems) = Loader::new(Fieldmap::builtin()).read(&[Source::new("flood.yml", text)]);
    assert!(!problems.has_errors(), "{problems}");
    let set = RuleSet::new(rules);
    let mut state = State::new(StateLimits { groups: bound, ..StateLimits::default() });
    let mut filled = 0;
    for number in 0..groups {
        let mut event = Event::new(Kind::Exec);
        event.id = Some(format!("x.{number}").into_bytes().into());
        event.time = Some(Time(i64::try_from(number).expect("small") * 1_000));
        event.user_name = Some(format!("user-{number}").into_bytes().into());
        set.evaluate(&Arc::new(event), &mut state, &mut |alert| panic!("{}", alert.id));
        if number + 1 == 2 * u64::try_from(bound).expect("small") {
            filled = store::resident_bytes();
        }
    }
    let counters = state.counters();
    assert_eq!((counters.groups, counters.entries), (bound, bound));
    assert_eq!(counters.evicted_groups, groups - u64::try_from(bound).expect("small"));
    assert_eq!(counters.evicted_entries, counters.evicted_groups);
    let after = store::resident_bytes();
    if long {
        println!(
            "{groups} groups at a bound of {bound}: {} MiB resident once full, {} MiB at the end",
            filled >> 20,
            after >> 20
        );
        assert!(after < filled + filled / 10 + (8 << 20), "memory grew from {filled} to {after}");
    }
}
