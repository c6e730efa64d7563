//! Lists read from files of every format.

use std::net::IpAddr;

use super::*;
use crate::event::value::Words;

fn spec(format: Format, sort: Sort) -> Spec {
    Spec {
        name: "test".to_owned(),
        path: PathBuf::from("test"),
        format,
        sort,
        subdomains: false,
        columns: Columns {
            value: "ioc".to_owned(),
            description: Some("what".to_owned()),
            reference: Some("link".to_owned()),
        },
    }
}

fn read(format: Format, sort: Sort, text: &str) -> (List, Report) {
    let now = Some(Time(1_800_000_000_000_000_000));
    List::read(&spec(format, sort), text.as_bytes(), 1000, now).unwrap_or_else(|problem| panic!("{problem:?}"))
}

fn value(sort: Sort, text: &str) -> Value<'_> {
    if sort == Sort::Ip {
        Value::Ip(text.parse::<IpAddr>().expect("an address"))
    } else {
        Value::Bytes(text.as_bytes())
    }
}

/// What is found for each of some values.
fn check(list: &List, expected: &[(&str, Option<&str>)]) {
    for (text, indicator) in expected {
        let found = list.find(value(list.sort(), text));
        assert_eq!(found.map(|hit| hit.indicator).as_deref(), *indicator, "{text}");
    }
}

fn problems(report: &Report) -> Vec<String> {
    report.problems.iter().map(|problem| format!("{}: {}", problem.line, problem.what)).collect()
}

#[test]
fn addresses_and_networks() {
    let text = "# a comment\n198.51.100.7 # a scanner\n203.0.113.0/24\n203.0.113.64/26\n2001:db8::/32\r\n::ffff:192.0.2.1\n\n198.51.100.7\n10.1.2.3/8\n192.0.2.9:443\nexample.org\n";
    let (list, report) = read(Format::Plain, Sort::Ip, text);
    check(
        &list,
        &[
            ("198.51.100.7", Some("198.51.100.7")),
            ("::ffff:198.51.100.7", Some("198.51.100.7")),
            ("198.51.100.8", None),
            ("203.0.113.1", Some("203.0.113.0/24")),
            ("203.0.113.65", Some("203.0.113.64/26")),
            ("203.0.114.1", None),
            ("2001:db8:1::1", Some("2001:db8::/32")),
            ("2001:db9::1", None),
            ("192.0.2.1", Some("192.0.2.1")),
        ],
    );
    assert_eq!((report.entries, report.repeated), (5, 1));
    assert_eq!(
        problems(&report),
        [
            "9: `10.1.2.3/8` is no network: it has bits set beyond its prefix",
            "10: `192.0.2.9:443` is an address with a port; a list of addresses has none",
            "11: `example.org` is no address or network",
        ]
    );
    let hit = list.find(value(Sort::Ip, "198.51.100.7")).expect("a hit");
    assert_eq!((hit.description.as_deref(), hit.reference), (Some("a scanner"), None));
    assert!(!list.holds(Value::Bytes(b"198.51.100.7")) && !list.holds(Value::Absent));
}

#[test]
fn only_a_host_loses_its_usual_port() {
    for (text, shown) in [
        ("http://[::1]:80/x", "http://[::1]/x"),
        ("http://u:p@evil.example:80", "http://u:p@evil.example/"),
        ("http://evil.example:80:80/x", "http://evil.example:80:80/x"),
        ("http://:80/x", "http://:80/x"),
        ("http://::80", "http://::80/"),
    ] {
        let (list, _) = read(Format::Plain, Sort::Url, text);
        check(&list, &[(text, Some(shown)), (shown, Some(shown))]);
    }
}

