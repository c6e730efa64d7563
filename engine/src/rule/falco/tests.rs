//! Bounds, shapes and hashes; what conditions mean is in `testdata/falco`.

use crate::rule::{Diagnostics, Loaded, Loader, Sensors, Source, Verdict, reach, sigma::Fieldmap};

fn load(text: &str) -> (Vec<Loaded>, Diagnostics) {
    Loader::new(Fieldmap::builtin()).read(&[Source::new("rules.yaml", text)])
}

fn rule(condition: &str) -> String {
    format!("- rule: R\n  desc: D.\n  condition: {condition}\n  output: O\n  priority: INFO\n")
}

/// Asks for the first problem of some items.
fn check_refused(text: &str, code: &str) {
    let (_, problems) = load(text);
    assert_eq!(problems.sorted().first().map(|problem| problem.code), Some(code), "{problems}");
}

#[test]
fn what_grows_without_end_is_refused() {
    let nested = format!("{}proc.name = a{}", "(".repeat(65), ")".repeat(65));
    check_refused(&rule(&nested), "too-deep");
    check_refused(&rule(&format!("{} proc.name = a", "not ".repeat(65))), "too-deep");
    check_refused(&rule(&format!("proc.name = {}", "a".repeat(65 << 10))), "too-large");
    let doubled = |first: &str, more: &dyn Fn(usize) -> String| -> String {
        std::iter::once(first.to_owned()).chain((1..20).map(more)).collect()
    };
    let macros = doubled("- macro: m0\n  condition: proc.name = a or proc.name = b\n", &|n| {
        format!("- macro: m{n}\n  condition: m{0} or m{0}\n", n - 1)
    });
    check_refused(&format!("{macros}{}", rule("m19")), "too-large");
    let lists = doubled("- list: l0\n  items: [a, b]\n", &|n| format!("- list: l{n}\n  items: [l{0}, l{0}]\n", n - 1));
    check_refused(&format!("{lists}{}", rule("proc.name in (l19)")), "too-large");
    let uses = ["proc.name in (l15)"; 2].join(" or ");
    check_refused(&format!("{lists}{}", rule(&uses)), "too-large");
    let deep: String = (0..100).map(|n| format!("- macro: m{n}\n  condition: m{}\n", n + 1)).collect();
    check_refused(&format!("{deep}- macro: m100\n  condition: proc.name = a\n{}", rule("m0")), "too-deep");
}

#[test]
fn a_file_is_known_by_its_shape() {
    let falco = "- required_engine_version: 26\n";
    assert!(load(falco).1.sorted().is_empty());
    let whitelist = "- name: n\n  when: process.name = a\n  reason: r\n  owner: o\n";
    let (rules, problems) = load(whitelist);
    assert!(rules.is_empty() && problems.sorted().is_empty(), "{problems}");
    assert_eq!(load(&rule("evt.type = execve")).0.first().map(|rule| rule.ruleset), Some("falco"));
}

#[test]
fn the_content_hash_is_over_what_the_rule_refers_to() {
    let hash = |inner: &str, other: &str| {
        let shared = format!(
            "- list: inner\n  items: [{inner}]\n- list: used\n  items: [inner]\n- macro: named\n  condition: proc.name in (used)\n- list: other\n  items: [{other}]\n"
        );
        let (rules, problems) = load(&format!("{shared}{}", rule("evt.type = execve and named")));
        assert!(!problems.has_errors(), "{problems}");
        rules.first().map(|rule| rule.content_hash.clone())
    };
    assert_eq!(hash("a", "b"), hash("a", "c"));
    assert_ne!(hash("a", "b"), hash("c", "b"));
}

#[test]
fn every_problem_of_a_rule_is_reported() {
    let text = "- rule: R\n  condition: proc.name like b\n  output: O\n  priority: loud\n  exceptions:\n    - name: e\n      fields: proc.name\n      comps: like\n";
    let (rules, problems) = load(text);
    assert!(rules.is_empty());
    let mut found: Vec<_> = problems.sorted().iter().map(|problem| (problem.place.start().0, problem.code)).collect();
    found.sort_unstable();
    assert_eq!(found, [(1, "missing-key"), (2, "syntax"), (4, "wrong-word"), (8, "wrong-word")], "{problems}");
}

#[test]
fn a_rule_is_whole_again_where_a_later_item_replaces_it() {
    let (rules, problems) = load(&format!("- rule: R\n  condition: evt.type = execve\n{}", rule("evt.type = execve")));
    assert_eq!((rules.len(), problems.errors()), (1, 3), "{problems}");
}

#[test]
fn an_item_that_changes_a_broken_rule_is_not_reported_for_that() {
    let more = "- rule: R\n  condition: or proc.name = b\n  append: true\n";
    let (rules, problems) = load(&format!("{}{more}", rule("''")));
    assert!(rules.is_empty());
    assert_eq!(problems.errors(), 1, "{problems}");
}

#[test]
fn problems_of_appended_text_are_shown_where_it_stands() {
    let more = "- rule: R\n  condition: and proc.name like b\n  append: true\n";
    let (_, problems) = load(&format!("{}{more}", rule("evt.type = execve")));
    assert_eq!(problems.sorted().first().map(|problem| problem.place.start()), Some((7, 28)), "{problems}");
}

#[test]
fn an_end_of_a_connection_lacks_nothing_because_other_kinds_call_it_otherwise() {
    let sensors = Sensors::preferring("trampoline");
    for field in ["fd.ip", "fd.sip", "fd.lip", "fd.net", "fd.snet"] {
        for kind in ["accept", "connect", "listen"] {
            let (rules, _) = load(&rule(&format!("evt.type = {kind} and {field} = 10.0.0.1")));
            let found = reach(&rules, &sensors);
            assert_eq!(found[0].verdict, Verdict::CanFire, "{field} {kind}: {:?}", found[0].reasons);
        }
    }
}
