//! A file of rules of ours: native rules, definitions, overrides, whitelists. Any text gives rules or
//! findings that point into it; rules that were read judge an event; findings print.
#![no_main]

use std::sync::{Arc, LazyLock};

use beewolf::{
    detect::{RuleSet, State},
    event::{Event, json},
    rule::{Colour, Loader, Source, sigma::Fieldmap},
};

static LOADER: LazyLock<Arc<Fieldmap>> = LazyLock::new(Fieldmap::builtin);
static EVENTS: LazyLock<Vec<Arc<Event>>> = LazyLock::new(|| {
    let lines = [
        r#"{"event":{"action":"exec"},"process":{"executable":"/bin/sh","name":"sh","args":["sh","-c","aWQ="],"command_line":"sh -c id"}}"#,
        r#"{"event":{"action":"connect"},"destination":{"ip":"::ffff:10.0.0.1","port":443}}"#,
    ];
    lines.iter().map(|line| Arc::new(json::read(line.as_bytes()).expect("an event").0)).collect()
});

libfuzzer_sys::fuzz_target!(|text: &str| {
    let source = Source::new("rules/rule.yml", text);
    let (rules, findings) = Loader::new(Arc::clone(&LOADER)).read(&[Arc::clone(&source)]);
    for finding in findings.sorted() {
        let range = &finding.place.range;
        assert!(range.start <= range.end && range.end <= finding.place.source.text.len(), "{finding:?}");
    }
    findings.render(Colour::Plain);
    let set = RuleSet::new(rules);
    for event in EVENTS.iter() {
        set.evaluate(event, &mut State::default(), &mut drop);
    }
});