#[test]
fn networks_of_mapped_addresses_are_the_ipv4_ones() {
    let (list, report) = read(Format::Plain, Sort::Ip, "::ffff:10.0.0.0/104\n10.0.0.0/8\n::ffff:192.0.2.0/120\n");
    let ten = Some("10.0.0.0/8");
    check(&list, &[("10.1.2.3", ten), ("::ffff:10.1.2.3", ten), ("192.0.2.9", Some("192.0.2.0/24")), ("::1", None)]);
    assert_eq!((report.entries, report.repeated), (2, 1));
    let (all, _) = read(Format::Plain, Sort::Ip, "::/0\n");
    check(&all, &[("::ffff:10.1.2.3", Some("::/0")), ("fe80::1", Some("::/0")), ("10.1.2.3", None)]);
}

#[test]
fn domains_with_and_without_those_below() {
    let text = "evil.example\n*.worse.example\n.Worst.Example.\nnot a domain\n192.0.2.1\n";
    let (list, report) = read(Format::Plain, Sort::Domain, text);
    let below = Some("*.worse.example");
    check(
        &list,
        &[
            ("evil.example", Some("evil.example")),
            ("EVIL.example.", Some("evil.example")),
            ("a.evil.example", None),
            ("worse.example", below),
            ("a.b.worse.example", below),
            ("notworse.example", None),
            ("example", None),
            ("worst.example", Some("*.worst.example")),
            ("", None),
            (".", None),
            ("..worse.example", below),
            (&"a.".repeat(200), None),
        ],
    );
    assert_eq!(problems(&report).len(), 2);
    let all = Spec { subdomains: true, ..spec(Format::Plain, Sort::Domain) };
    let (list, _) = List::read(&all, text.as_bytes(), 1000, None).expect("a list");
    check(&list, &[("a.evil.example", Some("*.evil.example")), ("evil.example", Some("*.evil.example"))]);
}

#[test]
fn hashes_names_and_urls() {
    let (md5, sha) =
        ("d41d8cd98f00b204e9800998ecf8427e", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    let (list, report) = read(Format::Plain, Sort::Hash, &format!("{md5}\n{}\nd41d8\n", sha.to_uppercase()));
    check(&list, &[(sha, Some(sha)), (&md5.to_uppercase(), Some(md5)), (&md5[..30], None), ("", None)]);
    assert_eq!(problems(&report), ["3: `d41d8` is no hash in hexadecimal digits"]);

    let (list, _) = read(Format::Plain, Sort::FileName, "xmrig\n/tmp/.x/a b\n/\n");
    check(
        &list,
        &[
            ("/usr/bin/xmrig", Some("xmrig")),
            ("xmrig", Some("xmrig")),
            ("/xmrig/a", None),
            ("/tmp/.x/a b", Some("/tmp/.x/a b")),
            ("a b", None),
            ("/", None),
        ],
    );

    let (list, report) =
        read(Format::Plain, Sort::Url, "HTTP://Evil.example:80/A?b#c\nhttps://evil.example\nevil.example/x\n");
    check(
        &list,
        &[
            ("http://evil.example/A?b", Some("http://evil.example/A?b")),
            ("http://evil.example/a?b", None),
            ("https://EVIL.example:443/#x", Some("https://evil.example/")),
            ("http://evil.example:8080/A?b", None),
        ],
    );
    assert_eq!(problems(&report), ["3: `evil.example/x` is no URL with a scheme and a host"]);
}

#[test]
fn columns_of_a_file() {
    let text = "# a feed\n# \"seen\", \"ioc\" ,\"what\"\n\"2026\", \"198.51.100.1\", \"a \"\"bot\"\", or\nmore\"\n2026,198.51.100.2,\n2026\n";
    let (list, report) = read(Format::Csv, Sort::Ip, text);
    let hit = list.find(value(Sort::Ip, "198.51.100.1")).expect("a hit");
    assert_eq!(hit.description.as_deref(), Some("a \"bot\", or\nmore"));
    check(&list, &[("198.51.100.2", Some("198.51.100.2"))]);
    assert_eq!(problems(&report), ["6: a record without the column of the indicators"]);
    let (list, _) = read(Format::Csv, Sort::Domain, "link;ioc\nhttps://x.example/1;evil.example\n");
    let hit = list.find(value(Sort::Domain, "evil.example")).expect("a hit");
    assert_eq!(hit.reference.as_deref(), Some("https://x.example/1"));
    let problem = List::read(&spec(Format::Csv, Sort::Ip), b"a,b\n1,2\n", 10, None).expect_err("no such column");
    assert_eq!(problem.what, "no line names the column `ioc`");
}

#[test]
fn events_of_misp() {
    let text = r#"{"response": [{"Event": {"info": "A campaign", "Attribute": [
        {"type": "ip-dst", "value": "198.51.100.1", "to_ids": true, "comment": "C2"},
        {"type": "ip-src", "value": "198.51.100.2"},
        {"type": "ip-dst", "value": "198.51.100.3", "to_ids": false},
        {"type": "domain|ip", "value": "evil.example|198.51.100.4"},
        {"type": "ip-dst|port", "value": "198.51.100.5|443"},
        {"type": "ip-dst", "value": 7},
        {"type": "ip-dst", "value": "nonsense"},
        {"type": "comment", "value": "x"}],
      "Object": [{"name": "file", "Attribute": [{"type": "sha1", "value": "da39a3ee5e6b4b0d3255bfef95601890afd80709"}]}]}}]}"#;
    let (list, report) = read(Format::Misp, Sort::Ip, text);
    check(
        &list,
        &[
            ("198.51.100.1", Some("198.51.100.1")),
            ("198.51.100.3", None),
            ("198.51.100.4", Some("198.51.100.4")),
            ("198.51.100.5", None),
        ],
    );
    assert_eq!(list.find(value(Sort::Ip, "198.51.100.1")).expect("a hit").description.as_deref(), Some("C2"));
    assert_eq!(list.find(value(Sort::Ip, "198.51.100.2")).expect("a hit").description.as_deref(), Some("A campaign"));
    assert_eq!((report.entries, report.withdrawn, report.problems.len()), (3, 1, 2));
    assert!(problems(&report)[0].starts_with("7: ") && problems(&report)[1].starts_with("8: "), "{report:?}");
    assert_eq!(read(Format::Misp, Sort::Hash, text).1.entries, 1);
    assert_eq!(read(Format::Misp, Sort::Domain, text).1.entries, 1);
    assert!(List::read(&spec(Format::Misp, Sort::Ip), b"{\"a\": 1}", 10, None).is_err());
}

