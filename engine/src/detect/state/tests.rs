//! Rules over several events, from their text to their alerts.

use std::sync::Arc;

use crate::{
    alert::Alert,
    detect::{RuleSet, State, StateLimits},
    event::{Event, json, value::Time},
    rule::{Loader, Source, sigma::Fieldmap},
};

pub(super) const SECOND: i64 = 1_000_000_000;
/// Times of tests count from here.
pub(super) const START: i64 = 1_767_225_600 * SECOND;

pub(super) fn set(rules: &str) -> RuleSet {
    let (rules, problems) = Loader::new(Fieldmap::builtin()).read(&[Source::new("rules.yml", rules)]);
    assert!(!problems.has_errors(), "{problems}");
    RuleSet::new(rules)
}

/// An event at a time, in seconds after the start. Its id is its text.
fn event(seconds: f64, members: &str) -> Arc<Event> {
    let (mut event, errors) = json::read(format!("{{{members}}}").as_bytes()).expect("an event");
    assert_eq!(errors, []);
    #[expect(clippy::cast_possible_truncation, reason = "times of tests are small")]
    let nanoseconds = (seconds * 1e9) as i64;
    event.time = Some(Time(START + nanoseconds));
    event.id = Some(format!("{seconds}").into_bytes().into());
    Arc::new(event)
}

/// A program that is started: time, user, name.
fn exec((seconds, user, name): (f64, &str, &str)) -> Arc<Event> {
    let members = format!(
        r#""event":{{"action":"exec"}},"user":{{"name":"{user}"}},"process":{{"name":"{name}","executable":"/bin/{name}"}}"#
    );
    event(seconds, &members)
}

pub(super) fn run(set: &RuleSet, state: &mut State, events: impl IntoIterator<Item = Arc<Event>>) -> Vec<Alert> {
    let mut alerts = Vec::new();
    for event in events {
        set.evaluate(&event, state, &mut |alert| alerts.push(alert));
    }
    alerts
}

/// Rule, event that completed it, and the events behind it.
fn shown(alert: &Alert) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let behind = alert.evidence.as_ref().map(|evidence| {
        let ids: Vec<String> = evidence.events.iter().map(|id| text(id)).collect();
        format!(" [{}]", ids.join(" "))
    });
    format!("{}@{}{}", alert.rule.id, text(alert.event.id.as_deref().unwrap_or(b"?")), behind.unwrap_or_default())
}

/// What a set says to programs that are started.
fn check(rules: &str, events: &[(f64, &str, &str)], expected: &[&str]) {
    let alerts = run(&set(rules), &mut State::default(), events.iter().copied().map(exec));
    let found: Vec<String> = alerts.iter().map(shown).collect();
    assert_eq!(found, expected, "{rules}");
}

/// A native rule that counts.
fn count(count: &str) -> String {
    format!("id: r\ntitle: T\nseverity: low\nwhen: event.action = exec and process.name != quiet\ncount: {count}\n")
}

/// Sigma rules `a`, `b` and `c` for programs of these names, and a correlation `r`.
fn sigma(correlation: &str) -> String {
    let mut text = String::new();
    for name in ["a", "b", "c"] {
        text += &format!(
            "title: T\nid: rule-{name}\nname: {name}\nlogsource: {{category: process_creation, product: linux}}\n\
             detection: {{sel: {{Image|endswith: /{name}}}, condition: sel}}\n---\n"
        );
    }
    text + "title: T\nid: r\ncorrelation:\n" + correlation
}

#[test]
fn events_are_counted_in_a_window_with_both_ends() {
    let three = count("{ by: [user.name], at_least: 3, within: 10s }");
    check(&three, &[(0.0, "u", "x"), (5.0, "u", "x"), (10.0, "u", "x")], &["r@10 [0 5 10]"]);
    check(&three, &[(0.0, "u", "x"), (5.0, "u", "x"), (10.000000001, "u", "x")], &[]);
    check(
        &three,
        &[(0.0, "u", "x"), (1.0, "v", "x"), (2.0, "u", "x"), (3.0, "v", "x"), (4.0, "v", "x")],
        &["r@4 [1 3 4]"],
    );
    check(&three, &[(0.0, "u", "x"), (1.0, "u", "quiet"), (2.0, "u", "x")], &[]);
    // Without `by` all are one group.
    check(&count("{ at_least: 2, within: 10s }"), &[(0.0, "u", "x"), (1.0, "v", "x")], &["r@1 [0 1]"]);
    check(&count("{ at_least: 1, within: 1s }"), &[(0.0, "u", "x")], &["r@0 [0]"]);
}

