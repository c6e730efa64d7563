//! The engine over whole rules.

use std::{fmt::Write, sync::Arc};

use proptest::prelude::*;

use super::*;
use crate::{
    event::json,
    rule::{
        Loader, Source,
        explain::{Outcome, explain_rule},
        reference,
    },
};

fn set(rules: &str) -> RuleSet {
    let (rules, problems) = Loader::new(Fieldmap::builtin()).read(&[Source::new("rules.yml", rules)]);
    assert!(!problems.has_errors(), "{problems}");
    RuleSet::new(rules)
}

fn event(text: &str) -> Arc<Event> {
    let (event, errors) = json::read(text.as_bytes()).expect("an event");
    assert_eq!(errors, []);
    Arc::new(event)
}

fn alerts(set: &RuleSet, text: &str) -> Vec<Alert> {
    let mut alerts = Vec::new();
    set.evaluate(&event(text), &mut State::default(), &mut |alert| alerts.push(alert));
    alerts
}

/// Ids of the rules that alert, with the names of what suppresses them.
fn check(set: &RuleSet, text: &str, expected: &[(&str, Option<&str>)]) {
    let alerts = alerts(set, text);
    let found: Vec<_> = alerts.iter().map(|alert| (alert.rule.id.as_str(), alert.suppressed_by.as_deref())).collect();
    assert_eq!(found, expected, "{text}");
}

const SHELL: &str = r#"
id: shell
title: A shell
severity: high
tags: [attack.t1059]
lists:
  shells: [bash, dash]
macros:
  root: user.id = 0
when: event.action = exec and process.name in ($shells) and not root
unless:
  - name: cron
    when: process.parent.name = cron
    reason: jobs
    owner: ops
    until: 2026-06-30
  - name: never
    when: file.path = /x
    reason: none
    owner: ops
output: "{process.name} by {user.name}"
"#;