#[test]
fn bundles_of_stix() {
    let text = r#"{"type": "bundle", "objects": [
      {"type": "identity", "name": "somebody"},
      {"type": "indicator", "pattern_type": "stix", "name": "C2", "external_references": [{"source_name": "x"}, {"url": "https://x.example"}],
       "pattern": "[ipv4-addr:value = '198.51.100.1' OR ipv4-addr:value IN ('198.51.100.2', '203.0.113.0/24')] OR [domain-name:value = 'evil.example']"},
      {"type": "indicator", "pattern": "[file:hashes.'SHA-256' = 'E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855' OR file:name = 'it\\'s']"},
      {"type": "indicator", "pattern": "[ipv4-addr:value = '198.51.100.3' AND network-traffic:dst_port = 443]"},
      {"type": "indicator", "pattern": "[ipv4-addr:value = '198.51.100.4'] FOLLOWEDBY [url:value = 'x']"},
      {"type": "indicator", "pattern": "alert tcp", "pattern_type": "snort"},
      {"type": "indicator", "pattern": "[ipv4-addr:value = '198.51.100.5']", "revoked": true},
      {"type": "indicator", "pattern": "[ipv4-addr:value = '198.51.100.6']", "valid_until": "2020-01-01T00:00:00Z"},
      {"type": "indicator", "pattern": "[ipv4-addr:value = '198.51.100.7']", "valid_until": "2120-01-01T00:00:00Z"},
      {"type": "indicator", "pattern": "[ipv4-addr:value NOT = '198.51.100.8']"}]}"#;
    let (list, report) = read(Format::Stix, Sort::Ip, text);
    check(
        &list,
        &[
            ("198.51.100.1", Some("198.51.100.1")),
            ("203.0.113.9", Some("203.0.113.0/24")),
            ("198.51.100.3", None),
            ("198.51.100.5", None),
            ("198.51.100.6", None),
            ("198.51.100.7", Some("198.51.100.7")),
            ("198.51.100.8", None),
        ],
    );
    let hit = list.find(value(Sort::Ip, "198.51.100.2")).expect("a hit");
    assert_eq!((hit.description.as_deref(), hit.reference.as_deref()), (Some("C2"), Some("https://x.example")));
    assert_eq!(
        problems(&report),
        [
            "6: a pattern that asks for more than a choice of values: `AND`",
            "7: a pattern that asks for more than a choice of values: `FOLLOWEDBY`",
            "8: a pattern in the language `snort`",
            "12: a pattern that asks for more than a choice of values: `NOT`",
        ]
    );
    assert_eq!((report.entries, report.withdrawn), (4, 2));
    check(&read(Format::Stix, Sort::FileName, text).0, &[("/tmp/it's", Some("it's"))]);
    assert_eq!(read(Format::Stix, Sort::Hash, text).1.entries, 1);
}

