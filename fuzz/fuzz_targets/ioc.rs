//! A file of indicators: the first two bytes choose format and type, the rest is the file. Whatever
//! is read of it is found again under the form in which the list shows it.
#![no_main]

use beewolf::{
    event::value::{Value, Words},
    indicator::{Columns, Format, List, Sort, Spec},
};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let [format, sort, file @ ..] = bytes else { return };
    let pick = |words: &[&'static str], byte: u8| words[usize::from(byte) % words.len()].as_bytes();
    let format = Format::parse(pick(<Format as Words>::ALL, *format)).expect("a format");
    let sort = Sort::parse(pick(<Sort as Words>::ALL, *sort)).expect("a type");
    let columns = Columns { value: "ioc".into(), description: Some("what".into()), reference: Some("link".into()) };
    let spec = Spec { name: "fuzz".into(), path: "fuzz".into(), format, sort, subdomains: false, columns };
    let Ok((list, report)) = List::read(&spec, file, 1000, None) else { return };
    assert_eq!(report.entries, list.len());
    for word in file.split(|byte| byte.is_ascii_whitespace()) {
        let value = match (sort, std::str::from_utf8(word).ok().and_then(|word| word.parse().ok())) {
            (Sort::Ip, Some(address)) => Value::Ip(address),
            _ => Value::Bytes(word),
        };
        if let Some(hit) = list.find(value)
            && sort != Sort::Ip
        {
            // Of a domain that stands for those below it; a file may be called so.
            let below = hit.indicator.strip_prefix("*.").filter(|_| sort == Sort::Domain);
            let shown = below.unwrap_or(&hit.indicator);
            let decoded = beewolf::event::text::decode(shown);
            assert!(list.holds(Value::Bytes(&decoded)), "{hit:?}");
        }
    }
});