#[test]
fn lists_macros_exceptions_and_output_work_together() {
    let set = set(SHELL);
    check(&set, r#"{"event":{"action":"exec"},"process":{"name":"bash"},"user":{"id":"7"}}"#, &[("shell", None)]);
    check(&set, r#"{"event":{"action":"exec"},"process":{"name":"bash"},"user":{"id":"0"}}"#, &[]);
    check(&set, r#"{"event":{"action":"fork"},"process":{"name":"bash"},"user":{"id":"7"}}"#, &[]);
    check(&set, r#"{"event":{"action":"exec"},"process":{"name":"zsh"},"user":{"id":"7"}}"#, &[]);
    let by_cron = r#"{"@timestamp":"2026-06-30T23:59:59Z","event":{"action":"exec"},"process":{"name":"bash","parent":{"name":"cron"}}}"#;
    check(&set, by_cron, &[("shell", Some("cron"))]);
    check(&set, &by_cron.replace("06-30", "07-01"), &[("shell", None)]);
    let hits: Vec<_> = set.exceptions().map(|report| (report.name, report.hits)).collect();
    assert_eq!(hits, [("cron".to_owned(), 1), ("never".to_owned(), 0)]);
    let found = alerts(&set, r#"{"event":{"action":"exec"},"process":{"name":"bash"},"user":{"id":"7","name":"eve"}}"#);
    assert_eq!(found[0].message, b"bash by eve");
    assert_eq!(set.needed_kinds(), BTreeSet::from([Kind::Exec]));
    assert_eq!(set.rules()[0].kinds, [Kind::Exec]);
}

#[test]
fn the_id_of_an_alert_depends_on_rule_content_and_event() {
    let text = r#"{"event":{"action":"exec","id":"x.1"},"process":{"name":"bash"},"user":{"id":"7"}}"#;
    let first = alerts(&set(SHELL), text);
    assert_eq!(first[0].id, alerts(&set(SHELL), text)[0].id);
    // Comments, layout and tests are no content.
    let tested = format!("# a comment\n{SHELL}\ntests: []\n");
    assert_eq!(first[0].id, alerts(&set(&tested), text)[0].id);
    assert_ne!(first[0].id, alerts(&set(&SHELL.replace("dash", "sh")), text)[0].id);
    assert_ne!(first[0].id, alerts(&set(SHELL), &text.replace("x.1", "x.2"))[0].id);
}

#[test]
fn a_negated_test_of_a_cut_text_is_true_and_the_alert_says_so() {
    let rule = |when: &str| set(&format!("id: r\ntitle: T\nseverity: low\nwhen: event.action = exec and ({when})\n"));
    let cut = r#"{"event":{"action":"exec","cut":["process.command_line"]},"process":{"command_line":"a b","name":"x"},"user":{"id":"0"}}"#;
    for (when, expected) in [
        ("not process.command_line endswith b", true),
        ("not process.command_line contains zzz", true),
        ("process.command_line != 'a b'", true),
        ("not process.command_line != 'a b'", true),
        ("not process.command_line != 'a'", false),
        ("process.command_line contains zzz", false),
        ("process.command_line contains a", true),
        ("not process.name = x", false),
        ("not process.command_line exists", false),
        ("not not process.command_line contains zzz", false),
        ("not (process.command_line contains a and user.id = 0)", true),
    ] {
        let found = alerts(&rule(when), cut);
        assert_eq!(found.len(), usize::from(expected), "{when}");
    }
    let doubtful = alerts(&rule("not process.command_line contains a"), cut);
    assert_eq!(doubtful[0].message, b"T [not seen whole: process.command_line]");
    let sure = alerts(&rule("process.command_line contains a"), cut);
    assert_eq!(sure[0].message, b"T");
    let whole = cut.replace(r#","cut":["process.command_line"]"#, "");
    assert!(alerts(&rule("not process.command_line contains a"), &whole).is_empty());
}

#[test]
fn an_exception_suppresses_on_what_is_sure_only() {
    let cut = r#"{"event":{"action":"exec","cut":["process.command_line"]},"process":{"command_line":"a b"}}"#;
    for (when, suppressed) in [
        ("not process.command_line contains zzz", false),
        ("process.command_line != zzz", false),
        ("process.command_line contains a", true),
        ("not process.working_directory = /x", true),
    ] {
        let set = set(&format!(
            "id: r\ntitle: T\nseverity: low\nwhen: event.action = exec\nunless:\n- {{name: n, when: {when}, reason: r, owner: o}}\n"
        ));
        check(&set, cut, &[("r", suppressed.then_some("n"))]);
    }
}

#[test]
fn predicates_of_different_rules_are_shared_and_judged_once() {
    let rule = |id: &str, more: &str| {
        format!(
            "id: {id}\ntitle: T\nseverity: low\nwhen: event.action = exec and process.command_line contains curl {more}\n---\n"
        )
    };
    let set = set(&[rule("a", ""), rule("b", "and user.id = 0"), rule("c", "or user.id = 0")].concat());
    assert_eq!(set.predicates(), 2, "what the kind decides is no predicate");
    let mut state = State::default();
    let mut found = Vec::new();
    // The same state over many events: nothing is remembered from one to the next.
    for (line, expected) in [("curl", vec!["a", "b", "c"]), ("wget", vec!["c"]), ("curl", vec!["a", "b", "c"])] {
        let text =
            format!(r#"{{"event":{{"action":"exec"}},"process":{{"command_line":"{line}"}},"user":{{"id":"0"}}}}"#);
        found.clear();
        set.evaluate(&event(&text), &mut state, &mut |alert| found.push(alert.rule.id.clone()));
        assert_eq!(found, expected, "{line}");
    }
}

#[test]
fn an_element_is_asked_for_by_its_place() {
    let rule = |id: &str, item: &str| {
        format!(
            "title: T\nid: {id}\nlogsource: {{product: linux, service: auditd}}\ndetection: {{sel: {{type: EXECVE, {item}}}, condition: sel}}\n---\n"
        )
    };
    let rules = [
        rule("first", "a0: cp"),
        rule("second", "a1: cp"),
        rule("second-pattern", "'a1|endswith': /sh"),
        rule("third-is-there", "'a2|exists': true"),
        rule("third-is-not", "a2: null"),
    ];
    let set = set(&rules.concat());
    let exec = |args: &str| format!(r#"{{"event":{{"action":"exec"}},"process":{{"args":{args}}}}}"#);
    check(&set, &exec(r#"["cp","/bin/sh"]"#), &[("first", None), ("second-pattern", None), ("third-is-not", None)]);
    check(&set, &exec(r#"["/bin/sh","cp","x"]"#), &[("second", None), ("third-is-there", None)]);
    check(&set, &exec(r#"["cp"]"#), &[("first", None), ("third-is-not", None)]);
}

#[test]
fn the_state_of_another_set_does_no_harm() {
    let mut state = State::default();
    let event = event(r#"{"event":{"action":"exec"},"process":{"name":"bash"},"user":{"id":"7"}}"#);
    for when in ["process.name = bash", "process.name = bash and user.id = 7", "process.name = bash"] {
        let set = set(&format!("id: r\ntitle: T\nseverity: low\nwhen: {when}\n"));
        let mut count = 0;
        set.evaluate(&event, &mut state, &mut |_| count += 1);
        assert_eq!(count, 1, "{when}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_rule_set_judges_every_rule_as_if_it_were_alone(
        conds in proptest::collection::vec(reference::cond(), 1..6),
        events in proptest::collection::vec(reference::event(), 1..4),
    ) {
        let mut text = String::new();
        for (index, cond) in conds.iter().enumerate() {
            let mut when = String::new();
            cond.write(&mut when);
            write!(text, "---\nid: r{index}\ntitle: t\nseverity: low\nwhen: |\n  {when}\n").expect("memory");
        }
        let (rules, problems) = Loader::new(Arc::new(Fieldmap::default())).read(&[Source::new("rules.yml", text)]);
        prop_assert!(!problems.has_errors(), "{}", problems);
        let set = RuleSet::new(rules);
        let mut state = State::default();
        for event in events {
            let expected: Vec<String> = conds
                .iter()
                .enumerate()
                .filter(|(_, cond)| cond.eval(false, &event))
                .map(|(index, _)| format!("r{index}"))
                .collect();
            let mut found = Vec::new();
            let event = Arc::new(event);
            set.evaluate(&event, &mut state, &mut |alert| found.push(alert.rule.id.clone()));
            prop_assert_eq!(&found, &expected, "{:?}", event);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Macros, exceptions and cut texts among them: what an author is shown is what happens.
    #[test]
    fn what_is_explained_is_what_happens(
        conds in proptest::collection::vec(reference::cond(), 4),
        events in proptest::collection::vec(reference::event(), 1..6),
    ) {
        let [named, other, unless, step] = [0, 1, 2, 3].map(|place: usize| {
            let mut text = String::new();
            conds[place].write(&mut text);
            text
        });
        let head = |id: &str| format!("---\nid: {id}\ntitle: t\nseverity: low\n");
        let macros = format!("macros:\n  m: |\n    {named}\n");
        let when = format!("when: |\n  (m or {other}) and not (m and {step})\n");
        let except = format!("unless:\n  - name: e\n    when: |\n      {unless}\n    reason: r\n    owner: o\n");
        let count = "count: { by: [user.id], at_least: 1000, within: 1h }\n";
        let rules = [
            head("single") + &macros + &when + &except,
            head("counting") + &macros + &when + &except + count,
        ];
        let read = |text: &str| Loader::new(Arc::new(Fieldmap::default())).read(&[Source::new("rules.yml", text)]);
        let (loaded, problems) = read(&rules.concat());
        prop_assert!(!problems.has_errors(), "{}", problems);
        let set = RuleSet::new(loaded.clone());
        for (second, mut event) in (1_i64..).zip(events) {
            event.time = (second % 3 > 0).then_some(Time(second * 1_000_000_000));
            let event = Arc::new(event);
            let mut found = Vec::new();
            let mut state = State::default();
            set.evaluate(&event, &mut state, &mut |alert| found.push(alert.suppressed_by));
            let explained = loaded.iter().map(|rule| explain_rule(rule, &loaded, &[], &event).outcome);
            let counted = state.counters().entries > 0;
            let expected = [
                match found.as_slice() {
                    [] => Outcome::Nothing,
                    [None] => Outcome::Alerts,
                    [Some(by)] => Outcome::Suppressed(by.clone()),
                    more => panic!("{more:?}"),
                },
                if counted { Outcome::Counts } else { Outcome::Nothing },
            ];
            prop_assert!(explained.eq(expected.clone()), "{} on {:?}: {:?}", rules[0], event, expected);
        }
    }

    #[test]
    fn measuring_gives_the_same_verdicts(
        conds in proptest::collection::vec(reference::cond(), 1..6),
        events in proptest::collection::vec(reference::event(), 1..6),
    ) {
        let mut text = "---\nid: pair\ntitle: t\nseverity: low\nsequence: { within: 1h, steps: [r0, event.action = exec] }\n".to_owned();
        for (index, cond) in conds.iter().enumerate() {
            let mut when = String::new();
            cond.write(&mut when);
            write!(text, "---\nid: r{index}\ntitle: t\nseverity: low\nwhen: |\n  {when}\n").expect("memory");
        }
        let (loaded, problems) = Loader::new(Arc::new(Fieldmap::default())).read(&[Source::new("rules.yml", text)]);
        prop_assert!(!problems.has_errors(), "{}", problems);
        let set = RuleSet::new(loaded);
        let (mut state, mut measured, mut costs) = (State::default(), State::default(), Costs::new(&set));
        let mut hits = vec![0_u64; set.rules().len()];
        let mut now = 0;
        for (second, mut event) in (1_i64..).zip(events) {
            event.time = Some(Time(second * 1_000_000_000));
            let event = Arc::new(event);
            set.evaluate(&event, &mut state, &mut |alert| {
                let place = set.rules().iter().position(|rule| rule.facts.id == alert.rule.id).expect("a rule");
                hits[place] += 1;
            });
            set.measure(&event, &mut measured, &mut costs, &mut || { now += 1; now });
        }
        let found: Vec<u64> = costs.rules.iter().map(|cost| cost.hits).collect();
        prop_assert_eq!(found, hits);
        prop_assert!(costs.rules.iter().all(|cost| cost.time_ns >= cost.evaluations), "{:?}", costs);
        prop_assert!(costs.rules.iter().skip(1).all(|cost| cost.evaluations >= cost.hits), "{:?}", costs);
    }
}
