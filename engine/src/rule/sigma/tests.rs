//! What Sigma means: what the specification says, and what we decided where it is silent.

use super::{super::Loader, *};
use crate::{
    event::{Kind, Severity, json},
    rule::{
        Filter, Program, Purpose, Source,
        expr::{Expr, Predicate},
        test::Test,
        yaml,
    },
};

fn rule(logsource: &str, detection: &str) -> String {
    format!("title: T\nid: s\ntags: [attack.t1059]\nlogsource: {logsource}\ndetection:\n{}\n", indent(detection))
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

fn load(text: &str) -> (Vec<Loaded>, Diagnostics) {
    Loader::new(Fieldmap::builtin()).read(&[Source::new("rule.yml", text)])
}

const PROCESS: &str = "{category: process_creation, product: linux}";
const FILE: &str = "{category: file_event, product: linux}";
const NETWORK: &str = "{category: network_connection, product: linux}";

/// Whether a rule of a log source matches an event given as JSON members beside `event.action`.
fn check_source(logsource: &str, detection: &str, event: &str, expected: bool) {
    let (rules, problems) = load(&rule(logsource, detection));
    assert!(!problems.has_errors(), "{problems}");
    let (event, errors) = json::read(event.as_bytes()).expect("an event");
    assert_eq!(errors, []);
    let [rule] = rules.as_slice() else { panic!("one rule: {rules:?}") };
    assert_eq!(Filter::new(&rule.condition, Purpose::Alert).matches(&event), expected, "{detection}");
}

/// One search and its outcome for a start of `/usr/bin/Curl`.
fn check(search: &str, expected: bool) {
    const EVENT: &str = r#"{"event":{"action":"exec"},"user":{"name":"root","id":"0"},"process":{"pid":4711,"executable":"/usr/bin/Curl","command_line":"Curl -s http://a.b/x?y=*&z=1 | sh","args":["Curl","-s"],"working_directory":"/tmp","parent":{"executable":"/usr/bin/curl","command_line":"/usr/bin/Curl"},"stdin":{"peer":{"ip":"10.1.2.3"}}}}"#;
    check_source(PROCESS, &format!("sel:\n{}\ncondition: sel", indent(search)), EVENT, expected);
}

#[test]
fn strings_compare_without_case_and_whole_unless_modified() {
    check("Image: /USR/bin/curl", true);
    check("Image: /usr/bin", false);
    check("Image|cased: /USR/bin/curl", false);
    check("Image|cased: /usr/bin/Curl", true);
    check("Image|endswith: /curl", true);
    check("Image|endswith|cased: /curl", false);
    check("Image|startswith: /USR/", true);
    check("CommandLine|contains: HTTP://", true);
    check("CommandLine|contains: [ftp, wget, curl]", true);
    check("CommandLine|contains: [ftp, wget]", false);
    check("CommandLine|contains|all: [curl, ' sh']", true);
    check("CommandLine|contains|all: [curl, bash]", false);
}

#[test]
fn wildcards_and_their_escapes() {
    check("Image: '/usr/*/c?rl'", true);
    check("Image: '*/curl'", true);
    check("Image: '/usr*'", true);
    check("Image: '*bin*'", true);
    check("Image: '*'", true);
    check("ParentUser: '*'", false);
    check(r"CommandLine|contains: 'x\?y=\*'", true);
    check(r"CommandLine|contains: 'x\?\*'", false);
    check("CommandLine|contains: 'x?y'", true);
    check("Image: '/usr/bin/cur?l'", false);
}

#[test]
fn an_absent_field_makes_its_item_false_and_its_negation_true() {
    let event = r#"{"event":{"action":"exec"},"process":{"executable":"/bin/sh"}}"#;
    let check = |condition: &str, expected| {
        let detection = format!(
            "img: {{Image: /bin/sh}}\nuser: {{User: root}}\nno_user: {{User: null}}\nhas: {{User|exists: true}}\nlacks: {{User|exists: false}}\nother: {{User|neq: root}}\nempty: {{User: ''}}\ncondition: {condition}"
        );
        check_source(PROCESS, &detection, event, expected);
    };
    check("user", false);
    check("img and not user", true);
    check("no_user", true);
    check("has", false);
    check("lacks", true);
    check("other", true);
    check("empty", false);
}

#[test]
fn null_exists_and_neq_on_a_field_that_is_there() {
    check("User: null", false);
    check("User: [null, root]", true);
    check("User|exists: true", true);
    check("User|exists: false", false);
    check("User|neq: root", false);
    check("User|neq: [eve, bob]", true);
    check("User|neq: [eve, root]", false);
}

#[test]
fn numbers_and_numeric_strings_are_equal() {
    check("ProcessId: 4711", true);
    check("ProcessId: '4711'", true);
    check("ProcessId|gt: 4710", true);
    check("ProcessId|gte: '4712'", false);
    check("ProcessId|lt: 4712", true);
    check("ProcessId|lte: 4710", false);
    check("ProcessId|startswith: '47'", true);
    check("ProcessId|contains: 71", true);
    check("UserId: 0", true);
    check("ProcessId: [1, 2]", false);
}

#[test]
fn any_element_of_an_array_is_enough() {
    check("process.args: -s", true);
    check("process.args|contains|all: [cu, s]", true);
    check("process.args: -x", false);
}

#[test]
fn regular_expressions_have_case_and_their_flags() {
    check(r"CommandLine|re: 'https?://\w+\.b'", true);
    check("CommandLine|re: 'CURL'", false);
    check("CommandLine|re|i: 'CURL'", true);
    check("CommandLine|re|i|m|s: '^cURL.*SH$'", true);
    check("CommandLine|re|all: ['Curl', 'wget']", false);
}

#[test]
fn networks() {
    check("process.stdin.peer.ip|cidr: 10.0.0.0/8", true);
    check("process.stdin.peer.ip|cidr: [192.168.0.0/16, 10.1.2.3]", true);
    check("process.stdin.peer.ip|cidr: 192.168.0.0/16", false);
    check("process.stdin.peer.ip: '10.1.2.3'", true);
    check("process.stdin.peer.ip|startswith: '10.1.'", true);
    check("process.stdin.peer.ip: '::ffff:10.1.2.3'", true);
}

#[test]
fn fields_compare_with_fields() {
    check("Image|fieldref: ParentImage", true);
    check("Image|fieldref|cased: ParentImage", false);
    check("Image|fieldref|cased: ParentCommandLine", true);
    check("Image|fieldref|startswith: CurrentDirectory", false);
    check("ParentCommandLine|fieldref|endswith: Image", true);
    check("Image|fieldref: ParentUser", false);
}

#[test]
fn maps_are_and_lists_are_or() {
    check("Image|endswith: /curl\nUser: root", true);
    check("Image|endswith: /curl\nUser: eve", false);
    check("- Image|endswith: /wget\n- User: root", true);
    check("- Image|endswith: /wget\n- User: eve", false);
    check("- - Image|endswith: /wget\n- - User: root", true);
    check("Image|endswith: [[/wget], [/curl]]", true);
}

#[test]
fn keywords_are_anywhere_in_the_event() {
    check("- wget\n- HTTP://A", true);
    check("- wget\n- lynx", false);
    check("'|all': [Curl, root]", true);
    check("'|all': [curl, eve]", false);
    check("'|re': '^/usr/bin/C'", true);
    check("- 'http*sh'", true);
    check("- 4711", true);
}

#[test]
fn encodings() {
    let check = |search: &str, line: &str, expected| {
        let event = format!(r#"{{"event":{{"action":"exec"}},"process":{{"command_line":"{line}"}}}}"#);
        check_source(PROCESS, &format!("sel:\n  {search}\ncondition: sel"), &event, expected);
    };
    check("CommandLine|base64offset|contains: /bin/bash", "echo Y2QgL2Jpbi9iYXNo", true);
    check("CommandLine|base64offset|contains: /bin/bash", "echo Y2QgL2Jpbi9kYXNo", false);
    check("CommandLine|wide|base64offset|contains: http", "aAB0AHQAcAA=", true);
    check("CommandLine|base64: ping", "cGluZw==", true);
    check("CommandLine|windash|contains: ' -f '", "x /f y", true);
    check("CommandLine|windash|contains: ' -f '", "x \u{2013}f y", true);
    check("CommandLine|windash|contains: ' -f '", "x +f y", false);
}

#[test]
fn unicode_folds_simply() {
    let event = r#"{"event":{"action":"exec"},"process":{"command_line":"ÄRGER ſtraße"}}"#;
    check_source(PROCESS, "sel: {CommandLine|contains: ärger s}\ncondition: sel", event, true);
    check_source(PROCESS, "sel: {CommandLine|contains: strasse}\ncondition: sel", event, false);
}

#[test]
fn condition_lists_are_or_and_patterns_choose_searches() {
    let event = r#"{"event":{"action":"exec"},"process":{"executable":"/bin/sh"}}"#;
    let check = |condition: &str, expected| {
        let detection = format!(
            "sel_a: {{Image: /bin/sh}}\nsel_b: {{User: root}}\nfilter_x: {{User: eve}}\ncondition: {condition}"
        );
        check_source(PROCESS, &detection, event, expected);
    };
    check("[sel_b, sel_a]", true);
    check("1 of sel_*", true);
    check("all of sel_*", false);
    check("1 of sel_* and not 1 of filter_*", true);
    check("2 of them", false);
}

#[test]
fn a_search_may_be_called_timeframe_and_a_length_of_time_is_none() {
    let event = r#"{"event":{"action":"exec"},"process":{"executable":"/bin/sh"}}"#;
    let searches = "timeframe: {User: nobody}\nsel: {Image: /bin/sh}\n";
    check_source(PROCESS, &format!("{searches}condition: all of them"), event, false);
    check_source(PROCESS, &format!("{searches}condition: sel and not timeframe"), event, true);
    let (rules, problems) = load(&rule(PROCESS, "timeframe: 5m\nsel: {Image: /bin/sh}\ncondition: all of them"));
    let codes: Vec<_> = problems.sorted().iter().map(|problem| problem.code).collect();
    assert_eq!((rules.len(), codes), (1, vec!["unused-search"]), "{problems}");
    let (rules, problems) = load(&rule(PROCESS, "sel: {Image: /bin/sh}\ncondition: []"));
    let codes: Vec<_> = problems.sorted().iter().map(|problem| problem.code).collect();
    assert_eq!((rules.len(), codes), (0, vec!["empty-list"]), "{problems}");
}

#[test]
fn log_sources_choose_kinds() {
    let any_image = "sel: {Image|exists: true}\ncondition: sel";
    let event = |action: &str, more: &str| {
        format!(r#"{{"event":{{"action":"{action}"}},"process":{{"executable":"/x"}}{more}}}"#)
    };
    check_source(PROCESS, any_image, &event("exec", ""), true);
    check_source(PROCESS, any_image, &event("fork", ""), false);
    check_source("{category: process_creation}", any_image, &event("exec", ""), true);
    check_source(FILE, any_image, &event("file_open", r#","file":{"access":["read","write"]}"#), true);
    check_source(FILE, any_image, &event("file_open", r#","file":{"access":["read"]}"#), false);
    check_source(NETWORK, any_image, &event("accept", ""), true);
    check_source(NETWORK, any_image, &event("listen", ""), false);
    let initiated = |value: &str| format!("sel: {{Initiated: {value}}}\ncondition: sel");
    check_source(NETWORK, &initiated("'true'"), &event("connect", ""), true);
    check_source(NETWORK, &initiated("true"), &event("accept", ""), false);
    check_source(NETWORK, &initiated("false"), &event("accept", ""), true);
}

const AUDIT: &str = "{product: linux, service: auditd}";

#[test]
fn an_event_is_several_records_of_the_audit_log() {
    const EXEC: &str = r#"{"event":{"action":"exec"},"user":{"id":"33"},"process":{"executable":"/usr/bin/kmod","requested_executable":"/sbin/insmod","command_line":"insmod -f x.ko","args":["insmod","-f","x.ko"],"working_directory":"/root","parent":{"executable":"/sbin/init"}}}"#;
    const OPEN: &str = r#"{"event":{"action":"file_open"},"file":{"requested_path":"/var/run/x","path":"/run/x","access":["write","create"]},"process":{"executable":"/bin/sh"}}"#;
    let check = |search: &str, event: &str, expected| {
        check_source(AUDIT, &format!("sel:\n{}\ncondition: sel", indent(search)), event, expected);
    };
    check("type: EXECVE\na0: INSMOD\na2|endswith: .ko", EXEC, true);
    check("type: execve\na1: insmod", EXEC, false);
    check("a3|exists: true", EXEC, false);
    check("a3: null\ntype: EXECVE", EXEC, true);
    check("type: SYSCALL\ncomm: insmod\nexe: /usr/bin/kmod", EXEC, true);
    check("type: SYSCALL\ncomm: kmod", EXEC, false);
    check("type: SYSCALL\ncomm|startswith: INS", EXEC, true);
    check("type: SYSCALL\ncomm|startswith: sbin", EXEC, false);
    check("type: SYSCALL\nSYSCALL: [execve, execveat]\neuid: 33", EXEC, true);
    check("type: SYSCALL\nSYSCALL: connect", EXEC, false);
    check("type: SYSCALL\nexe: /bin/sh", OPEN, false);
    check("type: PATH\nname: /sbin/insmod", EXEC, true);
    check("type: PATH\nname: /var/run/x", OPEN, true);
    check("type: PATH\nname: /run/x", OPEN, true);
    check("type: PATH\nname|contains|all: [/var/, /run/]", OPEN, true);
    check("type: PATH\nname|neq: /run/x", OPEN, false);
    check("type: PATH\nname: null", OPEN, false);
    check("type: PATH\nname: /bin/sh", OPEN, false);
    check("type: PATH\nnametype: CREATE", OPEN, true);
    check("type: PATH\nnametype: NORMAL", OPEN, false);
    check("type|startswith: P\nname: /run/x", OPEN, true);
    check("type|neq: PATH\nname: /run/x", OPEN, false);
    // Keywords are those of the record: the parent is in none.
    let keywords = |words: &str| format!("sel: {{type: EXECVE}}\nwords: [{words}]\ncondition: sel and words");
    check_source(AUDIT, &keywords("'-f x'"), EXEC, true);
    check_source(AUDIT, &keywords("init"), EXEC, false);
    let audit = |search: &str| rule(AUDIT, &format!("sel:\n{}\ncondition: sel", indent(search)));
    check_state(&audit("type: EXECVE\na0: x"), "active", None);
    check_state(&audit("a0: x"), "active", None);
    check_state(&audit("type: ADD_USER"), "dormant", Some("no event carries `type` with the value `ADD_USER`"));
    check_state(
        &audit("type: SYSCALL\nSYSCALL: mknod\na0: 1"),
        "dormant",
        Some("no event carries `SYSCALL` with the value `mknod`"),
    );
    check_state(
        &audit("- type: SYSCALL\n  SYSCALL: memfd_create\n- type: EXECVE"),
        "degraded",
        Some("no event carries `SYSCALL` with the value `memfd_create`"),
    );
    check_state(&audit("key: net"), "dormant", Some("no event carries `key`: it is a label that audit rules give"));
    check_state(&audit("nametype: DELETE"), "dormant", Some("no event carries `nametype` with the value `DELETE`"));
}

/// State and reason of a rule that has no problem.
fn check_state(text: &str, state: &str, reason: Option<&str>) {
    let (rules, problems) = load(text);
    assert!(!problems.has_errors(), "{problems}");
    let [rule] = rules.as_slice() else { panic!("one rule: {rules:?}") };
    assert_eq!((rule.state.word(), rule.state.reason().as_deref()), (state, reason), "{text}");
}

#[test]
fn what_cannot_match_says_why() {
    let process = |detection: &str| rule(PROCESS, detection);
    check_state(&process("sel: {Image: x}\ncondition: sel"), "active", None);
    check_state(
        &process("sel: {Hashes: x}\ncondition: sel"),
        "dormant",
        Some("no event carries `Hashes`: files are not hashed yet"),
    );
    check_state(
        &process("a: {Hashes: x}\nb: {Image: x}\ncondition: a or b"),
        "degraded",
        Some("no event carries `Hashes`: files are not hashed yet"),
    );
    check_state(
        &process("sel: {Strange: x}\ncondition: sel"),
        "dormant",
        Some("no event carries `Strange`: the field map does not have it"),
    );
    check_state(
        &rule("{product: windows, category: process_creation}", "sel: {Image: x}\ncondition: sel"),
        "dormant",
        Some("it is for Windows"),
    );
    check_state(
        &rule("{product: zeek, service: dns}", "sel: {query: x}\ncondition: sel"),
        "dormant",
        Some("no event of ours belongs to product `zeek`, service `dns`"),
    );
    check_state(
        &rule("{product: linux}", "k: [a]\ncondition: k"),
        "dormant",
        Some("no event of ours is what this log holds"),
    );
    check_state(
        &process("sel: {CommandLine|re: '(?=x)'}\ncondition: sel"),
        "rejected",
        Some("the regular expression `(?=x)`: look-around, including look-ahead and look-behind, is not supported"),
    );
    check_state(
        &process("sel: {CommandLine|expand: '%x%'}\ncondition: sel"),
        "rejected",
        Some("no value is given for the placeholder `%x%`"),
    );
    check_state(
        &process("sel: {Image: x}\ncondition: sel | count() > 5"),
        "rejected",
        Some("aggregations are not supported"),
    );
}

#[test]
fn what_the_author_wrote_stays_with_the_alert() {
    let text = format!(
        "author: A. Uthor\nlicense: DRL-1.1\nreferences: [https://example.org/]\nlevel: critical\ncustom: 1\n{}",
        rule(PROCESS, "sel: {Image: x}\ncondition: sel")
    );
    let (rules, problems) = load(&text);
    assert!(problems.sorted().is_empty(), "{problems}");
    let rule = &rules[0];
    assert_eq!(rule.author.as_deref(), Some("A. Uthor"));
    assert_eq!(rule.license.as_deref(), Some("DRL-1.1"));
    assert_eq!(rule.references, ["https://example.org/"]);
    assert_eq!(rule.severity, Severity::Critical);
    assert_eq!(rule.ruleset, "sigma");
}

#[test]
fn several_documents_in_one_file_are_several_rules() {
    let one = "title: T\nlogsource: {category: process_creation}\ndetection: {sel: {Image: x}, condition: sel}\n";
    let (rules, problems) = load(&format!("{one}---\n{one}---\n"));
    assert!(!problems.has_errors(), "{problems}");
    let ids: Vec<_> = rules.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids, ["sigma-rule", "sigma-rule-1"]);
}

/// Rules and a filter, each a document; which of the rules alert on a start of `/bin/a` by root.
fn filtered(filter: &str) -> (Vec<String>, Vec<&'static str>) {
    let rules = [("r1", "{category: process_creation, product: linux}"), ("r2", "{category: process_creation}")]
        .map(|(id, logsource)| {
            format!(
                "title: T\nid: {id}\ntags: [attack.t1059]\nname: {id}_name\nrelated: [{{id: old_{id}, type: renamed}}]\nlogsource: {logsource}\n\
                 detection: {{sel: {{Image: /bin/a}}, condition: sel}}\n"
            )
        });
    let filter = format!("title: F\nlogsource: {{category: process_creation}}\nfilter:\n{}", indent(filter));
    let sources = [rules[0].clone(), filter, rules[1].clone()].map(|text| Source::new("rule.yml", text));
    let (rules, problems) = Loader::new(Fieldmap::builtin()).read(&sources);
    let event = r#"{"event":{"action":"exec"},"process":{"executable":"/bin/a"},"user":{"name":"root"}}"#;
    let (event, _) = json::read(event.as_bytes()).expect("an event");
    let alerting = rules
        .iter()
        .filter(|rule| Filter::new(&rule.condition, Purpose::Alert).matches(&event))
        .map(|rule| rule.id.clone());
    (alerting.collect(), problems.sorted().iter().map(|problem| problem.code).collect())
}

#[test]
fn filters_are_put_to_the_rules_they_name() {
    let check = |filter: &str, alerting: &[&str], codes: &[&str]| {
        let (found, problems) = filtered(filter);
        assert_eq!(found, alerting, "{filter}");
        assert_eq!(problems, codes, "{filter}");
    };
    let root = "{User: root}\ncondition: not s";
    check(&format!("rules: any\ns: {root}"), &[], &[]);
    check(&format!("rules: []\ns: {root}"), &[], &[]);
    check(&format!("rules: [r1]\ns: {root}"), &["r2"], &[]);
    check(&format!("rules: r2_name\ns: {root}"), &["r1"], &[]);
    check(&format!("rules: [old_r1]\ns: {root}"), &["r2"], &[]);
    check(&format!("rules: [r3]\ns: {root}"), &["r1", "r2"], &["unused-filter"]);
    check("rules: any\ns_a: {User: eve}\ns_b: {User: root}\ncondition: not 1 of s_*", &[], &[]);
    check("rules: any\ns: {User: eve}\ncondition: not s", &["r1", "r2"], &[]);
    check("rules: any\ns: {User: root}\ncondition: s", &["r1", "r2"], &["filter-without-not"]);
    check(&format!("s: {root}"), &["r1", "r2"], &["missing-key"]);
    check("rules: any\ns: {User: root}\ncondition: [not s]", &["r1", "r2"], &["wrong-type"]);
    check("rules: any\ns: {User: root}", &["r1", "r2"], &["missing-key"]);
    check("rules: any\ns: {User|expand: '%x%'}\ncondition: not s", &["r1", "r2"], &["filter-rejected"]);
}

/// Rules for process creations, and a filter with many values for all of them.
fn many_filtered(rules: usize, modifier: &str, values: impl Iterator<Item = String>) -> (Vec<Loaded>, Diagnostics) {
    let rule = |number: usize| {
        let rule = rule(PROCESS, "sel: {Image: /a}\ncondition: sel");
        format!("{}---\n", rule.replace("id: s\n", &format!("id: r{number}\n")))
    };
    let values = values.collect::<Vec<_>>().join(", ");
    let filter = format!(
        "title: F\nlogsource: {{category: process_creation}}\nfilter:\n  rules: any\n  f:\n    CommandLine{modifier}: [{values}]\n  condition: not f\n"
    );
    load(&format!("{}{filter}", (0..rules).map(rule).collect::<String>()))
}

#[test]
fn rules_share_what_a_filter_asks() {
    let (rules, problems) = many_filtered(300, "|contains", (0..1_000).map(|number| format!("value{number}")));
    assert!(!problems.has_errors(), "{problems}");
    let mut table = crate::rule::Table::default();
    let mut long = Vec::new();
    for rule in &rules {
        for kind in Kind::ALL {
            drop(Program::new(&rule.condition, *kind, Purpose::Alert, &mut table));
        }
        each_predicate(&rule.condition, &mut |predicate| {
            if matches!(&predicate.test, Test::Text(strings) if strings.needles().len() == 1_000) {
                long.push(Arc::as_ptr(predicate));
            }
        });
    }
    assert_eq!(long.len() % 300, 0, "{}", long.len());
    long.sort_unstable();
    long.dedup();
    assert!(!long.is_empty() && long.len() <= 2, "{}", long.len());
}

fn each_predicate(expr: &Expr, with: &mut impl FnMut(&Arc<Predicate>)) {
    match expr {
        Expr::All(parts) | Expr::Any(parts) => parts.iter().for_each(|part| each_predicate(part, with)),
        Expr::Named { inner, .. } => each_predicate(inner, with),
        Expr::Const(_) => {}
        Expr::Test { predicate, .. } => with(predicate),
    }
}

#[test]
fn filters_that_would_add_too_much_are_refused_with_their_place() {
    let (rules, problems) = many_filtered(3_000, "", (0..800).map(|number| format!("'a*{number}*b'")));
    let found: Vec<_> = problems.sorted().into_iter().filter(|problem| problem.code == "too-large").collect();
    let [problem] = found.as_slice() else { panic!("one error: {problems}") };
    assert_eq!(problem.message, "filters add more than 2000000 parts to the conditions of their rules");
    assert!(problem.place.start().0 > 1, "{problem:?}");
    assert!(rules.len() < 3_000);
}

#[test]
fn a_filter_is_for_log_sources_that_it_contains_and_makes_another_rule() {
    let load = |product: &str, user: &str| {
        let rule = rule(PROCESS, "sel: {Image: x}\ncondition: sel");
        let filter = format!(
            "title: F\nlogsource: {{product: {product}}}\nfilter: {{rules: any, s: {{User: {user}}}, condition: not s}}\n"
        );
        let (rules, _) = load(&format!("{rule}---\n{filter}"));
        rules[0].content_hash.clone()
    };
    assert_ne!(load("linux", "root"), load("windows", "root"));
    assert_ne!(load("linux", "root"), load("linux", "eve"));
    assert_eq!(load("windows", "root"), load("windows", "eve"));
}

#[test]
fn what_is_wrong_with_related_is_a_warning() {
    let text =
        format!("related: [x, {{id: a}}, {{id: a, type: renamd}}]\n{}", rule(PROCESS, "s: {Image: x}\ncondition: s"));
    let (rules, problems) = load(&text);
    assert_eq!(rules.len(), 1);
    assert_eq!((problems.errors(), problems.warnings()), (0, 3), "{problems}");
}

proptest::proptest! {
    #[test]
    fn no_detection_panics(
        keys in proptest::collection::vec("[A-Za-z|]{0,12}", 1..4),
        modifiers in proptest::collection::vec(
            proptest::sample::select(vec![
                "contains", "all", "re", "i", "base64", "base64offset", "wide", "windash", "cidr", "gt", "exists", "fieldref",
                "neq", "cased", "startswith", "endswith", "utf16", "expand", "nonsense",
            ]),
            0..4,
        ),
        value in "\\PC{0,20}",
        condition in "[a-z_*() 0-9]{0,30}",
    ) {
        let quoted = serde_json::to_string(&value).expect("JSON");
        let modifiers: String = modifiers.iter().map(|name| format!("|{name}")).collect();
        let items: String =
            keys.iter().enumerate().map(|(index, key)| format!("  s{index}: {{\"{key}{modifiers}\": [{quoted}, 1, null]}}\n")).collect();
        let text = format!("title: T\nlogsource: {PROCESS}\ndetection:\n{items}  condition: \"s0 or 1 of s* or {condition}\"\n");
        let source = Source::new("rule.yml", text);
        let mut problems = Diagnostics::default();
        for document in yaml::parse(&source, &mut problems) {
            let setup = Setup { target: Target::Ours(Fieldmap::builtin()), placeholders: Placeholders::default() };
            let reader = Reader::new(&setup, std::iter::once(&document), &mut problems);
            drop(reader.read(&document, 0, &mut problems));
        }
        proptest::prop_assert!(problems.render(crate::rule::Colour::Plain).len() < 1_000_000);
    }
}

#[test]
fn the_rule_whose_expressions_pass_the_memory_of_the_set_is_named() {
    let detection = |first: usize| {
        let values: Vec<String> = (first..first + 30).map(|number| format!(r"'\w{{50}}{number}'")).collect();
        format!("sel:\n  CommandLine|re: [{}]\ncondition: sel", values.join(", "))
    };
    let text = rule(PROCESS, &detection(0)) + "---\n" + &rule(PROCESS, &detection(30)).replace("id: s", "id: second");
    let (rules, problems) = load(&text);
    let [rule] = rules.as_slice() else { panic!("one rule: {}", rules.len()) };
    assert_eq!((rule.id.as_str(), problems.errors()), ("s", 1), "{problems}");
    let shown = problems.render(crate::rule::Colour::Plain);
    assert!(shown.contains("rule.yml:17:5") && shown.contains("take more than 128 MiB"), "{shown}");
    assert!(shown.contains("repetitions of"), "{shown}");
}