#[test]
fn bounds_hold_and_problems_are_counted() {
    let many: String = (0..100).map(|number| format!("192.0.2.{number}\n")).collect();
    let problem = List::read(&spec(Format::Plain, Sort::Ip), many.as_bytes(), 50, None).expect_err("too many");
    assert_eq!((problem.line, problem.what.as_str()), (51, "more than 50 indicators"));
    let (_, report) = read(Format::Plain, Sort::Ip, &"x\n".repeat(50));
    assert_eq!((report.problems.len(), report.more_problems), (MAX_PROBLEMS, 30));
}

#[test]
fn an_unchanged_file_is_not_read_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ips");
    std::fs::write(&path, "192.0.2.1\n").expect("written");
    let spec = Spec { path: path.clone(), ..spec(Format::Plain, Sort::Ip) };
    let limits = Limits { file_bytes: 100, entries: 10 };
    let load = |before: &Lists| Lists::load(std::slice::from_ref(&spec), limits, None, before);
    let (first, reports) = load(&Lists::default()).expect("a list");
    assert_eq!(reports.len(), 1);
    let (second, reports) = load(&first).expect("a list");
    assert!(
        reports.is_empty() && std::sync::Arc::ptr_eq(first.get("test").expect("it"), second.get("test").expect("it"))
    );
    std::fs::write(&path, "192.0.2.1\n192.0.2.2\n").expect("written");
    let (third, reports) = load(&second).expect("a list");
    assert_eq!((reports.len(), third.get("test").expect("it").len(), second.get("test").expect("it").len()), (1, 2, 1));
    std::fs::write(&path, "#".repeat(200)).expect("written");
    assert!(load(&third).is_err());
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(bytes: Vec<u8>, pieces in proptest::collection::vec(proptest::prelude::prop::sample::select(vec![
        "[", "]", "'", "\"", "ipv4-addr:value", "=", "IN", "(", ")", "OR", "\\", "{", "}", ":", ",", "\"objects\"", "\"Attribute\"",
        "\"pattern\"", "\"type\"", "\"indicator\"", "1.2.3.4", "/8", "\n", "ioc", "*.", ".", "#", " ", "é",
    ]), 0..30)) {
        for format in <Format as Words>::ALL.iter().filter_map(|word| Format::parse(word.as_bytes())) {
            for sort in <Sort as Words>::ALL.iter().filter_map(|word| Sort::parse(word.as_bytes())) {
                for text in [bytes.as_slice(), pieces.concat().as_bytes()] {
                    if let Ok((list, _)) = List::read(&spec(format, sort), text, 10, None) {
                        assert_eq!(list.find(Value::Bytes(text)).is_some(), list.holds(Value::Bytes(text)));
                    }
                }
            }
        }
    }
}