#[test]
fn after_an_alert_a_group_is_quiet_for_one_window() {
    let two = count("{ by: [user.name], at_least: 2, within: 10s }");
    let times = [0.0, 1.0, 2.0, 5.0, 11.0, 11.5, 12.0, 30.0, 35.0];
    let events = times.map(|time| (time, "u", "x"));
    check(&two, &events, &["r@1 [0 1]", "r@11.5 [2 5 11 11.5]", "r@35 [30 35]"]);
}

#[test]
fn different_values_are_counted_once() {
    let rule = count("{ by: [user.name], distinct: process.name, at_least: 3, within: 10s }");
    check(&rule, &[(0.0, "u", "x"), (1.0, "u", "y"), (2.0, "u", "x"), (3.0, "u", "z")], &["r@3 [0 1 2 3]"]);
    check(&rule, &[(0.0, "u", "x"), (1.0, "u", "y"), (2.0, "u", "x"), (11.0, "u", "z")], &["r@11 [1 2 11]"]);
    check(&rule, &[(0.0, "u", "x"), (1.0, "u", "y"), (2.0, "u", "y"), (11.0, "u", "z")], &[]);
    // Case matters in the native language; Sigma folds it.
    check(&rule, &[(0.0, "u", "x"), (1.0, "u", "X"), (2.0, "u", "y")], &["r@2 [0 1 2]"]);
    let folded = sigma(
        "  type: value_count\n  rules: a\n  group-by: [User]\n  timespan: 10s\n  condition: {field: ParentImage, gte: 2}\n",
    );
    let parents = |names: [&str; 2]| {
        let events = names.map(|parent| {
            let members = format!(
                r#""event":{{"action":"exec"}},"user":{{"name":"{parent}"}},"process":{{"executable":"/bin/a","parent":{{"executable":"{parent}"}}}}"#
            );
            event(if parent == names[0] { 0.0 } else { 1.0 }, &members.replace(&format!(r#""name":"{parent}""#), r#""name":"u""#))
        });
        run(&set(&folded), &mut State::default(), events).len()
    };
    assert_eq!((parents(["/x", "/y"]), parents(["/x", "/X"])), (1, 0));
}

#[test]
fn a_group_needs_all_its_fields() {
    let rule = set(&count("{ by: [user.name, container.id], at_least: 1, within: 10s }"));
    let mut state = State::default();
    assert_eq!(run(&rule, &mut state, [exec((0.0, "u", "x"))]).len(), 0);
    assert_eq!(state.counters().incomplete, 1);
    let members = r#""event":{"action":"exec"},"user":{"name":"u"},"process":{"name":"x"},"container":{"id":"c"}"#;
    let alerts = run(&rule, &mut state, [event(1.0, members)]);
    assert_eq!(alerts[0].evidence.as_ref().map(|evidence| evidence.group.join("/")).as_deref(), Some("u/c"));
}

#[test]
fn what_an_exception_names_is_not_counted() {
    let rule = count("{ at_least: 2, within: 10s }")
        + "unless:\n- {name: jobs, when: user.name = cron, reason: r, owner: o}\n";
    check(&rule, &[(0.0, "cron", "x"), (1.0, "u", "x")], &[]);
    check(&rule, &[(0.0, "cron", "x"), (1.0, "u", "x"), (2.0, "u", "x")], &["r@2 [1 2]"]);
}

#[test]
fn sigma_counts_with_every_comparison() {
    let rule = |condition: &str| {
        sigma(&format!(
            "  type: event_count\n  rules: [a, rule-b]\n  group-by: [User]\n  timespan: 10s\n  condition: {condition}\n"
        ))
    };
    let three = [(0.0, "u", "a"), (1.0, "u", "b"), (2.0, "u", "a")];
    check(&rule("{gte: 3}"), &three, &["r@2 [0 1 2]"]);
    check(&rule("{gt: 2}"), &three, &["r@2 [0 1 2]"]);
    check(&rule("{gt: 3}"), &three, &[]);
    check(&rule("{eq: 2}"), &three, &["r@1 [0 1]"]);
    check(&rule("{neq: 1}"), &three, &["r@1 [0 1]"]);
    check(&rule("{lt: 2}"), &three, &["r@0 [0]"]);
    check(&rule("{lte: 1}"), &three, &["r@0 [0]"]);
    check(&rule("{gt: 1, lt: 3}"), &three, &["r@1 [0 1]"]);
    // The group does not mind case.
    check(&rule("{gte: 2}"), &[(0.0, "Eve", "a"), (1.0, "eVe", "b")], &["r@1 [0 1]"]);
}

#[test]
fn numbers_are_summed_averaged_and_ranked() {
    let rule = |kind: &str, condition: &str| {
        sigma(&format!(
            "  type: {kind}\n  rules: a\n  group-by: [process.executable]\n  timespan: 10s\n  condition: {{field: process.pid, {condition}}}\n"
        ))
    };
    let numbers = |rule: &str, numbers: &[i64]| {
        let mut time = -1.0;
        let events = numbers.iter().map(|number| {
            time += 1.0;
            event(time, &format!(r#""event":{{"action":"exec"}},"process":{{"executable":"/bin/a","pid":{number}}}"#))
        });
        let alerts = run(&set(rule), &mut State::default(), events);
        alerts.iter().map(shown).collect::<Vec<_>>()
    };
    assert_eq!(numbers(&rule("value_sum", "gte: 10"), &[3, 3, 3]), [""; 0]);
    assert_eq!(numbers(&rule("value_sum", "gte: 10"), &[3, 3, 4]), ["r@2 [0 1 2]"]);
    assert_eq!(numbers(&rule("value_avg", "gt: 3.3"), &[3, 3, 4]), ["r@2 [0 1 2]"]);
    assert_eq!(numbers(&rule("value_avg", "gt: 3.4"), &[3, 3, 4]), [""; 0]);
    assert_eq!(numbers(&rule("value_median", "gte: 4"), &[1, 9, 2, 5, 4]), ["r@1 [0 1]"]);
    assert_eq!(numbers(&rule("value_median", "eq: 3.5"), &[1, 9, 2, 5]), ["r@3 [0 1 2 3]"]);
    assert_eq!(numbers(&rule("value_percentile", "percentile: 90, gte: 9"), &[1, 2, 10]), [""; 0]);
    assert_eq!(numbers(&rule("value_percentile", "percentile: 90, gte: 8.4"), &[1, 2, 10]), ["r@2 [0 1 2]"]);
    assert_eq!(numbers(&rule("value_percentile", "percentile: 0, lt: 1"), &[5, 0]), ["r@1 [0 1]"]);
}

#[test]
fn rules_come_together_in_any_order_or_in_one() {
    let rule = |kind: &str, more: &str| {
        sigma(&format!("  type: {kind}\n  rules: [a, b, c]\n  group-by: [User]\n  timespan: 10s\n{more}"))
    };
    let backward = [(0.0, "u", "c"), (5.0, "u", "b"), (10.0, "u", "a")];
    let forward = [(0.0, "u", "a"), (5.0, "u", "b"), (10.0, "u", "c")];
    check(&rule("temporal", ""), &backward, &["r@10 [0 5 10]"]);
    check(&rule("temporal_ordered", ""), &backward, &[]);
    check(&rule("temporal_ordered", ""), &forward, &["r@10 [0 5 10]"]);
    check(&rule("temporal", ""), &[(0.0, "u", "a"), (5.0, "u", "b"), (10.1, "u", "c")], &[]);
    check(&rule("temporal", ""), &[(0.0, "u", "a"), (5.0, "v", "b"), (10.0, "u", "c")], &[]);
    check(&rule("temporal", "  condition: {gte: 2}\n"), &backward, &["r@5 [0 5]"]);
    check(
        &rule("temporal_ordered", "  condition: {gte: 2}\n"),
        &[(0.0, "u", "c"), (1.0, "u", "a"), (2.0, "u", "c")],
        &["r@2 [1 2]"],
    );
    // What is of one time has no order.
    let ordered = sigma("  type: temporal_ordered\n  rules: [a, b]\n  timespan: 10s\n");
    check(&ordered, &[(0.0, "u", "a"), (0.0, "u", "b")], &[]);
    // Each step is the earliest after the one before.
    check(&ordered, &[(0.0, "u", "b"), (1.0, "u", "a"), (2.0, "u", "a"), (3.0, "u", "b")], &["r@3 [1 3]"]);
}

#[test]
fn conditions_in_words_combine_rules() {
    let rule = |condition: &str| {
        sigma(&format!("  type: temporal\n  group-by: User\n  timespan: 10s\n  condition: {condition}\n"))
    };
    check(&rule("a and (b or c)"), &[(0.0, "u", "a"), (1.0, "u", "c")], &["r@1 [0 1]"]);
    check(&rule("a and b or c"), &[(0.0, "u", "a"), (1.0, "u", "c")], &["r@1 [1]"]);
    // The rule that is not named is a rule of its own.
    check(&rule("a and b"), &[(0.0, "u", "a"), (1.0, "u", "c")], &["rule-c@1"]);
}

#[test]
fn what_must_not_follow_is_judged_when_the_window_is_over() {
    let rule =
        sigma("  type: temporal\n  rules: [a, b]\n  group-by: [User]\n  timespan: 10s\n  condition: a and not b\n");
    // Ten seconds of window, ten of lateness.
    check(&rule, &[(0.0, "u", "a"), (20.0, "v", "x")], &[]);
    check(&rule, &[(0.0, "u", "a"), (20.1, "v", "x")], &["r@0 [0]"]);
    check(&rule, &[(0.0, "u", "a"), (10.0, "u", "b"), (40.0, "v", "x")], &[]);
    check(&rule, &[(0.0, "u", "a"), (10.1, "u", "b"), (40.0, "v", "x")], &["r@0 [0]"]);
    check(&rule, &[(0.0, "u", "b"), (1.0, "u", "a"), (40.0, "v", "x")], &["r@1 [1]"]);
    // Time may pass without an event.
    let (set, mut state) = (set(&rule), State::default());
    assert_eq!(run(&set, &mut state, [exec((0.0, "u", "a"))]).len(), 0);
    let mut alerts = Vec::new();
    set.tick(Time(START + 20 * SECOND), &mut state, &mut |alert| alerts.push(alert));
    assert!(alerts.is_empty());
    set.tick(Time(START + 21 * SECOND), &mut state, &mut |alert| alerts.push(alert));
    assert_eq!(alerts.iter().map(shown).collect::<Vec<_>>(), ["r@0 [0]"]);
    // The group is remembered for as long as it is quiet.
    assert_eq!(state.counters().groups, 1);
    set.tick(Time(START + 31 * SECOND), &mut state, &mut |alert| alerts.push(alert));
    assert_eq!((state.counters().groups, alerts.len()), (0, 1));
}

#[test]
fn late_events_complete_windows_and_too_late_ones_are_counted() {
    let rule = sigma("  type: temporal_ordered\n  rules: [a, b]\n  group-by: [User]\n  timespan: 10s\n");
    check(&rule, &[(5.0, "u", "b"), (1.0, "u", "a")], &["r@1 [1 5]"]);
    // The newest event of any kind is what others are late to.
    check(&rule, &[(1.0, "u", "b"), (10.0, "v", "x"), (0.0, "u", "a")], &["r@0 [0 1]"]);
    let (set, mut state) = (set(&rule), State::default());
    let late = [(1.0, "u", "b"), (10.1, "v", "x"), (0.0, "u", "a")];
    assert_eq!(run(&set, &mut state, late.map(exec)).len(), 0);
    assert_eq!(state.counters().late, 1);
}

#[test]
fn a_clock_that_was_set_back_does_not_blind_the_rules() {
    let (set, mut state) = (set(&count("{ at_least: 3, within: 10s }")), State::default());
    run(&set, &mut state, [exec((1_000_000.0, "u", "x"))]);
    let events = (0..2_000).map(|number| exec((f64::from(number), "u", "x")));
    assert!(!run(&set, &mut state, events).is_empty());
    assert_eq!((state.counters().set_back, state.counters().late), (1, 999));
}

#[test]
fn correlations_build_on_correlations() {
    let rules = sigma("  type: temporal_ordered\n  rules: [many, c]\n  group-by: [User]\n  timespan: 20s\n")
        + "---\ntitle: T\nid: counts\nname: many\ncorrelation:\n  type: event_count\n  rules: [a]\n  group-by: [User]\n  timespan: 5s\n  condition: {gte: 3}\n";
    let three = [(0.0, "u", "a"), (1.0, "u", "a"), (2.0, "u", "a")];
    check(&rules, &[&three[..], &[(10.0, "u", "c")]].concat(), &["r@10 [0 1 2 10]"]);
    check(&rules, &[&three[..], &[(22.1, "u", "c")]].concat(), &[]);
    check(&rules, &[&three[..2], &[(10.0, "u", "c")]].concat(), &[]);
    check(&rules, &[&three[..], &[(10.0, "v", "c")]].concat(), &[]);
    // Each further match counts for the one above, though it makes no alert of its own.
    let again = rules.replace("timespan: 20s", "timespan: 1s");
    check(&again, &[&three[..], &[(3.0, "u", "a"), (4.0, "u", "c")]].concat(), &["r@4 [0 1 2 3 4]"]);
    let generate = rules.replace("condition: {gte: 3}", "condition: {gte: 3}\n  generate: true");
    check(&generate, &three, &["rule-a@0", "rule-a@1", "rule-a@2"]);
}

#[test]
fn rules_that_others_build_on_are_silent_unless_they_are_to_be_generated() {
    let rule = |generate: &str| {
        sigma(&format!("  type: event_count\n  rules: [a]\n  timespan: 10s\n  condition: {{gte: 2}}\n{generate}"))
    };
    check(&rule(""), &[(0.0, "u", "a"), (1.0, "u", "b")], &["rule-b@1"]);
    check(&rule("  generate: true\n"), &[(0.0, "u", "a"), (1.0, "u", "b")], &["rule-a@0", "rule-b@1"]);
    assert_eq!(set(&rule("")).rules().len(), 4);
}

#[test]
fn aliases_name_a_field_for_each_rule() {
    let rule = sigma(
        "  type: temporal\n  rules: [a, b]\n  group-by: [who]\n  timespan: 10s\n  aliases:\n    who: {a: User, b: process.working_directory}\n",
    );
    let b = |directory: &str| {
        event(
            1.0,
            &format!(
                r#""event":{{"action":"exec"}},"user":{{"name":"x"}},"process":{{"executable":"/b","working_directory":"{directory}"}}"#
            ),
        )
    };
    for (directory, expected) in [("u", 1), ("x", 0)] {
        let alerts = run(&set(&rule), &mut State::default(), [exec((0.0, "u", "a")), b(directory)]);
        assert_eq!(alerts.len(), expected, "{directory}");
    }
}

const SEQUENCE: &str = "
id: r
title: T
severity: high
macros:
  download: event.action = file_open and process.name = curl
  run: event.action = exec
sequence:
  within: 30s
  by: { artefact: { download: file.path, make-executable: file.path, run: process.executable } }
  steps: [download, make-executable, run]
unless:
  - { name: known, when: process.executable = /opt/known, reason: r, owner: o }
---
id: make-executable
title: T
severity: informational
when: event.action = file_open and process.name = chmod
";

#[test]
fn a_sequence_follows_one_thing_through_its_steps() {
    let set = set(SEQUENCE);
    let open = |time, name: &str, path: &str| {
        let members =
            format!(r#""event":{{"action":"file_open"}},"process":{{"name":"{name}"}},"file":{{"path":"{path}"}}"#);
        event(time, &members)
    };
    let exec =
        |time, path: &str| event(time, &format!(r#""event":{{"action":"exec"}},"process":{{"executable":"{path}"}}"#));
    let shown = |events: Vec<Arc<Event>>| -> Vec<String> {
        let alerts = run(&set, &mut State::default(), events);
        alerts.iter().map(|alert| shown(alert) + alert.suppressed_by.as_deref().unwrap_or_default()).collect()
    };
    let steps = |path: &str, run: &str| vec![open(0.0, "curl", path), open(1.0, "chmod", path), exec(2.0, run)];
    assert_eq!(shown(steps("/tmp/x", "/tmp/x")), ["make-executable@1", "r@2 [0 1 2]"]);
    assert_eq!(shown(steps("/tmp/x", "/tmp/y")), ["make-executable@1"]);
    assert_eq!(shown(steps("/opt/known", "/opt/known")), ["make-executable@1", "r@2 [0 1 2]known"]);
    assert_eq!(shown(vec![open(0.0, "chmod", "/x"), open(1.0, "curl", "/x"), exec(2.0, "/x")]), ["make-executable@0"]);
    let kinds: Vec<&str> = set.rules()[0].kinds.iter().map(|kind| kind.name()).collect();
    assert_eq!(kinds, ["exec", "file_open"]);
}

#[test]
fn alerts_of_a_replay_are_the_same() {
    let rule = count("{ by: [user.name], at_least: 2, within: 10s }");
    let written = || {
        let events = (0..200u32).map(|number| {
            let user = ["u", "v", "w"][usize::try_from(number % 3).expect("small")];
            exec((f64::from(number) / 3.0, user, "x"))
        });
        let mut out = Vec::new();
        for alert in run(&set(&rule), &mut State::default(), events) {
            alert.write(&mut out, json::Form::Ours);
        }
        String::from_utf8(out).expect("UTF-8")
    };
    let first = written();
    assert!(first.contains(r#""evidence":{"count":2,"events":["#) && first.contains(r#""group":["u"]"#), "{first}");
    assert_eq!(first, written());
}

#[test]
fn evidence_names_a_bounded_number_of_events() {
    let alerts = run(
        &set(&count("{ at_least: 500, within: 1h }")),
        &mut State::default(),
        (0..500).map(|number| exec((f64::from(number), "u", "x"))),
    );
    let evidence = alerts[0].evidence.as_ref().expect("evidence");
    assert_eq!((evidence.count, evidence.events.len()), (500, 64));
    assert_eq!((&*evidence.events[62], &*evidence.events[63]), (&b"62"[..], &b"499"[..]));
}

fn limits(groups: usize, entries: usize, group_entries: usize) -> State {
    State::new(StateLimits { groups, entries, group_entries, lateness_ns: 10 * SECOND })
}

#[test]
fn the_least_recently_used_group_makes_room() {
    let set = set(&count("{ by: [user.name], at_least: 2, within: 1h }"));
    let mut state = limits(2, 100, 100);
    let events = [(0.0, "u", "x"), (1.0, "v", "x"), (2.0, "w", "x"), (3.0, "v", "x"), (4.0, "u", "x")];
    let alerts = run(&set, &mut state, events.map(exec));
    assert_eq!(alerts.iter().map(shown).collect::<Vec<_>>(), ["r@3 [1 3]"]);
    let counters = state.counters();
    assert_eq!((counters.groups, counters.evicted_groups, counters.evicted_entries, counters.lost()), (2, 2, 2, 2));
}

#[test]
fn a_group_forgets_its_oldest_entry_but_keeps_what_its_rule_counts_to() {
    let events = |number: u32| (0..number).map(|number| exec((f64::from(number), "u", "x")));
    let mut state = limits(10, 100, 4);
    let distinct = set(&count("{ distinct: process.name, at_least: 2, within: 1h }"));
    run(&distinct, &mut state, events(10));
    assert_eq!((state.counters().entries, state.counters().evicted_entries), (4, 6));
    let mut state = limits(10, 100, 4);
    let alerts = run(&set(&count("{ at_least: 8, within: 1h }")), &mut state, events(10));
    assert_eq!(alerts.len(), 1);
    // All groups together have a bound too.
    let mut state = limits(1_000, 50, 40);
    let groups = set(&count("{ by: [user.name], at_least: 9, within: 1h }"));
    let names: Vec<String> = (0..20).map(|number| format!("u{number}")).collect();
    let many =
        (0..400usize).map(|number| exec((f64::from(u32::try_from(number).expect("small")), &names[number % 20], "x")));
    run(&groups, &mut state, many);
    assert!(state.counters().entries <= 50 && state.counters().evicted_groups > 0, "{:?}", state.counters());
}

#[test]
fn a_flooded_rule_does_not_make_others_forget() {
    let rules = count("{ by: [user.name], at_least: 1000, within: 1h }")
        + "---\nid: s\ntitle: T\nseverity: low\nwhen: event.action = exec and process.name = rare\ncount: { by: [user.name], at_least: 2, within: 1h }\n";
    let set = set(&rules);
    let mut state = limits(10, 1_000, 100);
    let names: Vec<String> = (0..500).map(|number| format!("u{number}")).collect();
    let flood = |from: usize| (from..from + 100).map(|number| exec((1.0, &names[number], "x"))).collect::<Vec<_>>();
    let events = [vec![exec((0.0, "eve", "rare"))], flood(0), flood(100), vec![exec((2.0, "eve", "rare"))]].concat();
    let alerts = run(&set, &mut state, events);
    assert_eq!(alerts.iter().map(shown).collect::<Vec<_>>(), ["s@2 [0 2]"]);
    assert_eq!(state.counters().groups, 10);
}

#[test]
fn groups_that_no_window_can_hold_are_forgotten() {
    let set = set(&count("{ by: [user.name], at_least: 2, within: 10s }"));
    let mut state = State::default();
    let names: Vec<String> = (0..2_000).map(|number| format!("u{number}")).collect();
    run(&set, &mut state, names.iter().map(|name| exec((0.0, name, "x"))));
    assert_eq!(state.counters().groups, 2_000);
    // Some at each event, none of which matches anything.
    run(&set, &mut state, (0..5).map(|number| exec((30.0 + f64::from(number), "u", "quiet"))));
    assert!(state.counters().groups < 2_000 && state.counters().groups > 0);
    run(&set, &mut state, (0..5).map(|number| exec((40.0 + f64::from(number), "u", "quiet"))));
    assert_eq!((state.counters().groups, state.counters().entries, state.counters().evicted_groups), (0, 0, 0));
}

#[test]
fn a_rule_that_is_the_same_in_another_set_keeps_its_state() {
    let two = |id: &str, at_least: usize| {
        count(&format!("{{ at_least: {at_least}, within: 1h }}")).replace("id: r", &format!("id: {id}")) + "---\n"
    };
    let old = set(&[two("same", 2), two("changed", 2), two("gone", 2)].concat());
    let mut state = State::default();
    run(&old, &mut state, [exec((0.0, "u", "x"))]);
    let new = set(&[two("changed", 3), two("same", 2), two("new", 2)].concat());
    assert_eq!(state.move_to(&new).rules, ["changed", "gone"]);
    let alerts = run(&new, &mut state, [exec((1.0, "u", "x"))]);
    assert_eq!(alerts.iter().map(shown).collect::<Vec<_>>(), ["same@1 [0 1]"]);
    // A rule that a correlation refers to is part of it.
    let rules = sigma("  type: event_count\n  rules: [a]\n  timespan: 1h\n  condition: {gte: 2}\n");
    let mut state = State::default();
    run(&set(&rules), &mut state, [exec((0.0, "u", "a"))]);
    assert_eq!(state.clone().move_to(&set(&rules)).rules, [""; 0]);
    assert_eq!(state.move_to(&set(&rules.replace("/a}", "/aa}"))).rules, ["r"]);
}

#[test]
fn an_event_without_a_time_is_counted_as_such() {
    let (set, mut state) = (set(&count("{ at_least: 1, within: 1h }")), State::default());
    let mut event = Event::clone(&exec((0.0, "u", "x")));
    event.time = None;
    assert_eq!(run(&set, &mut state, [Arc::new(event)]).len(), 0);
    assert_eq!(state.counters().untimed, 1);
}
